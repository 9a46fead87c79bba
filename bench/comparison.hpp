// The comparison of `annulus compare`: every transport does the same, in turn, round after round.
// What was seen of each, in figures, is what its tables, verdicts and recommendation are made from.
#pragma once

#include "bench/report.hpp"
#include "bench/trials.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
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

// Shares of one core.
struct cpu_use {
  double producer = 0;  // in its sends
  double consumer = 0;

  [[nodiscard]] double busier() const { return producer > consumer ? producer : consumer; }
};

// What was seen of one system.
struct summary {
  std::string name;
  std::string setting{};
  std::string missing{};  // why there are no figures, or why some are missing
  bool is_ours = false;
  bool is_pipe = false;
  std::map<std::size_t, spread> rates{};  // messages a second, by batch
  std::map<std::size_t, spread> rates_by_size{};
  std::vector<std::uint64_t> latencies{};  // open loop, one way, ns, sorted
  std::optional<percentiles> latency{};    // of these
  std::optional<spread> median_latency{};  // of the rounds
  std::optional<percentiles> trip{};       // closed loop, there and back
  std::optional<cpu_use> cpu{};
  std::uint64_t memory_bytes = 0;  // 0: not told
  std::optional<calls> single{};   // at the rate
  std::optional<calls> batched{};  // in batches of 100, as fast as it goes
  std::vector<spread> steps{};     // ns; empty: it has none

  // Messages a second, one at a time; 0: not measured.
  [[nodiscard]] double rate() const { return rates.contains(1) ? rates.at(1).median : 0; }
  // In the largest batch.
  [[nodiscard]] double batched_rate() const {
    return rates.empty() ? 0 : rates.rbegin()->second.median;
  }
};

[[nodiscard]] std::vector<summary> summaries_of(const comparison& of);

// The targets and each figure beside them, the figures, and which transport to take.
[[nodiscard]] report report_of(facts machine, const comparison& of);

}  // namespace annulus::bench
