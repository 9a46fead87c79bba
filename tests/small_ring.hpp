// The smallest ring: a few messages fill it.
#pragma once

#include <annulus/ring/segment.hpp>

namespace annulus::testing {

inline segment small_ring(topology kind = topology::spsc) {
  return segment::anonymous({.topology = kind, .capacity = 4096}).value();
}

}  // namespace annulus::testing
