// Arithmetic on 64-bit words that ring, pipe and bus share.
#pragma once

#include <cstdint>

namespace annulus {

// Positions and sequences only grow, and wrap at 2^64: they are compared by their distance.
[[nodiscard]] constexpr bool is_before(std::uint64_t a, std::uint64_t b) noexcept {
  return static_cast<std::int64_t>(a - b) < 0;
}

[[nodiscard]] constexpr std::uint64_t round_up(std::uint64_t n, std::uint64_t unit) noexcept {
  return (n + unit - 1) / unit * unit;
}

// 2^64 / golden ratio, odd: a multiplier whose product mixes a word's bits upwards (Knuth).
inline constexpr std::uint64_t golden_ratio = 0x9e3779b97f4a7c15;

}  // namespace annulus
