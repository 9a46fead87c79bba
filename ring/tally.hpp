// A ring's statistics of messages: counted in the role, published per chunk.
//
// To store two counters at each message costs as much as the message. So a role publishes them when
// it looks for room or hands space back, when it finds nothing to read, and when it closes. What is
// not published yet stands in a lone producer's ring, past `counted_to`: a report adds it, and a
// successor counts it (catch_up in spsc_recovery.hpp). A producer of many publishes each message.
//
// A lone producer's ring does not even count in the role while messages are of one length: how many
// there were follows from the positions (a run).
#pragma once

#include <atomic>
#include <cstdint>

#include <annulus/channel/counters.hpp>
#include <annulus/ring/edges.hpp>
#include <annulus/ring/record.hpp>

namespace annulus {

template <class Atomics>
struct tally_words : counter_words<Atomics> {
  typename Atomics::template word<std::uint64_t> counted_to;  // messages and bytes below here
};

template <class Atomics>
class tallied : public counted<Atomics> {
 public:
  explicit tallied(tally_words<Atomics>& words) noexcept
      : counted<Atomics>(words), words_(&words) {}

  void messages(std::uint64_t count, std::uint64_t bytes) noexcept {
    unpublished_messages_ += count;
    unpublished_bytes_ += bytes;
  }
  // The first run begins here: of empty messages, whose records are so long.
  void begin_at(std::uint64_t pos, std::uint64_t record) noexcept { run_ = {pos, 0, record}; }
  // Whether a message is as long as the last of message(): then its position alone counts it.
  [[nodiscard]] bool is_as_last(std::uint64_t bytes) const noexcept { return bytes == run_.bytes; }
  // A message whose record is [pos, end), or will be: it counts once the role has passed it.
  // Requires: at most max_message long, as is_as_last() says of the next one.
  [[gnu::always_inline]] void message(std::uint64_t pos, std::uint64_t end,
                                      std::uint64_t bytes) noexcept {
    if (is_as_last(bytes)) return;
    end_run(pos);
    run_ = {pos, bytes, end - pos};
  }
  // Messages that are counted otherwise, or none, are in [from, to).
  void pass(std::uint64_t from, std::uint64_t to) noexcept {
    end_run(from);
    run_.from = to;
  }
  // The same, published at once.
  void messages_now(std::uint64_t count, std::uint64_t bytes) noexcept {
    counted<Atomics>::messages(count, bytes);
  }
  // All messages below `to` are counted. A death in here loses what was not published, and counts
  // nothing twice.
  void publish(std::uint64_t to) noexcept {
    end_run(to);
    // [own] relaxed: a statistic orders nothing.
    words_->counted_to.template store<edge::own>(to, std::memory_order_relaxed);
    // [own] fence: should this process die between the stores.
    Atomics::compiler_fence();
    counted<Atomics>::messages(unpublished_messages_, unpublished_bytes_);
    unpublished_messages_ = unpublished_bytes_ = 0;
  }
  // Up to where messages are counted. A role that counts nothing has nothing to catch up: `to`.
  [[nodiscard]] std::uint64_t counted_to(std::uint64_t) const noexcept {
    // [own] relaxed: only this role, or the one before it, writes its counters.
    return words_->counted_to.template load<edge::own>(std::memory_order_relaxed);
  }

 private:
  // Messages of so many bytes, whose records are so long, and nothing else, since `from`.
  struct run {
    std::uint64_t from = 0, bytes = 0, record = 0;
  };

  void end_run(std::uint64_t pos) noexcept {
    if (run_.record == 0) return;  // a role of many counts each message
    const std::uint64_t passed = pos - run_.from;
    const std::uint64_t count = passed == run_.record ? 1 : passed / run_.record;
    messages(count, count * run_.bytes);
    run_.from = pos;
  }

  run run_;
  std::uint64_t unpublished_messages_ = 0;
  std::uint64_t unpublished_bytes_ = 0;
  tally_words<Atomics>* words_;
};

}  // namespace annulus
