// A comparison for people, for programs, as pictures.
#pragma once

#include "bench/machine.hpp"
#include "bench/recommendation.hpp"
#include "bench/summary.hpp"

#include <string>
#include <vector>

namespace annulus::bench {

struct report {
  facts machine;
  comparison measured;
  std::vector<summary> drawn;
  std::vector<advice> advised;
};

[[nodiscard]] report report_of(facts machine, comparison measured);

// What the machine says of itself, and how it was measured.
[[nodiscard]] std::string heading(const report& of);
// The targets, and each figure beside them.
[[nodiscard]] std::string tables(const report& of);
[[nodiscard]] std::string recommendation(const report& of);

[[nodiscard]] std::string as_json(const report& of);

// Writes latency.svg and, where sizes were measured, throughput.svg into the directory, by gnuplot.
// Returns why there are none; empty: they are there.
[[nodiscard]] std::string plot(const report& of, const std::string& directory);

}  // namespace annulus::bench
