// Sizes, times and counts, as people read them: three digits that matter, and a unit.
#pragma once

#include <chrono>
#include <string>

namespace annulus::compare {

[[nodiscard]] std::string show_bytes(double bytes);
[[nodiscard]] std::string show_span(std::chrono::nanoseconds span);
[[nodiscard]] std::string show_count(double count);

}  // namespace annulus::compare
