// What lies where in a segment.
//
//     geometry | control | producer 0 | producer 1 | ... | data: capacity | extension: one record
//     4096 B     4096 B    128 B each, to a whole page     power of two     so no record wraps
//
// The geometry is written once, before anyone else can see the segment; each role checks it and
// goes by a copy of its own. All that changes is words, and each word has one role that writes it,
// but for those marked "any".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <annulus/channel/roster.hpp>
#include <annulus/ring/record.hpp>
#include <annulus/ring/tally.hpp>

namespace annulus {

enum class topology : std::uint32_t { spsc = 1, mpsc = 2 };
enum class integrity : std::uint32_t { structure = 0, crc32c = 1 };

// For people, logs and options.
[[nodiscard]] constexpr std::string_view to_string(topology t) noexcept {
  return t == topology::spsc ? "spsc" : "mpsc";
}
[[nodiscard]] constexpr std::string_view to_string(integrity i) noexcept {
  return i == integrity::structure ? "structure" : "crc32c";
}

inline constexpr std::uint64_t page_bytes = 4096;
inline constexpr std::uint64_t huge_page_bytes = std::uint64_t{2} << 20;
inline constexpr std::uint64_t line_bytes = 128;  // two 64-byte lines: the prefetcher fetches pairs

struct geometry {
  char magic[8] = {};
  std::uint32_t version = 0;
  annulus::topology topology = topology::spsc;
  std::uint64_t capacity = 0;     // a power of two
  std::uint64_t max_message = 0;  // at most capacity / 2
  std::uint64_t first_pos = 0;    // where the positions started
  std::uint64_t key = 0;          // random; part of every header's check
  std::uint32_t producers = 0;    // how many may be attached at once
  annulus::integrity integrity = integrity::structure;
  std::uint64_t control_offset = 0;
  std::uint64_t producers_offset = 0;
  std::uint64_t data_offset = 0;
  std::uint64_t segment_bytes = 0;
  std::int64_t created_at = 0;   // seconds since 1970
  std::int32_t created_by = 0;   // pid
  std::uint32_t transient = 0;   // made in passing: a reader that ends it may remove it
  std::uint32_t huge_pages = 0;  // asked for: the data starts on 2 MiB
  std::uint32_t checksum = 0;    // CRC-32C of all before

  // The most that a busy or an aborted header may cover: a batch is one claim.
  [[nodiscard]] constexpr std::uint64_t max_claim() const noexcept {
    return capacity - header_bytes;
  }
  [[nodiscard]] constexpr std::uint64_t trailer_bytes() const noexcept {
    return integrity == annulus::integrity::crc32c ? crc_bytes : 0;
  }
};
static_assert(sizeof(geometry) == 112);

// Positions, or indices of the data: [from, to).
struct interval {
  std::uint64_t from, to;
};

// One line each, so that no two roles write the same line.
template <class Atomics>
struct alignas(line_bytes) consumer_words {
  typename Atomics::template word<std::uint64_t> read_pos;  // its successor goes on here
  typename Atomics::template word<std::uint64_t>
      releasing;  // zeroing goes up to here, if odd (mpsc)
  role_words<Atomics> role;
  tally_words<Atomics> counters;
  typename Atomics::template word<std::uint64_t> stalled_since;  // steady clock, ns; 0: it is not
  typename Atomics::template word<std::uint64_t> origin;         // of the role's process number
};

template <class Atomics>
struct alignas(line_bytes) producer_words {
  // 1 + the position of a claim (mpsc), or of the end at which there was no room (spsc).
  typename Atomics::template word<std::uint64_t> announcement;
  role_words<Atomics> role;
  tally_words<Atomics> counters;
  typename Atomics::template word<std::uint64_t> origin;  // of the role's process number
};

// A bell: never used, its owner sleeps, closed for good, or used and nobody sleeps now.
enum class bell_state : std::uint32_t { none = 0, asleep = 1, closed = 2, awake = 3 };

template <class Atomics>
struct control_words {
  consumer_words<Atomics> consumer;

  // Producers may reuse all below. Stored by the consumer, never past read_pos, and once per chunk
  // (spsc), so that the cores rarely share this line.
  alignas(line_bytes) typename Atomics::template word<std::uint64_t> freed;

  // Claimed up to here: any (mpsc). The lone producer's own, copied after each commit (spsc).
  alignas(line_bytes) typename Atomics::template word<std::uint64_t> write_pos;

  // Read by producers after every commit, written when the consumer sleeps, wakes or closes: any.
  alignas(line_bytes) typename Atomics::template word<std::uint32_t> consumer_bell;

  // Read by the consumer after every release, written when a producer waits for room: any.
  alignas(line_bytes) typename Atomics::template word<std::uint32_t> producers_bell;
  // Counts the producers that came or closed: any.
  typename Atomics::template word<std::uint32_t> roll;
};

}  // namespace annulus
