// A comparison in figures: what tables, verdicts and the recommendation are made from.
#pragma once

#include "bench/comparison.hpp"
#include "bench/statistics.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace annulus::bench {

// Nanoseconds.
struct percentiles {
  double p50 = 0;
  double p95 = 0;
  double p99 = 0;
  double p999 = 0;
  double max = 0;
};

// Empty if there are no samples. Requires: sorted.
[[nodiscard]] std::optional<percentiles> percentiles_of(const std::vector<std::uint64_t>& sorted);

// Shares of one core.
struct cpu_use {
  double producer = 0;  // in its sends
  double consumer = 0;

  [[nodiscard]] double busier() const { return producer > consumer ? producer : consumer; }
};

struct summary {
  std::string name;
  std::string setting{};
  std::string missing{};  // why there are no figures, or why they end
  bool is_ours = false;
  bool is_pipe = false;
  std::map<std::size_t, spread> rates{};  // messages a second, by batch
  std::map<std::size_t, spread> rates_by_size{};
  std::optional<percentiles> latency{};    // open loop, one way
  std::optional<spread> median_latency{};  // of the rounds
  std::optional<percentiles> trip{};       // closed loop, there and back
  std::optional<cpu_use> cpu{};
  std::uint64_t memory_bytes = 0;
  std::optional<calls> single{};
  std::optional<calls> batched{};
  std::vector<spread> steps{};  // ns; empty: it has none

  // Messages a second, one at a time; 0: not measured.
  [[nodiscard]] double rate() const { return rates.contains(1) ? rates.at(1).median : 0; }
  // In the largest batch.
  [[nodiscard]] double batched_rate() const {
    return rates.empty() ? 0 : rates.rbegin()->second.median;
  }
};

[[nodiscard]] std::vector<summary> summaries_of(const comparison& of);

}  // namespace annulus::bench
