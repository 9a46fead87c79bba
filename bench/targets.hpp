// The targets of the project, set before anything was measured, and whether a transport meets them.
#pragma once

#include "bench/comparison.hpp"

#include <optional>
#include <span>

namespace annulus::bench {

enum class metric : std::uint8_t { throughput, p50, p95, p99, cpu, memory };

struct target {
  metric of;
  const char* name;
  const char* asked;  // the limit in words
  const char* pipes;  // what named pipes were reported to do
  double limit;       // messages a second; ns; of the machine; bytes
  bool is_strict;     // the limit itself does not meet it
};

[[nodiscard]] std::span<const target> targets();

// The CPU's limit is a share of all cores of the machine that the targets were set for.
inline constexpr double cores_of_the_target = 8;

// Empty if it was not measured.
[[nodiscard]] std::optional<double> value_of(metric of, const summary& seen);
[[nodiscard]] bool is_met(const target& asked, double value);

// A value, as a table shows it.
[[nodiscard]] std::string show(metric of, double value);

}  // namespace annulus::bench
