#include "compare/summary.hpp"

#include <algorithm>

namespace annulus::compare {
namespace {

std::map<std::size_t, spread> spreads_of(const std::map<std::size_t, std::vector<double>>& rates) {
  std::map<std::size_t, spread> out;
  for (const auto& [key, values] : rates) {
    if (!values.empty()) out[key] = spread_of(values);
  }
  return out;
}

std::optional<cpu_use> cpu_of(const figures& of) {
  if (of.producer_cpu.empty() || of.consumer_cpu.empty()) return std::nullopt;
  cpu_use use;
  // A send that waits for room is longer than what it costs.
  use.producer = std::min(median_of(of.producer_calls), median_of(of.producer_cpu));
  use.consumer = median_of(of.consumer_cpu);
  return use;
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
    s.missing = one.of.open == nullptr ? one.of.missing : one.failure;
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

}  // namespace annulus::compare
