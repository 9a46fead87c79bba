// The project's targets, and whether they are met.
#pragma once

#include <string>
#include <vector>

#include "results.hpp"

namespace annulus::bench {

struct verdict {
  std::string target;
  std::string found;
  bool is_met;
};

// Of what was measured often enough.
[[nodiscard]] std::vector<verdict> judge(const results& of);

}  // namespace annulus::bench
