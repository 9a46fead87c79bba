// The targets of the project, set before anything was measured, and whether they are met: figures
// of one transport (`annulus compare`), and ratios to the best peers in the same repeat (`peers`).
#pragma once

#include "bench/comparison.hpp"
#include "bench/results.hpp"

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

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
  const char* asked;  // the limit in words
  const char* pipes;  // what named pipes were reported to do
  limit wanted;       // messages a second; ns; of the machine; bytes
  std::optional<double> (*value_of)(const summary&);  // empty if it was not measured
  std::string (*show)(double);                        // as a table shows it
};
[[nodiscard]] std::span<const target> targets();

// The CPU's limit is a share of all cores of the machine that the targets were set for.
inline constexpr double cores_of_the_target = 8;

// Whom a system is compared with in tables and targets.
struct field {
  const char* name;
  results::admits counts;
};
[[nodiscard]] field peers_in_process();
[[nodiscard]] field peers_that_keep_order();
[[nodiscard]] field only(const char* name);

struct verdict {
  std::string target;
  std::string found;
  bool is_met;
};
// On each ratio, over the sizes that were measured often enough.
[[nodiscard]] std::vector<verdict> judge(const results& of);

}  // namespace annulus::bench
