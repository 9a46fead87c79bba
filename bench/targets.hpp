// The targets of the project for one transport, set before anything was measured, and whether a
// figure meets them. verdicts.hpp has those that are ratios to peers.
#pragma once

#include <limits>
#include <span>
#include <string>

namespace annulus::bench {

struct limit {
  double at_least = 0;
  double at_most = std::numeric_limits<double>::infinity();
  double below = std::numeric_limits<double>::infinity();

  [[nodiscard]] bool is_met(double value) const {
    return value >= at_least && value <= at_most && value < below;
  }
};

struct target {
  const char* name;
  const char* asked;            // the limit in words
  const char* pipes;            // what named pipes were reported to do
  limit wanted;                 // messages a second; ns; of the machine; bytes
  const char* figure;           // where it stands in what was seen of a transport
  std::string (*show)(double);  // as a table shows it
};
[[nodiscard]] std::span<const target> targets();

// The CPU's limit is a share of all cores of the machine that the targets were set for.
inline constexpr double cores_of_the_target = 8;

}  // namespace annulus::bench
