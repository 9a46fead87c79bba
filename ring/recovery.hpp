// What the consumer does when the header at its position is no good: find out why, and skip what
// will never be.
//
// Damage   Words below the end that no live producer will touch again are searched for the next
//          header that is valid at its own position. What lies between is lost and counted, nothing
//          after it.
//
// Death    (mpsc) A grace period. A claim may be unfinished for ever only if its producer is dead,
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

// Whether a whole record stands at pos: its header is valid there, its length possible, its payload
// as it was sealed, if that is to be checked.
template <class Atomics>
[[nodiscard]] bool is_record(const ring_memory<Atomics>& ring, record_header header,
                             std::uint64_t pos, bool with_payload = true) noexcept {
  const auto& shape = ring.geometry;
  if (header.is_committed(pos, shape.seal)) {
    return header.bytes() <= shape.max_message &&
           (!with_payload || ring.is_whole(pos, header.bytes()));
  }
  return shape.topology == topology::mpsc && header.bytes() <= shape.max_claim() &&
         (header.is_aborted(pos, shape.seal) || header.is_busy(pos, shape.seal));
}

struct stretch {
  std::uint64_t end;  // the next record, or the end of the search
  bool all_zero;      // nothing was ever written in it
};

// Searches [pos, end) for the next record after pos. It checks no more payload than a capacity:
// only who forges headers can ask for more, and could make it check every byte from every position.
// From there on a valid header is enough; its payload is checked when it is delivered.
// Requires: no live producer writes there.
template <class Atomics>
[[nodiscard]] stretch next_record(const ring_memory<Atomics>& ring, std::uint64_t pos,
                                  std::uint64_t end) noexcept {
  bool all_zero = true;
  std::uint64_t checked_bytes = 0;
  for (std::uint64_t at = pos; is_before(at, end); at += record_align) {
    // [own] relaxed: what is below the end was settled before the end was read.
    const auto word = ring.header(at).template load<edge::own>(std::memory_order_relaxed);
    const record_header header(word);
    if (word != 0 && at != pos) {
      if (is_record(ring, header, at, checked_bytes < ring.geometry.capacity)) {
        return {at, all_zero};
      }
      if (header.is_committed(at, ring.geometry.seal)) checked_bytes += header.bytes();
    }
    all_zero &= word == 0;
  }
  return {end, all_zero};
}

struct finding {
  enum class kind : std::uint8_t {
    nothing,    // no claim at the position: the ring is empty
    unsettled,  // a live producer may still finish it: `producer`
    readable,   // a good header after all
    dead,       // skip to `end`: claims that the dead left behind
    damaged,    // skip to `end`: records that were overwritten
  } what;
  std::uint64_t end = 0;
  std::uint32_t producer = 0;
};

// Requires: called by the consumer, about its own position.
template <class Atomics>
[[nodiscard]] finding examine_claims(const ring_memory<Atomics>& ring, std::uint64_t pos) noexcept {
  using enum finding::kind;
  const auto& shape = ring.geometry;

  // [claim] acquire: sees the announcement of every claim below T.
  const auto claimed =
      ring.control->write_pos.template load<edge::claim>(std::memory_order_acquire);
  const auto end = believable_end(claimed, pos, shape.capacity);
  if (!is_before(pos, claimed) || end == pos) return {nothing};

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
    if (header.is_busy(pos, shape.seal)) return {dead, pos + claim_bytes(header.bytes())};
  }
  const auto gap = next_record(ring, pos, end);
  return {gap.all_zero ? dead : damaged, gap.end};
}

}  // namespace annulus
