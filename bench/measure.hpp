// Takes the samples: interleaved, so that what the machine does meanwhile meets every system alike.
#pragma once

#include <chrono>
#include <vector>

#include "trial.hpp"

namespace annulus::bench {

struct plan {
  unsigned repeats = 9;
  std::chrono::duration<double> span{0.02};  // of one measurement; three times that when crowded
  bool quick = false;                        // few messages, no calibration: figures mean nothing
};

// Every repeat visits every group; in a visit the trials follow each other, another one first each
// time, and before each the raw round trip is measured. Tells its progress on stderr.
[[nodiscard]] std::vector<sample> measure(const std::vector<trial>& trials, const processors& on,
                                          const plan& how);

}  // namespace annulus::bench
