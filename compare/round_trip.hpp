// Timing round trips, and the one that no transport can beat: a cache line's, there and back.
//
// A first loop is timed as a whole, so that no clock is in it; a second one times each trip.
#pragma once

#include "compare/sides.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

namespace annulus::compare {

constexpr std::uint64_t warm_up_of(std::uint64_t count) { return count / 5; }
constexpr std::uint64_t alone_of(std::uint64_t count) {
  return std::max<std::uint64_t>(count / 5, 1);
}
constexpr std::uint64_t trips_of(std::uint64_t count) {
  return warm_up_of(count) + count + alone_of(count);
}

// The side that asks: `trip(n)` makes the n-th round trip. Fills `each` with single trips, ns, and
// returns the mean of those before.
template <class Trip>
double time_trips(std::uint64_t count, std::span<float> each, Trip trip) {
  using steady = std::chrono::steady_clock;
  const auto in_ns = [](steady::duration span) {
    return std::chrono::duration<double, std::nano>(span).count();
  };
  std::uint64_t n = 0;
  while (n < warm_up_of(count)) trip(n++);
  const auto started = steady::now();
  for (std::uint64_t i = 0; i < count; ++i) trip(n++);
  const double mean = in_ns(steady::now() - started) / static_cast<double>(count);

  auto last = steady::now();
  for (float& one : each) {
    trip(n++);
    const auto now = steady::now();
    one = static_cast<float>(in_ns(now - last));
    last = now;
  }
  return mean;
}

struct round_trips {
  double mean = 0;          // nanoseconds
  std::vector<float> each;  // of single ones, with one reading of the clock in each
};

// Two sides hand one cache line to and fro.
[[nodiscard]] round_trips raw_round_trips(where at, std::uint64_t count, const processors& on,
                                          const patience& until = {});

}  // namespace annulus::compare
