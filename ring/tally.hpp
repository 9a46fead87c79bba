// A ring's statistics of messages: counted in the role, published per chunk.
//
// To store two counters at each message costs as much as the message. So they are told when the
// role looks for room or hands space back, when it finds nothing to read, and when it closes. What
// is not told yet stands in a lone producer's ring, past `counted_to`: a report adds it, and a
// successor counts it (catch_up in recovery.hpp). A producer of many tells each message.
#pragma once

#include <atomic>
#include <cstdint>

#include <annulus/channel/counters.hpp>
#include <annulus/ring/edges.hpp>

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
    untold_messages_ += count;
    untold_bytes_ += bytes;
  }
  // The same, told at once.
  void told(std::uint64_t count, std::uint64_t bytes) noexcept {
    counted<Atomics>::messages(count, bytes);
  }
  // All messages below `to` are counted. A death in here loses what was untold, and counts nothing
  // twice.
  void tell(std::uint64_t to) noexcept {
    // [own] relaxed: a statistic orders nothing.
    words_->counted_to.template store<edge::own>(to, std::memory_order_relaxed);
    // [own] fence: should this process die between the stores.
    Atomics::compiler_fence();
    counted<Atomics>::messages(untold_messages_, untold_bytes_);
    untold_messages_ = untold_bytes_ = 0;
  }
  // Up to where messages are counted. A role that counts nothing has nothing to catch up: `to`.
  [[nodiscard]] std::uint64_t counted_to(std::uint64_t) const noexcept {
    // [own] relaxed: only this role, or the one before it, writes its counters.
    return words_->counted_to.template load<edge::own>(std::memory_order_relaxed);
  }

 private:
  std::uint64_t untold_messages_ = 0;
  tally_words<Atomics>* words_;  // between the two: apart, each is one addition to memory
  std::uint64_t untold_bytes_ = 0;
};

}  // namespace annulus
