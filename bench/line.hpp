// Timing round trips, and the one that no transport can beat: a cache line's, there and back.
#pragma once

#include "bench/sides.hpp"
#include "bench/system.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace annulus::bench {

// For the side that asks: `trip()` makes one round trip. Warms up, times a loop with hardly a clock
// in it, then fills `each` with single trips, ns, each with one reading of the clock.
template <class Trip>
trips time_trips(nanoseconds span, std::span<std::uint64_t> each, Trip trip) {
  repeat_for(span / 5, trip);
  std::uint64_t count = 0;
  const auto began = clock::now();
  repeat_for(span * 2 / 5, [&] {
    trip();
    ++count;
  });
  auto last = clock::now();
  trips seen;
  seen.mean =
      std::chrono::duration<double, std::nano>(last - began).count() / static_cast<double>(count);
  for (const auto until = last + span * 2 / 5; last < until && seen.timed < each.size();) {
    trip();
    const auto now = clock::now();
    each[seen.timed++] =
        static_cast<std::uint64_t>(std::chrono::duration_cast<nanoseconds>(now - last).count());
    last = now;
  }
  return seen;
}

struct round_trips {
  double mean = 0;                  // ns
  std::vector<std::uint64_t> each;  // ns, of single ones, in their order
};

// Two sides hand a cache line to and fro, in each of several ways for a part of the span. Returns
// those of the fastest way.
[[nodiscard]] round_trips raw_round_trips(where at, nanoseconds span, const processors& on,
                                          const patience& until = {});

// Two processors are near each other when the raw round trip is below this, ns.
inline constexpr double near_below = 300;
[[nodiscard]] constexpr const char* distance_of(double raw_ns) noexcept {
  return raw_ns < near_below ? "near" : "far";
}

// Pairs of processors to measure on: the first of `all` with its nearest and its farthest, or one
// pair where they are alike or there are only two. Requires: two or more.
[[nodiscard]] std::vector<std::vector<int>> near_and_far_pairs(const std::vector<int>& all);

}  // namespace annulus::bench
