// What a channel may be, over either transport.
#pragma once

#include <cstdint>
#include <string>

namespace annulus {

inline constexpr std::uint64_t min_capacity = 4096;                    // bytes
inline constexpr std::uint64_t max_capacity = std::uint64_t{1} << 38;  // 256 GiB
inline constexpr std::uint32_t max_producers = 1024;                   // attached at once

// Names the limit that is violated. Empty if none is.
[[nodiscard]] std::string broken_limit(std::uint64_t capacity, std::uint64_t max_message,
                                       std::uint32_t producers,
                                       std::uint32_t most_producers = max_producers);

}  // namespace annulus
