// The comparison of `annulus compare`: every transport does the same, in turn, round after round.
#pragma once

#include "bench/experiments.hpp"
#include "bench/system.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace annulus::bench {

struct plan {
  std::vector<system> systems;
  std::size_t bytes = 128;
  double rate = 50'000;              // of the open loop and of the CPU's share, messages a second
  double seconds = 75;               // all of it, about
  std::chrono::seconds patience{5};  // with a run that lasts longer than it should
  unsigned rounds = 5;
  std::vector<std::size_t> batches{1, 10, 100};
  std::vector<std::size_t> sizes;  // throughput at each of these too, bytes
  std::vector<int> processors;     // the consumer's first
  std::function<bool()> is_asked_to_stop;
  std::function<void(const std::string&)> tell;  // how far it is
};

// What was seen of one system, round by round.
struct figures {
  system of;
  std::string failure{};                               // why it was given up; empty: it was not
  std::map<std::size_t, std::vector<double>> rates{};  // messages a second, by batch
  std::map<std::size_t, std::vector<double>> rates_by_size{};
  std::vector<std::uint64_t> trips{};                   // closed loop, ns, sorted
  std::vector<std::uint64_t> latencies{};               // open loop, ns, sorted
  std::vector<double> medians{};                        // of the open loop, of each round
  std::vector<cpu_shares> cpu{};                        // at the rate
  std::uint64_t memory_bytes = 0;                       // 0: not told
  std::optional<calls> single{};                        // at the rate
  std::optional<calls> batched{};                       // in batches of 100, as fast as it goes
  std::array<std::vector<double>, step_count> steps{};  // ns, the median of each round
};

struct comparison {
  plan how;
  double slice_ms = 0;             // how long one run lasts
  std::vector<double> raw_trips;   // of a cache line between the two processes, ns
  std::vector<double> pacing_cpu;  // what sleeping until each message is due costs by itself
  std::vector<figures> all;
};

// Throws broken_off when asked to stop. A system that fails is given up, with its reason noted.
[[nodiscard]] comparison measure(const plan& how);

}  // namespace annulus::bench
