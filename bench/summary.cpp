#include "bench/summary.hpp"

#include <algorithm>

namespace annulus::bench {
namespace {

std::map<std::size_t, spread> spreads_of(const std::map<std::size_t, std::vector<double>>& rates) {
  std::map<std::size_t, spread> out;
  for (const auto& [key, values] : rates) {
    if (!values.empty()) out[key] = spread_of(values);
  }
  return out;
}

std::optional<cpu_use> cpu_of(const figures& of) {
  if (of.cpu.empty()) return std::nullopt;
  const auto median = [&](double cpu_shares::*which) {
    std::vector<double> all;
    for (const auto& one : of.cpu) all.push_back(one.*which);
    return median_of(std::move(all));
  };
  // A send that waits for room takes longer than it costs.
  return cpu_use{std::min(median(&cpu_shares::producer_calls), median(&cpu_shares::producer)),
                 median(&cpu_shares::consumer)};
}

}  // namespace

std::optional<percentiles> percentiles_of(const std::vector<std::uint64_t>& sorted) {
  if (sorted.empty()) return std::nullopt;
  const auto at = [&](double q) { return quantile_of_sorted(std::span(sorted), q); };
  return percentiles{at(0.5), at(0.95), at(0.99), at(0.999), at(1)};
}

std::vector<summary> summaries_of(const comparison& of) {
  std::vector<summary> out;
  for (const auto& one : of.all) {
    summary s;
    s.name = one.of.name;
    s.setting = one.of.setting;
    s.missing = one.of.missing.empty() ? one.failure : one.of.missing;
    s.is_ours = one.of.is_ours;
    s.is_pipe = one.of.is_ours && one.of.name == pipe_name;
    s.rates = spreads_of(one.rates);
    s.rates_by_size = spreads_of(one.rates_by_size);
    s.latency = percentiles_of(one.latencies);
    if (!one.medians.empty()) s.median_latency = spread_of(one.medians);
    s.trip = percentiles_of(one.trips);
    s.cpu = cpu_of(one);
    s.memory_bytes = one.memory_bytes;
    s.single = one.single;
    s.batched = one.batched;
    for (const auto& step : one.steps) {
      if (!step.empty()) s.steps.push_back(spread_of(step));
    }
    out.push_back(std::move(s));
  }
  return out;
}

}  // namespace annulus::bench
