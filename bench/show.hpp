// Sizes, times and counts, for people: three significant digits and a unit.
#pragma once

#include <chrono>
#include <string>

namespace annulus::bench {

[[nodiscard]] std::string show_bytes(double bytes);
[[nodiscard]] std::string show_span(std::chrono::nanoseconds span);
[[nodiscard]] std::string show_ns(double ns);
[[nodiscard]] std::string show_count(double count);

}  // namespace annulus::bench
