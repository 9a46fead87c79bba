// Recovery of the ring of many producers: what the consumer does when the header at its position is
// not readable. It waits for a live producer, or skips a dead claim or damage (recovery.hpp).
//
// Death    A grace period. A claim stays unfinished for ever only if its producer is dead,
//          and no clock can tell. So: read T = write_pos. A producer is settled below T if its
//          announcement is idle or at or past T, or the kernel says that it is dead. When all are,
//          everything below T is committed, aborted, or left by the dead: a busy header is a dead
//          claim of known length, and zeros up to the next header, or T, are dead claims without
//          one. Nothing else is skipped. A live producer, however slow, is waited for and named.
//
// Steps    T first, then each announcement, then the kernel, then the header again
// Edges    claim  the CAS of write_pos -> T   every announcement of a claim below T
//          idle   announcement -> look        a producer idle or past T has settled all below T
// Needs    a single consumer, and death that is final: both are what the locks give
#pragma once

#include <atomic>
#include <cstdint>

#include <annulus/ring/edges.hpp>
#include <annulus/ring/memory.hpp>
#include <annulus/ring/recovery.hpp>

namespace annulus {

// What keeps the consumer at its position.
struct finding {
  enum class kind : std::uint8_t {
    nothing,     // no claim at the position: the ring is empty
    impossible,  // write_pos is no position that the claims can have come to
    pending,     // a live producer may still finish it: `producer`
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
    // [idle] acquire: a producer idle or past T has settled all that it claimed below T.
    const auto announced =
        ring.producers[i].announcement.template load<edge::idle>(std::memory_order_acquire);
    if (announced == 0 || !is_before(announced - 1, claimed)) continue;
    if (ring.witness.is_held(producer_role(i))) return {pending, pos, i};
  }

  // [publish] relaxed: the acquires above order its last store; readers acquire again.
  const record_header header(
      ring.header(pos).template load<edge::publish>(std::memory_order_relaxed));
  const bool is_committed = header.is_committed(pos, shape.key);
  if (is_committed && header.bytes() <= shape.max_message) return {readable};
  if (header.bytes() <= shape.max_claim()) {
    if (header.is_aborted(pos, shape.key)) return {readable};
    const auto end = pos + claim_bytes(header.bytes());
    const bool is_busy = header.is_busy(pos, shape.key, shape.producers);
    if (is_busy && !is_before(claimed, end)) return {dead, end};
  }
  const auto gap = next_record(ring, pos, claimed);
  return {gap.all_zero ? dead : damaged, gap.end, 0, false};
}

}  // namespace annulus
