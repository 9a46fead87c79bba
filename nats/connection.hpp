// A connection to a NATS server, held by one thread, and made anew when it is lost: to the next
// host of its name.
//
// libnats reconnects by itself, and then sends what it still holds, behind what was lost on the
// way: that would change the order of messages. So here a connection that is lost stays lost. The
// next one begins anew, and its end of a lane sends again, in order, all that has no answer.
//
// Waits     each has a deadline: connecting, TLS and writing take `timeout` at most. A server that
//           is silent is asked for a sign of life every 2 s; two that fail are its loss
// Back-off  50 ms to 2 s between two attempts
#pragma once

#include <nats/nats.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <annulus/channel/result.hpp>
#include <annulus/channel/status.hpp>
#include <annulus/nats/name.hpp>

namespace annulus::nats {

// Frees what libnats made.
template <class T, void (*Destroy)(T*)>
struct destroyer {
  void operator()(T* one) const noexcept { Destroy(one); }
};
template <class T, void (*Destroy)(T*)>
using owned = std::unique_ptr<T, destroyer<T, Destroy>>;

using owned_message = owned<natsMsg, natsMsg_Destroy>;
using owned_subscription = owned<natsSubscription, natsSubscription_Destroy>;
using owned_stream_info = owned<jsStreamInfo, jsStreamInfo_Destroy>;

// What libnats has to say of a call that failed in this thread.
[[nodiscard]] std::string words_of(natsStatus s);
// Milliseconds from now; at least 1, as libnats has no shorter waits.
[[nodiscard]] std::int64_t milliseconds_to(deadline until) noexcept;
// The same for a span.
[[nodiscard]] std::int64_t milliseconds_of(std::chrono::nanoseconds span) noexcept;

// What the server says of a stream.
struct stream_facts {
  std::string subject;           // what is published to
  std::int64_t created = 0;      // when; another stream of its name has another
  std::int64_t max_message = 0;  // -1: the server's
  bool is_one_by_one = false;    // it may refuse a message and take the next
  jsRetentionPolicy retention = js_LimitsPolicy;
};

class connection {
 public:
  explicit connection(address at);
  connection(connection&&) noexcept = default;
  connection& operator=(connection&&) noexcept = default;
  ~connection();

  // Connects and finds the stream, or makes it if `makes`. Waits `timeout` for a server that does
  // not answer yet.
  [[nodiscard]] result<bool> open(bool makes);
  // Whether it is connected, and the stream was found. Else tries it, if it is time for that, and
  // waits at most until then.
  [[nodiscard]] bool is_ready(deadline until);
  // Hears what is sent to an inbox of its own, or behind it if it ends in ".*". What a server sends
  // beyond so much that nobody has taken yet is dropped. Once for each connection.
  [[nodiscard]] natsStatus listen(const char* behind, int messages, std::int64_t bytes);
  [[nodiscard]] const std::string& inbox() const noexcept { return inbox_; }
  // Nothing, unless it is connected and listens.
  [[nodiscard]] natsSubscription* heard() const noexcept { return heard_.get(); }
  // It is lost, for this reason.
  void lose(const std::string& why);
  // The server has answered: back-off and patience begin anew.
  void be_well() noexcept;
  void close() noexcept;

  [[nodiscard]] bool is_connected() const noexcept;
  // The stream was removed, or is another now.
  [[nodiscard]] bool is_removed() const noexcept { return is_removed_; }
  void be_removed() noexcept { is_removed_ = true; }
  [[nodiscard]] bool is_away() const noexcept { return is_away_; }
  [[nodiscard]] bool has_given_up() const;
  // Why it is away.
  [[nodiscard]] std::string trouble() const;
  // Grows with each connection.
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

  [[nodiscard]] natsConnection* handle() const noexcept { return handle_.get(); }
  [[nodiscard]] jsCtx* stream_context() const noexcept { return context_.get(); }
  [[nodiscard]] const address& at() const noexcept { return at_; }
  [[nodiscard]] const stream_facts& facts() const noexcept { return facts_; }
  // The most that a message, headers included, may have.
  [[nodiscard]] std::int64_t max_payload() const noexcept;
  // The server's last complaint, for an answer that does not come.
  [[nodiscard]] std::string complaint() const;

  // Whether the stream is still there; what failed else is said in `why`.
  enum class sight : std::uint8_t { there, missing, unknown };
  [[nodiscard]] sight look_for_stream(std::string& why);

 private:
  [[nodiscard]] result<bool> connect();
  [[nodiscard]] result<bool> make_stream();
  [[nodiscard]] result<bool> read_facts(const jsStreamInfo& info);
  [[nodiscard]] bool reconnect();

  address at_;
  std::size_t turn_ = 0;  // of the hosts, counted on for ever
  owned<natsConnection, natsConnection_Destroy> handle_;
  owned<jsCtx, jsCtx_Destroy> context_;
  std::string inbox_;
  owned_subscription heard_;
  stream_facts facts_;
  std::uint64_t count_ = 0;
  bool is_removed_ = false;
  bool is_away_ = false;
  std::string why_;
  std::optional<deadline> since_;  // of a loss that nothing has come after
  deadline next_try_{};
  std::chrono::milliseconds pause_{};
};

}  // namespace annulus::nats
