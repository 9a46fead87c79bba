// What recovery is in every ring: the search for the next record behind a header that is not
// readable, and the mending of the consumer's positions.
//
// Damage   Below the end that no live producer will touch again, the next header that is valid at
//          its own position is the next record. What lies between is lost and counted; the rest is
//          kept. An end that is further away than the capacity is damage itself: nothing follows
//          from it, and nobody moves because of it.
// Rest     one producer: spsc_recovery.hpp. Many, and a grace period: mpsc_recovery.hpp
#pragma once

#include <atomic>
#include <cstdint>

#include <annulus/ring/edges.hpp>
#include <annulus/ring/memory.hpp>

namespace annulus {

// Whether a record's header stands at pos: valid there, and its length possible.
template <class Atomics>
[[nodiscard]] bool is_record(const ring_memory<Atomics>& ring, record_header header,
                             std::uint64_t pos) noexcept {
  const auto& shape = ring.geometry;
  if (header.is_committed(pos, shape.key)) return header.bytes() <= shape.max_message;
  return shape.topology == topology::mpsc && header.bytes() <= shape.max_claim() &&
         (header.is_aborted(pos, shape.key) || header.is_busy(pos, shape.key, shape.producers));
}

// What a search passed on its way to `end`.
struct stretch {
  std::uint64_t end;     // the next record, or the end of the search
  bool all_zero;         // nothing stands in it
  std::uint64_t header;  // of that record; 0: none was found
};

// Searches [pos, end) for the next record after pos, by headers alone. Memory that was never
// written is passed without a look.
// Requires: no live producer writes there.
template <class Atomics>
[[nodiscard]] stretch next_header(const ring_memory<Atomics>& ring, std::uint64_t pos,
                                  std::uint64_t end) noexcept {
  bool all_zero = true;
  interval written{pos, pos};
  for (std::uint64_t at = pos; is_before(at, end);) {
    if (at == written.to) {
      written = ring.next_written(at, end);
      at = written.from;
      continue;
    }
    // [own] relaxed: what is below the end was settled before the end was read.
    const auto word = ring.header(at).template load<edge::own>(std::memory_order_relaxed);
    if (word != 0 && at != pos && is_record(ring, record_header(word), at)) {
      return {at, all_zero, word};
    }
    all_zero &= word == 0;
    at += record_align;
  }
  return {end, all_zero, 0};
}

// The same, for a record whose payload is whole, if that is checked. It checks no more payload than
// a capacity: only a peer that forges headers can ask for more, and could make it check every byte
// from every position. From there on a valid header is enough; its payload is checked at delivery.
template <class Atomics>
[[nodiscard]] stretch next_record(const ring_memory<Atomics>& ring, std::uint64_t pos,
                                  std::uint64_t end) noexcept {
  bool all_zero = true;
  std::uint64_t checked_bytes = 0;
  for (std::uint64_t from = pos;;) {
    const auto found = next_header(ring, from, end);
    all_zero &= found.all_zero;
    const record_header header(found.header);
    if (found.header == 0 || !header.is_committed(found.end, ring.geometry.key) ||
        checked_bytes >= ring.geometry.capacity || ring.is_whole(found.end, header.bytes())) {
      return {found.end, all_zero, found.header};
    }
    checked_bytes += header.bytes();
    from = found.end;
  }
}

// The consumer's two positions. Nobody else writes them: if one says something else than it should,
// it was damaged.
template <class Atomics>
void mend_positions(const ring_memory<Atomics>& ring, std::uint64_t read_pos,
                    std::uint64_t freed) noexcept {
  auto& own = ring.control->consumer.read_pos;
  // [own] relaxed: written by this role itself.
  if (own.template load<edge::own>(std::memory_order_relaxed) != read_pos) {
    // [own] relaxed: for a successor, which comes by the lock.
    own.template store<edge::own>(read_pos, std::memory_order_relaxed);
  }
  auto& shared = ring.control->freed;
  // [own] relaxed: written by this role itself.
  if (shared.template load<edge::own>(std::memory_order_relaxed) != freed) {
    // [free] release: all reading, taking over and zeroing comes before a producer writes there.
    shared.template store<edge::free>(freed, std::memory_order_release);
  }
}

}  // namespace annulus
