// What was measured: for people, for programs, as pictures.
#pragma once

#include "compare/machine.hpp"
#include "results.hpp"
#include "verdict.hpp"

#include <string>
#include <vector>

namespace annulus::bench {

using compare::facts;

// Markdown that also reads well in a terminal.
[[nodiscard]] std::string report_for_people(const facts& of_machine, const processors& on,
                                            const std::vector<trial>& trials,
                                            const std::vector<results>& by_distance);

// Every sample, with the verdicts.
[[nodiscard]] std::string report_as_json(const facts& of_machine, const std::vector<trial>& trials,
                                         const std::vector<sample>& samples,
                                         const std::vector<results>& by_distance);

// Writes an SVG per activity and distance into the directory, by gnuplot. Throws without it.
void plot(const std::string& directory, const std::vector<results>& by_distance);

}  // namespace annulus::bench
