// Figures as JSON.
#pragma once

#include "bench/statistics.hpp"
#include <nlohmann/json.hpp>

namespace annulus::bench {

using json = nlohmann::ordered_json;

[[nodiscard]] inline json json_of(const spread& s) {
  return {{"median", s.median}, {"low", s.low}, {"high", s.high}};
}

}  // namespace annulus::bench
