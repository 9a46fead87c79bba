// Sizes, times and counts, as people write and read them.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace annulus::bus {

// "4096", "32KiB", "1M", "2 GiB": powers of 1024, whatever the case. Returns nothing if it is no
// size, or more than 64 bits hold.
[[nodiscard]] std::optional<std::uint64_t> parse_bytes(std::string_view text);

// "250ms", "1.5s", "2m", "1h"; a plain number is seconds. Returns nothing if it is no time, or
// beyond a century.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_span(std::string_view text);

// Three significant digits and a unit: "1.5 KiB", "12 ms", "3.2M". A whole number has no fraction.
[[nodiscard]] std::string show_bytes(double bytes);
template <std::integral T>
[[nodiscard]] std::string show_bytes(T bytes) {
  return show_bytes(static_cast<double>(bytes));
}
[[nodiscard]] std::string show_count(double count);
template <std::integral T>
[[nodiscard]] std::string show_count(T count) {
  return show_count(static_cast<double>(count));
}
[[nodiscard]] std::string show_span(std::chrono::nanoseconds span);
[[nodiscard]] std::string show_ns(double ns);

}  // namespace annulus::bus
