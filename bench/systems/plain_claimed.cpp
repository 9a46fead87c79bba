// A plain ring for many producers, as a reference: each claims its record by a compare-and-swap on
// the tail and commits it by the length in front; the consumer zeroes what it hands back. Aeron's
// ring has this shape. It has no recovery: a producer that dies in a claim stops it.
#include "bench/systems/all.hpp"
#include "bench/systems/ends.hpp"

#include <atomic>
#include <bit>
#include <cstring>
#include <optional>
#include <vector>

namespace annulus::bench {
namespace plain {

template <std::size_t Bytes>
struct claimed {
  using length = std::atomic<std::int64_t>;  // less than 0: padding
  static constexpr std::uint64_t header = 8, record = (header + Bytes + 7) & ~std::uint64_t{7};

  struct queue {
    explicit queue(std::size_t count)
        : words(std::bit_ceil(count * record) / 8), capacity(words.size() * 8) {}

    length& length_at(std::uint64_t pos) { return *reinterpret_cast<length*>(&word(pos)); }
    value<Bytes>& value_at(std::uint64_t pos) {
      return *reinterpret_cast<value<Bytes>*>(&word(pos) + 1);
    }
    // Up to the end of the words, which no record crosses.
    [[nodiscard]] std::uint64_t straight(std::uint64_t pos) const {
      return capacity - pos % capacity;
    }
    std::uint64_t& word(std::uint64_t pos) { return words[pos / 8 & (words.size() - 1)]; }

    std::vector<std::uint64_t> words;
    std::uint64_t capacity;
    alignas(128) std::atomic<std::uint64_t> tail{0};
    alignas(128) std::atomic<std::uint64_t> head_seen{0};  // the producers' copy
    alignas(128) std::atomic<std::uint64_t> head{0};
  };

  // Where the record goes; what it would not fit into before the end is padding.
  static std::optional<std::uint64_t> claim(queue& to) {
    auto head = to.head_seen.load(std::memory_order_relaxed);
    auto at = to.tail.load(std::memory_order_relaxed);
    for (;;) {
      const auto straight = to.straight(at);
      const auto padding = straight < record ? straight : 0;
      const auto end = at + padding + record;
      if (end - head > to.capacity) {
        head = to.head.load(std::memory_order_acquire);
        if (end - head > to.capacity) return std::nullopt;
        to.head_seen.store(head, std::memory_order_relaxed);
      }
      if (!to.tail.compare_exchange_weak(at, end, std::memory_order_acq_rel)) continue;
      if (padding > 0) {
        to.length_at(at).store(-static_cast<std::int64_t>(padding), std::memory_order_release);
      }
      return at + padding;
    }
  }
  static bool push(queue& to, const value<Bytes>& one) {
    const auto at = claim(to);
    if (!at) return false;
    to.value_at(*at) = one;
    to.length_at(*at).store(record, std::memory_order_release);
    return true;
  }

  template <class F>
  static std::size_t take(queue& from, F&& f, std::size_t limit) {
    const auto begin = from.head.load(std::memory_order_relaxed);
    const auto most = from.straight(begin);
    std::size_t taken = 0;
    std::uint64_t passed = 0;
    while (taken < limit && passed < most) {
      const auto length = from.length_at(begin + passed).load(std::memory_order_acquire);
      if (length == 0) break;
      if (length > 0) {
        f(from.value_at(begin + passed));
        ++taken;
      }
      passed += static_cast<std::uint64_t>(length > 0 ? length : -length);
    }
    if (passed > 0) {
      std::memset(&from.word(begin), 0, passed);
      from.head.store(begin + passed, std::memory_order_release);
    }
    return taken;
  }
};

}  // namespace plain

std::vector<system> plain_claimed_systems() {
  return {value_system<plain::claimed>("plain ring, many producers",
                                       "a reference of ours, of Aeron's shape; read in place",
                                       script::most_producers)};
}

}  // namespace annulus::bench
