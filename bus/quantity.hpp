// Sizes and times, as people write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace annulus::bus {

// "4096", "32KiB", "1M", "2 GiB": powers of 1024, whatever the case. Nothing: it is no size, or
// more than 64 bits hold.
[[nodiscard]] std::optional<std::uint64_t> parse_bytes(std::string_view text);

// "250ms", "1.5s", "2m", "1h"; a plain number is seconds. Nothing: it is no time, or beyond a
// century.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_span(std::string_view text);

}  // namespace annulus::bus
