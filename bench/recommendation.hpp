// Which transport for which need, on this machine: the usual decision tree, asked of figures.
//
//     no shared memory?                       the pipe
//     low latency?                            the pipe if it keeps that twice over, else a ring
//     a high rate?                            the pipe up to half of what it carries, then a ring
//     a tight CPU budget?                     the cheapest that is not too late
//     none of these                           the pipe
//
// bus/choice.hpp has the limits of latency and rate. The pipe is the default, because it is the
// simplest and works everywhere.
#pragma once

#include "bench/report.hpp"

#include <string>
#include <vector>

namespace annulus::bench {

struct advice {
  std::string need;
  std::string choice;  // a transport's name; empty: none here meets the need
  std::string why;     // with the figures
};

// Of our own among them (transports_of), as far as they were measured. `rate`: of the open loop.
[[nodiscard]] std::vector<advice> recommend(const json& transports, double rate);

}  // namespace annulus::bench
