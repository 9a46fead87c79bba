// The targets that are ratios to the best peers in the same repeat, and whether they are met.
#pragma once

#include "bench/results.hpp"

#include <string>
#include <vector>

namespace annulus::bench {

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
