// What the benchmarks share with `annulus compare`: the sides of a measurement, and statistics.
#pragma once

#include "compare/sides.hpp"
#include "compare/statistics.hpp"

namespace annulus::bench {

using compare::gate;
using compare::geometric_mean;
using compare::median_of;
using compare::poll;
using compare::processors;
using compare::quantile_of_sorted;
using compare::run_sides;
using compare::shared;
using compare::shared_pages;
using compare::spread;
using compare::spread_of;
using compare::where;

}  // namespace annulus::bench
