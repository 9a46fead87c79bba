// Sizes and times, as people write and read them.
#pragma once

#include "compare/show.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace annulus::cli {

// "4096", "32KiB", "1M", "2 GiB": powers of 1024, whatever the case. Nothing: it is no size, or
// more than 64 bits hold.
[[nodiscard]] std::optional<std::uint64_t> parse_bytes(std::string_view text);

// "250ms", "1.5s", "2m", "1h"; a plain number is seconds. Nothing: it is no time, or beyond a
// century.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_span(std::string_view text);

using compare::show_bytes;
using compare::show_count;
using compare::show_span;

// "2026-11-23 14:05:09", local time.
[[nodiscard]] std::string show_time(std::int64_t seconds_since_1970);

}  // namespace annulus::cli
