// Sizes and times, as people write and read them.
#pragma once

#include "bench/show.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <annulus/bus/quantity.hpp>

namespace annulus::cli {

using bus::parse_bytes;
using bus::parse_span;

using bench::show_bytes;
using bench::show_count;
using bench::show_span;

// "2026-11-23 14:05:09", local time.
[[nodiscard]] std::string show_time(std::int64_t seconds_since_1970);

}  // namespace annulus::cli
