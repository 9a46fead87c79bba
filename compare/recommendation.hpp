// Which transport for which need, on this machine: the usual decision tree, asked of figures.
//
//     other systems, other machines?          the pipe
//     latency below 0.1 ms?                   the pipe if it keeps that twice over, else a ring
//     that does more than 10,000 messages a second?     the pipe up to half of what it carries,
//     then the ring a tight CPU budget?                     whoever costs least, if it keeps the
//     latency asked none of these                           the pipe
//
// The pipe is the default, because it is the simplest and is everywhere; shared memory is for those
// whom the pipe holds up.
#pragma once

#include "compare/summary.hpp"

#include <string>
#include <vector>

namespace annulus::compare {

struct advice {
  std::string need;
  std::string choice;  // a transport's name; empty: none here will do
  std::string why;     // with the figures
};

// Of our own transports among them, as far as they were measured. `rate`: of the open loop.
[[nodiscard]] std::vector<advice> recommend(const std::vector<summary>& all, double rate);

}  // namespace annulus::compare
