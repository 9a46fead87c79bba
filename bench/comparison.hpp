// The comparison of `annulus compare`: every transport does the same, in turn, round after round.
#pragma once

#include "bench/trials.hpp"

#include <cstddef>
#include <vector>

namespace annulus::bench {

// A plan whose trials and span come from these.
struct comparison_options : plan {
  std::vector<system> systems;
  std::size_t bytes = 128;
  double seconds = 75;  // all of it, about
  std::vector<std::size_t> batches{1, 10, 100};
  std::vector<std::size_t> sizes;  // throughput at each of these too, bytes
};

struct comparison {
  comparison_options how;
  measurement seen;
  std::vector<double> raw_trips;   // of a cache line between the two processes, ns
  std::vector<double> pacing_cpu;  // what sleeping until each message is due costs by itself
};

// Throws broken_off when asked to stop.
[[nodiscard]] comparison compare(const comparison_options& how);

}  // namespace annulus::bench
