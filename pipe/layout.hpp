// What lies where in the roles file.
//
//     page 0      geometry: fixed at creation, with a checksum
//     page 1      control: the consumer's words, the roll, the next entry of the audit log
//     then        one set of words per producer, the audit log, and room for a message of each
#pragma once

#include <cstddef>
#include <cstdint>

#include <annulus/channel/arithmetic.hpp>
#include <annulus/pipe/edges.hpp>

namespace annulus::pipes {

inline constexpr std::size_t page_bytes = 4096;
inline constexpr std::size_t line_bytes = 128;
inline constexpr std::uint32_t audit_entries = 256;

struct geometry {
  char magic[8] = {};
  std::uint32_t version = 0;
  std::uint32_t producers = 0;
  std::uint64_t capacity = 0;
  std::uint64_t max_message = 0;
  std::uint64_t key = 0;  // random; every frame's check depends on it
  std::uint32_t mode = 0;
  std::uint32_t transient = 0;
  std::int64_t created_at = 0;
  std::int32_t created_by = 0;
  std::uint32_t reserved = 0;
  std::uint64_t checksum = 0;  // over all before
};

struct alignas(line_bytes) control_words {
  role_words consumer;
  counter_words counters;
  word<std::uint64_t> stalled_since;  // steady clock, ns; 0: nobody holds the consumer up
  word<std::uint32_t> stalled_by;     // then: which producer
  word<std::uint32_t> is_closed;      // the consumer has closed, and no other has come
  word<std::uint32_t> released_set;   // which of each producer's two `released` holds
  word<std::uint64_t> origin;         // of the consumer's process number
  alignas(line_bytes) word<std::uint32_t> roll;  // grows as producers come and close
  word<std::uint64_t> audit_next;
};

struct alignas(line_bytes) producer_words {
  role_words role;
  counter_words counters;
  word<std::uint64_t> sequence;   // no message had this sequence or a later one
  word<std::uint64_t> abandoned;  // messages up to this sequence will not be finished
  word<std::uint64_t> origin;     // of the role's process number
  // By the consumer: what it released and could not take out of the FIFO yet, up to a sequence;
  // and so much of a long message that it took out and keeps in this file until all has come.
  alignas(line_bytes) word<std::uint64_t> released[2];
  word<std::uint64_t> kept_bytes, kept_sequence;
  word<std::uint32_t> kept_incarnation;
};

// One entry of the audit log.
struct audit_words {
  word<std::uint64_t> ticket;  // 1 + the entry's number, stored last; 0: being written
  word<std::int64_t> at;
  word<std::uint32_t> pid;
  word<std::uint32_t> uid;
  word<std::uint32_t> role;
  word<std::uint32_t> what;
};
static_assert(sizeof(audit_words) == 32);

inline constexpr std::size_t control_offset = page_bytes;
inline constexpr std::size_t producers_offset = 2 * page_bytes;
static_assert(sizeof(geometry) <= page_bytes && sizeof(control_words) <= page_bytes);
[[nodiscard]] constexpr std::size_t audit_offset(const geometry& shape) noexcept {
  return producers_offset + shape.producers * sizeof(producer_words);
}
[[nodiscard]] constexpr std::size_t file_bytes(const geometry& shape) noexcept {
  return round_up(audit_offset(shape) + audit_entries * sizeof(audit_words), page_bytes);
}

// The words of one pipe, as one role sees them: it goes by its own copy of the geometry.
struct roles_memory {
  control_words* control = nullptr;
  producer_words* producers = nullptr;
  audit_words* audit = nullptr;
  pipes::geometry geometry;
  lock_witness witness;
};

}  // namespace annulus::pipes
