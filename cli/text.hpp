// Sizes and times, as people write and read them.
#pragma once

#include <cstdint>
#include <string>

#include <annulus/bus/quantity.hpp>

namespace annulus::cli {

using bus::parse_bytes;
using bus::parse_span;
using bus::show_bytes;
using bus::show_count;
using bus::show_span;

// "2026-11-23 14:05:09", local time.
[[nodiscard]] std::string show_time(std::int64_t seconds_since_1970);

}  // namespace annulus::cli
