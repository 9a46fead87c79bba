// Figures as JSON.
#pragma once

#include "bench/statistics.hpp"
#include <nlohmann/json.hpp>

namespace annulus::bench {

using json = nlohmann::ordered_json;

[[nodiscard]] inline json json_of(const spread& s) {
  return {{"median", s.median}, {"low", s.low}, {"high", s.high}};
}
[[nodiscard]] inline json json_of(const percentiles& p) {
  return {{"p50", p.p50}, {"p95", p.p95}, {"p99", p.p99}, {"p99.9", p.p999}, {"max", p.max}};
}

}  // namespace annulus::bench
