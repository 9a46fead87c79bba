// The two classic designs for one producer and one consumer, written plainly as references: what a
// competent engineer gets in fifty lines, without variable lengths, recovery or statistics.
//
// Indices   head and tail on lines of their own, each side with a cached copy of the other's index,
//           which it reloads only when the ring looks full or empty
// In band   each slot has a sequence number in front of its message; there are no shared indices
#include "bench/systems/all.hpp"
#include "bench/systems/ends.hpp"

#include <atomic>
#include <bit>
#include <vector>

namespace annulus::bench {
namespace plain {

template <std::size_t Bytes>
struct indexed {
  struct queue {
    explicit queue(std::size_t count) : values(std::bit_ceil(count)), mask(values.size() - 1) {}

    std::vector<value<Bytes>> values;
    std::uint64_t mask;
    alignas(128) std::atomic<std::uint64_t> written{0};
    alignas(128) std::uint64_t read_seen = 0;  // the producer's copy
    alignas(128) std::atomic<std::uint64_t> read{0};
    alignas(128) std::uint64_t written_seen = 0;  // the consumer's copy
  };
  static bool push(queue& to, const value<Bytes>& one) {
    const auto at = to.written.load(std::memory_order_relaxed);
    if (at - to.read_seen > to.mask) {
      to.read_seen = to.read.load(std::memory_order_acquire);
      if (at - to.read_seen > to.mask) return false;
    }
    to.values[at & to.mask] = one;
    to.written.store(at + 1, std::memory_order_release);
    return true;
  }
  template <class F>
  static std::size_t take(queue& from, F&& f, std::size_t limit) {
    const auto at = from.read.load(std::memory_order_relaxed);
    if (from.written_seen == at) from.written_seen = from.written.load(std::memory_order_acquire);
    const auto count = std::min<std::uint64_t>(from.written_seen - at, limit);
    for (std::uint64_t i = at; i < at + count; ++i) f(from.values[i & from.mask]);
    if (count > 0) from.read.store(at + count, std::memory_order_release);
    return count;
  }
};

template <std::size_t Bytes>
struct in_band {
  struct slot {
    std::atomic<std::uint64_t> sequence{0};
    value<Bytes> one;
  };
  // A slot's sequence is the number of its next push, or one more when it holds a message.
  struct queue {
    explicit queue(std::size_t count) : slots(std::bit_ceil(count)), mask(slots.size() - 1) {
      for (std::size_t i = 0; i < slots.size(); ++i) slots[i].sequence = i;
    }
    std::vector<slot> slots;
    std::uint64_t mask;
    alignas(128) std::uint64_t written = 0;  // the producer's own
    alignas(128) std::uint64_t read = 0;     // the consumer's own
  };
  static bool push(queue& to, const value<Bytes>& one) {
    slot& at = to.slots[to.written & to.mask];
    if (at.sequence.load(std::memory_order_acquire) != to.written) return false;
    at.one = one;
    at.sequence.store(++to.written, std::memory_order_release);
    return true;
  }
  template <class F>
  static std::size_t take(queue& from, F&& f, std::size_t limit) {
    std::size_t taken = 0;
    for (; taken < limit; ++taken) {
      slot& at = from.slots[from.read & from.mask];
      if (at.sequence.load(std::memory_order_acquire) != from.read + 1) break;
      f(at.one);
      at.sequence.store(from.read++ + from.slots.size(), std::memory_order_release);
    }
    return taken;
  }
};

}  // namespace plain

std::vector<system> plain_systems() {
  constexpr const char* setting = "a reference of ours; read in place";
  return {value_system<plain::indexed>("plain ring, cached indices", setting),
          value_system<plain::in_band>("plain ring, in band", setting)};
}

}  // namespace annulus::bench
