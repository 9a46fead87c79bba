// What was asked of shared memory before it was measured, and whether a transport meets it.
#pragma once

#include "compare/summary.hpp"

#include <optional>
#include <span>

namespace annulus::compare {

enum class metric : std::uint8_t { throughput, p50, p95, p99, cpu, memory };

struct target {
  metric of;
  const char* name;
  const char* asked;  // as it was asked
  const char* pipes;  // what named pipes were said to do
  double limit;       // messages a second; ns; of the machine; bytes
  bool is_strict;     // the limit itself does not meet it
};

[[nodiscard]] std::span<const target> targets();

// The CPU's limit is meant of the machine that the targets were set for, all of its cores.
inline constexpr double cores_of_the_target = 8;

// Nothing: it was not measured.
[[nodiscard]] std::optional<double> value_of(metric of, const summary& seen);
[[nodiscard]] bool is_met(const target& asked, double value);

// A value, as a table shows it.
[[nodiscard]] std::string show(metric of, double value);

}  // namespace annulus::compare
