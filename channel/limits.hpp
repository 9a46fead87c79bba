// What a channel may be, over either transport, and whether a geometry that somebody else wrote can
// be used.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <annulus/channel/result.hpp>

namespace annulus {

inline constexpr std::uint64_t min_capacity = 4096;                    // bytes
inline constexpr std::uint64_t max_capacity = std::uint64_t{1} << 38;  // 256 GiB
inline constexpr std::uint32_t max_producers = 1024;                   // attached at once

// Names the limit that is violated. Empty if none is.
[[nodiscard]] std::string broken_limit(std::uint64_t capacity, std::uint64_t max_message,
                                       std::uint32_t producers,
                                       std::uint32_t most_producers = max_producers);

// What is compared with the geometry at the start of a channel's file.
struct geometry_check {
  std::string what;        // the file, for messages
  std::string_view kind;   // what it should be, for example "an annulus segment"
  const char* magic;       // its first eight bytes
  std::uint32_t version;   // of this library
  std::uint64_t checksum;  // of what was found
  std::string broken;      // what is impossible in it; else empty
  std::uint64_t bytes;     // of the file
  std::uint64_t needed;    // as the geometry says

  // Why the geometry that was found cannot be used, or nothing.
  template <class Geometry>
  [[nodiscard]] std::optional<failure> failed_by(const Geometry& found) const {
    const bool has_magic = std::memcmp(found.magic, magic, sizeof found.magic) == 0;
    return failed_by(has_magic, found.version, found.checksum);
  }

 private:
  [[nodiscard]] std::optional<failure> failed_by(bool has_magic, std::uint32_t its_version,
                                                 std::uint64_t its_checksum) const;
};

// Of a file that ends before its geometry does.
[[nodiscard]] failure too_short_for_a_geometry(const std::string& what, std::string_view kind,
                                               std::int64_t bytes);

}  // namespace annulus
