// What the consumer does when the next header is not readable: wait for a live producer, or skip a
// dead claim or damage.
//
// Damage   Below the end that no live producer will touch again, the next header that is valid at
//          its own position is the next record. What lies between is lost, and counted; nothing
//          after it is. An end that is further away than the capacity is damage itself: nothing
//          follows from it, and nobody moves because of it.
//
// Death    (mpsc) A grace period. A claim stays unfinished for ever only if its producer is dead,
//          and no clock can tell. So: read T = write_pos. A producer is settled below T if its
//          announcement is idle or at or past T, or the kernel says that it is dead. When all are,
//          everything below T is committed, aborted, or left by the dead: a busy header is a dead
//          claim of known length, and zeros up to the next header, or T, are dead claims without
//          one. Nothing else is skipped. A live producer, however slow, is waited for and named.
//
// Steps    T first, then each announcement, then the kernel, then the header again
// Edges    claim  the CAS of write_pos -> T   every announcement of a claim below T
//          idle   announcement -> look        whoever is idle or past T has settled all below T
// Needs    a single consumer, and death that is final: both are what the locks give
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
  if (header.is_committed(pos, shape.seal)) return header.bytes() <= shape.max_message;
  return shape.topology == topology::mpsc && header.bytes() <= shape.max_claim() &&
         (header.is_aborted(pos, shape.seal) || header.is_busy(pos, shape.seal));
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
    if (found.header == 0 || !header.is_committed(found.end, ring.geometry.seal) ||
        checked_bytes >= ring.geometry.capacity || ring.is_whole(found.end, header.bytes())) {
      return {found.end, all_zero, found.header};
    }
    checked_bytes += header.bytes();
    from = found.end;
  }
}

// (spsc) Whether a record that was written not long ago ends at pos, or the ring began there.
template <class Atomics>
[[nodiscard]] bool is_end_of_record(const ring_memory<Atomics>& ring, std::uint64_t pos) noexcept {
  const auto& shape = ring.geometry;
  if (pos == shape.first_pos) return true;
  const auto longest = ring.record_bytes(shape.max_message);
  for (std::uint64_t back = header_bytes; back <= longest; back += record_align) {
    // [own] relaxed: stored by this role's last incarnation, ordered by the lock's handover.
    const record_header header(
        ring.header(pos - back).template load<edge::own>(std::memory_order_relaxed));
    if (is_record(ring, header, pos - back) && ring.record_bytes(header.bytes()) == back) {
      return true;
    }
  }
  return false;
}

// (mpsc) What keeps the consumer at its position.
struct finding {
  enum class kind : std::uint8_t {
    nothing,     // no claim at the position: the ring is empty
    impossible,  // write_pos is no position that the claims can have come to
    unsettled,   // a live producer may still finish it: `producer`
    readable,    // a good header after all
    dead,        // skip to `end`: claims that the dead left behind
    damaged,     // skip to `end`: records that were overwritten
  } what;
  std::uint64_t end = 0;
  std::uint32_t producer = 0;
  bool has_header = true;  // dead: of a stamped claim, whose length is certain
};

// Requires: called by the consumer, about its own position.
template <class Atomics>
[[nodiscard]] finding examine_claims(const ring_memory<Atomics>& ring, std::uint64_t pos,
                                     std::uint64_t released) noexcept {
  using enum finding::kind;
  const auto& shape = ring.geometry;

  // [claim] acquire: sees the announcement of every claim below T.
  const auto claimed =
      ring.control->write_pos.template load<edge::claim>(std::memory_order_acquire);
  if (claimed == pos) return {nothing};
  if (is_before(claimed, pos) || !is_possible_end(claimed, released, shape.capacity)) {
    return {impossible, claimed};
  }

  for (std::uint32_t i = 0; i < shape.producers; ++i) {
    // [idle] acquire: whoever is idle or past T has settled all that it claimed below T.
    const auto announced =
        ring.producers[i].announcement.template load<edge::idle>(std::memory_order_acquire);
    if (announced == 0 || !is_before(announced - 1, claimed)) continue;
    if (ring.witness.is_held(producer_role(i))) return {unsettled, pos, i};
  }

  // [publish] relaxed: the looks above saw whoever settled it; a reader acquires for itself.
  const record_header header(
      ring.header(pos).template load<edge::publish>(std::memory_order_relaxed));
  const bool is_committed = header.is_committed(pos, shape.seal);
  if (is_committed && header.bytes() <= shape.max_message) return {readable};
  if (header.bytes() <= shape.max_claim()) {
    if (header.is_aborted(pos, shape.seal)) return {readable};
    const auto end = pos + claim_bytes(header.bytes());
    if (header.is_busy(pos, shape.seal) && !is_before(claimed, end)) return {dead, end};
  }
  const auto gap = next_record(ring, pos, claimed);
  return {gap.all_zero ? dead : damaged, gap.end, 0, false};
}

}  // namespace annulus
