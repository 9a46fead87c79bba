// Planning a segment's geometry, and checking one that somebody else wrote.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <annulus/channel/result.hpp>
#include <annulus/ring/layout.hpp>

namespace annulus {

// What a new ring is like.
struct ring_options {
  annulus::topology topology = topology::spsc;          // one producer, or many
  std::uint64_t capacity = std::uint64_t{1} << 20;      // bytes; a power of two, 4 KiB to 256 GiB
  std::uint64_t max_message = 0;                        // bytes; 0: capacity / 2, the most there is
  std::uint32_t producers = 16;                         // attached at once, 1 to 1024 (spsc: 1)
  annulus::integrity integrity = integrity::structure;  // crc32c: payloads are checked too
  std::uint64_t first_pos = 0;  // where positions start, a multiple of 8: for tests of wrap-around
  bool transient = false;       // may be removed by the reader that ends it
  bool huge_pages = false;      // lays the data on 2 MiB and asks the kernel for huge pages
  unsigned mode = 0600;         // the file's permissions
  bool reserve = true;          // takes all memory now; else a push may answer no_memory
};

// The geometry of a new segment; its key and creator are still to be filled in.
[[nodiscard]] result<geometry> plan_geometry(const ring_options& options);

// Fills in the checksum.
void finish_geometry(geometry& shape) noexcept;

inline constexpr std::string_view segment_kind = "an annulus segment";  // for messages

// Whether a copy of a segment's first bytes is a geometry that this version can use, and whether
// `segment_bytes` is as large as it says. `name` is for the message.
[[nodiscard]] result<geometry> check_geometry(const geometry& copy, std::uint64_t segment_bytes,
                                              const std::string& name);

}  // namespace annulus
