// What a segment's file holds, record by record: for people, after the fact.
//
// Reads by pread() alone: it maps nothing, writes nothing and takes no lock, and a hole in the file
// stays a hole. So a sparse file costs what was written of it.
//
// Trust     the geometry, which carries its checksum, and nothing else: each header must be valid
//           at its own position, no length leads out of the data, and the work is bounded by a few
//           passes over what was written
// Live      a ring in use changes between two reads. What is told of it may not fit together
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <annulus/ring/inspect.hpp>
#include <annulus/ring/segment.hpp>

namespace annulus {

// One record, or a stretch without any.
struct dumped_record {
  // What it is.
  enum class kind : std::uint8_t {
    committed,
    aborted,     // a claim that was given up
    busy,        // a claim that was not committed: `producer`
    nothing,     // zeros: claims whose headers were never written (mpsc)
    unreadable,  // no header that is valid here
  };
  // Where it lies.
  enum class place : std::uint8_t {
    unread,       // between the positions
    unannounced,  // past write_pos, which its producer had no time to store (spsc)
    consumed,     // released, and not yet overwritten
    stray,        // the positions make no sense, and it is valid around one of them
  };

  kind what = kind::nothing;         // what it is
  place where = place::unread;       // where it lies
  std::uint64_t pos = 0;             // its position
  std::uint64_t bytes = 0;           // with its header and padding
  std::uint64_t payload_bytes = 0;   // of a committed one
  bool is_whole = true;              // the checksum matches; not known without crc32c
  std::uint32_t producer = 0;        // of a busy one
  std::array<std::byte, 32> head{};  // how the payload begins
  std::size_t head_bytes = 0;        // how many of them
};
// For people and logs.
[[nodiscard]] std::string_view to_string(dumped_record::kind k) noexcept;
[[nodiscard]] std::string_view to_string(dumped_record::place p) noexcept;

// What a ring holds. Positions are byte counts.
struct ring_dump {
  annulus::geometry geometry;              // its size and limits
  std::uint64_t read_pos = 0;              // released up to here
  std::uint64_t releasing = 0;             // what a release was zeroing up to (mpsc)
  std::uint64_t write_pos = 0;             // claimed up to here
  bool is_live = false;                    // a process holds a role
  role_report consumer;                    // its role
  std::vector<producer_report> producers;  // one for each number

  std::uint64_t unread = 0;           // messages, the unannounced too
  std::uint64_t consumed = 0;         // messages released and not yet overwritten
  std::uint64_t stray = 0;            // messages around positions that make no sense
  std::uint64_t aborted = 0;          // claims
  std::uint64_t unfinished = 0;       // claims of the dead, or of the living
  std::uint64_t damaged = 0;          // unread records or stretches that cannot be delivered
  std::vector<std::string> problems;  // words that make no sense; and what of the above is damage

  // Nothing is lost and nothing makes no sense. What the dead left is no damage: the next consumer
  // skips it.
  [[nodiscard]] bool is_well() const noexcept { return problems.empty() && damaged == 0; }
};

// Calls `each` for what stands in the ring: what is unread in its order, then what is consumed.
// O(what was written), a few passes.
[[nodiscard]] result<ring_dump> dump(const segment& of,
                                     const std::function<void(const dumped_record&)>& each);

}  // namespace annulus
