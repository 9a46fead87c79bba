// Sizes and times, as people write and read them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <annulus/bus/quantity.hpp>

namespace annulus::cli {

using bus::parse_bytes;
using bus::parse_span;

// Three digits that matter, and a unit.
[[nodiscard]] std::string show_bytes(double bytes);
[[nodiscard]] std::string show_span(std::chrono::nanoseconds span);
[[nodiscard]] std::string show_count(double count);

// "2026-11-23 14:05:09", local time.
[[nodiscard]] std::string show_time(std::int64_t seconds_since_1970);

}  // namespace annulus::cli
