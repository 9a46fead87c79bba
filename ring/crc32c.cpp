#include <array>
#include <cstring>

#include <annulus/ring/crc32c.hpp>

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace annulus {
namespace {

constexpr std::uint32_t polynomial = 0x82f63b78;  // 0x1edc6f41, bits reversed

// table[k][b]: what byte b does to the checksum when k more zero bytes follow it.
constexpr auto make_tables() {
  std::array<std::array<std::uint32_t, 256>, 8> table{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    std::uint32_t crc = b;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? polynomial : 0);
    table[0][b] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t b = 0; b < 256; ++b) {
      const auto before = table[k - 1][b];
      table[k][b] = (before >> 8) ^ table[0][before & 0xff];
    }
  }
  return table;
}
constexpr auto tables = make_tables();

using update = std::uint32_t (*)(std::uint32_t, const std::byte*, std::size_t) noexcept;

std::uint32_t by_table(std::uint32_t crc, const std::byte* at, std::size_t count) noexcept {
  const auto byte = [&](std::size_t i) { return std::to_integer<std::uint32_t>(at[i]); };
  for (; count >= 8; at += 8, count -= 8) {
    crc ^= byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
    crc = tables[7][crc & 0xff] ^ tables[6][(crc >> 8) & 0xff] ^ tables[5][(crc >> 16) & 0xff] ^
          tables[4][crc >> 24] ^ tables[3][byte(4)] ^ tables[2][byte(5)] ^ tables[1][byte(6)] ^
          tables[0][byte(7)];
  }
  for (; count > 0; ++at, --count) crc = (crc >> 8) ^ tables[0][(crc ^ byte(0)) & 0xff];
  return crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::uint32_t crc,
                                                               const std::byte* at,
                                                               std::size_t count) noexcept {
  std::uint64_t wide = crc;
  for (; count >= 8; at += 8, count -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  crc = static_cast<std::uint32_t>(wide);
  for (; count > 0; ++at, --count) {
    crc = __builtin_ia32_crc32qi(crc, std::to_integer<unsigned char>(*at));
  }
  return crc;
}
bool has_instruction() noexcept { return __builtin_cpu_supports("sse4.2") != 0; }

#elif defined(__aarch64__)

__attribute__((target("+crc"))) std::uint32_t by_instruction(std::uint32_t crc, const std::byte* at,
                                                             std::size_t count) noexcept {
  for (; count >= 8; at += 8, count -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    asm("crc32cx %w0, %w0, %x1" : "+r"(crc) : "r"(word));
  }
  for (; count > 0; ++at, --count) {
    asm("crc32cb %w0, %w0, %w1" : "+r"(crc) : "r"(std::to_integer<std::uint32_t>(*at)));
  }
  return crc;
}
bool has_instruction() noexcept { return (getauxval(AT_HWCAP) & (1UL << 7)) != 0; }

#else

constexpr update by_instruction = by_table;
bool has_instruction() noexcept { return false; }

#endif

}  // namespace

std::uint32_t crc32c(std::uint32_t crc, std::span<const std::byte> bytes) noexcept {
  static const update best = has_instruction() ? by_instruction : by_table;
  return ~best(~crc, bytes.data(), bytes.size());
}

std::uint32_t crc32c_portable(std::uint32_t crc, std::span<const std::byte> bytes) noexcept {
  return ~by_table(~crc, bytes.data(), bytes.size());
}

bool crc32c_has_instruction() noexcept { return has_instruction(); }

}  // namespace annulus
