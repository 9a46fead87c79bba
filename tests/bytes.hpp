// Bytes to send and to compare.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace annulus::testing {

using octets = std::vector<std::byte>;

[[nodiscard]] inline std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

[[nodiscard]] inline std::string text(std::span<const std::byte> of) {
  return std::string(reinterpret_cast<const char*>(of.data()), of.size());
}

[[nodiscard]] inline octets copy(std::span<const std::byte> of) {
  return octets(of.begin(), of.end());
}

// `count` bytes that differ by seed and by place.
[[nodiscard]] inline octets pattern(std::size_t count, std::uint64_t seed) {
  octets out(count);
  std::uint64_t state = seed * 0x9e3779b97f4a7c15 + 1;
  for (auto& one : out) {
    state = state * 6364136223846793005 + 1442695040888963407;
    one = static_cast<std::byte>(state >> 56);
  }
  return out;
}

}  // namespace annulus::testing
