// The ends of a gateway's lanes that are streams of NATS. bus/lane.hpp says what an end is.
//
// Target     a batch is published without waiting, and answers are heard meanwhile; it is taken
//            when the server has acknowledged every message of it, for this stream. The mark is the
//            Nats-Msg-Id, so the server drops what is sent again within the stream's window. After
//            a loss of the connection all of the batch that has no answer is sent again, in order
// Source     reads through a durable pull consumer, in the stream's order, and acknowledges only
//            what was released. The mark is the one in the Nats-Msg-Id; of messages that others
//            published, the stream and its sequence
// Order      what the server may deliver out of order (redeliveries, gaps) is not read: the source
//            sets the consumer back to behind the last release
// Away       a server that is lost is tried again with back-off, until `patience` ends
// Threads    an end belongs to one thread; libnats has threads of its own. No end outlives a fork
//
// Without libnats nothing here is built in: opening fails, and says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <annulus/bus/lane.hpp>
#include <annulus/channel/mark.hpp>
#include <annulus/channel/result.hpp>
#include <annulus/channel/view.hpp>
#include <annulus/nats/name.hpp>

namespace annulus::nats {

// Whether this build has libnats; and why it has none.
[[nodiscard]] bool is_built_in() noexcept;
[[nodiscard]] std::string why_not_built_in();

// What a lane pushes into.
class target {
 public:
  // Connects, and makes the stream if the name allows it. Waits `timeout` at most.
  [[nodiscard]] static result<target> open(const address& at);
  target(target&&) noexcept;
  target& operator=(target&&) noexcept;
  ~target();

  // See bus/lane.hpp. The batch refers to the messages.
  [[nodiscard]] bool add(message one, const message_mark& mark);
  [[nodiscard]] bus::taken push(deadline until, bool drops);
  std::size_t drop();
  void close() noexcept;
  [[nodiscard]] static constexpr std::uint64_t unread() noexcept { return 0; }  // a server keeps it
  [[nodiscard]] static constexpr bool has_reader() noexcept { return true; }
  [[nodiscard]] bool has_lost_name() const noexcept;
  [[nodiscard]] bool is_away() const noexcept;
  [[nodiscard]] bool has_given_up() const;
  // Why it is away, or refused a message.
  [[nodiscard]] std::string trouble() const;
  [[nodiscard]] std::size_t max_message() const noexcept;
  [[nodiscard]] const std::string& name() const noexcept;
  [[nodiscard]] const std::string& where() const noexcept;

  // Messages that the server had already.
  [[nodiscard]] std::uint64_t repeated() const noexcept;

 private:
  class publisher;
  explicit target(std::unique_ptr<publisher> one) noexcept;
  std::unique_ptr<publisher> publisher_;
};

// Where a lane reads.
class source {
 public:
  // Connects, and makes the durable consumer, and the stream too if the name allows it. Waits
  // `timeout` for a server, and as long again (3 s at least) for another reader to end, or for a
  // cluster to choose who leads the consumer. Fails with in_use if another reads through it.
  [[nodiscard]] static result<source> open(const address& at);
  source(source&&) noexcept;
  source& operator=(source&&) noexcept;
  ~source();

  // As a consumer's. read requires that all was released. A server that is away: timed_out.
  [[nodiscard]] view read(deadline until);
  [[nodiscard]] view try_read();
  [[nodiscard]] message_mark mark() const noexcept;
  void release();
  // Whether the server holds nothing more for this consumer, as it says now.
  [[nodiscard]] bool has_ended();
  void close() noexcept;
  [[nodiscard]] bool has_lost_name() const noexcept;
  [[nodiscard]] bool is_away() const noexcept;
  [[nodiscard]] bool has_given_up() const;
  [[nodiscard]] std::string trouble() const;
  [[nodiscard]] std::size_t max_message() const noexcept;
  [[nodiscard]] const std::string& name() const noexcept;
  [[nodiscard]] const std::string& where() const noexcept;

 private:
  class subscriber;
  explicit source(std::unique_ptr<subscriber> one) noexcept;
  std::unique_ptr<subscriber> subscriber_;
};

}  // namespace annulus::nats
