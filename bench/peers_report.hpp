// The measurement of peers: for people, for programs, as pictures.
#pragma once

#include "bench/machine.hpp"
#include "bench/results.hpp"

#include <string>
#include <vector>

namespace annulus::bench {

struct peers_report {
  facts machine;
  const measurement& seen;
  std::vector<results> by_distance;  // near, far
};
[[nodiscard]] peers_report report_of(facts machine, const measurement& seen);

// Markdown that also reads well in a terminal.
[[nodiscard]] std::string as_markdown(const peers_report& of);
// Every sample, with the verdicts.
[[nodiscard]] std::string as_json(const peers_report& of);
// An SVG for each experiment and distance. Returns why there are none; empty: they are there.
[[nodiscard]] std::string plot(const peers_report& of, const std::string& directory);

}  // namespace annulus::bench
