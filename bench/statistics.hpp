// Medians, spreads and means of what was measured.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace annulus::bench {

// Requires: not empty, sorted; 0 <= q <= 1.
template <class T>
[[nodiscard]] double quantile_of_sorted(std::span<const T> values, double q) {
  const double at = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const auto above = std::min(below + 1, values.size() - 1);
  const double part = at - static_cast<double>(below);
  return (1 - part) * static_cast<double>(values[below]) +
         part * static_cast<double>(values[above]);
}

// Nanoseconds.
struct percentiles {
  double p50 = 0;
  double p95 = 0;
  double p99 = 0;
  double p999 = 0;
  double max = 0;
};

// Empty if there are no samples. Requires: sorted.
[[nodiscard]] inline std::optional<percentiles> percentiles_of(
    const std::vector<std::uint64_t>& sorted) {
  if (sorted.empty()) return std::nullopt;
  const auto at = [&](double q) { return quantile_of_sorted(std::span(sorted), q); };
  return percentiles{at(0.5), at(0.95), at(0.99), at(0.999), at(1)};
}

// Half of the values lie within [low, high].
struct spread {
  double low = 0;
  double median = 0;
  double high = 0;
};

// Requires: not empty.
[[nodiscard]] inline spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::span<const double> sorted(values);
  return {quantile_of_sorted(sorted, 0.25), quantile_of_sorted(sorted, 0.5),
          quantile_of_sorted(sorted, 0.75)};
}
[[nodiscard]] inline double median_of(std::vector<double> values) {
  return spread_of(std::move(values)).median;
}

// What each of several says: `get` is a function of one, or a member of it or of what it points to.
template <class Range, class Get>
[[nodiscard]] std::vector<double> each(const Range& of, Get get) {
  std::vector<double> all;
  for (const auto& one : of) all.push_back(std::invoke(get, one));
  return all;
}

// Requires: not empty, all positive.
[[nodiscard]] inline double geometric_mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += std::log(value);
  return std::exp(sum / static_cast<double>(values.size()));
}

}  // namespace annulus::bench
