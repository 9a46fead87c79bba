// The measurement of peers: the targets of the ring, and every figure.
#pragma once

#include "bench/report.hpp"
#include "bench/results.hpp"

namespace annulus::bench {

[[nodiscard]] report report_of(facts machine, const measurement& seen);

}  // namespace annulus::bench
