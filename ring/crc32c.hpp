// CRC-32C (Castagnoli, RFC 3720 B.4): by instruction where the processor has it, else by table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace annulus {

// Continues from `crc`, the value of what came before; start with 0.
[[nodiscard]] std::uint32_t crc32c(std::uint32_t crc, std::span<const std::byte> bytes) noexcept;

// The two ways by themselves, for tests: both give the same.
[[nodiscard]] std::uint32_t crc32c_portable(std::uint32_t crc,
                                            std::span<const std::byte> bytes) noexcept;
[[nodiscard]] bool crc32c_has_instruction() noexcept;

}  // namespace annulus
