// What a comparison found. The figures of each transport are JSON, from which tables, verdicts and
// the recommendation are made.
#pragma once

#include "bench/comparison.hpp"
#include "bench/report.hpp"

namespace annulus::bench {

// What was seen of each system, in their order. A figure that was not measured is null.
[[nodiscard]] json transports_of(const comparison& of);

// The targets and each figure beside them, the figures, and which transport to take.
[[nodiscard]] report report_of(facts machine, const comparison& of);

}  // namespace annulus::bench
