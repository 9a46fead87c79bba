// What the consumer does when the next header is not readable: wait for a live producer, or skip a
// dead claim or damage.
//
// Damage   Below the end that no live producer will touch again, the next header that is valid at
//          its own position is the next record. What lies between is lost and counted; the rest is
//          kept. An end that is further away than the capacity is damage itself: nothing follows
//          from it, and nobody moves because of it.
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

// Counts messages whose count a role has not published yet, or died before publishing: a lone
// producer's records stand in the ring for a lap, the consumer's until it frees them.
template <class Atomics, class Counters>
void catch_up(const ring_memory<Atomics>& ring, Counters& counters, std::uint64_t to) noexcept {
  auto at = counters.counted_to(to);
  if (to - at > longest_chunk + ring.record_bytes(ring.geometry.max_message)) return;
  while (is_before(at, to)) {
    // [own] relaxed: a statistic; a producer's own records, or what nobody writes yet.
    const record_header header(ring.header(at).template load<edge::own>(std::memory_order_relaxed));
    if (!is_record(ring, header, at)) return;
    counters.messages(1, header.bytes());
    at += ring.record_bytes(header.bytes());
  }
}

// (spsc) Where a new consumer goes on: exactly where the last one stopped. If the two positions are
// inconsistent, one is damaged: then at `freed`, past which nothing is overwritten.
template <class Atomics>
[[nodiscard]] std::uint64_t find_start(const ring_memory<Atomics>& ring) noexcept {
  const auto& control = *ring.control;
  const auto capacity = ring.geometry.capacity;
  // [own] relaxed: stored by this role's last incarnation, ordered by the lock's handover.
  const auto read =
      whole(control.consumer.read_pos.template load<edge::own>(std::memory_order_relaxed));
  // [own] relaxed: stored by this role's last incarnation, ordered by the lock's handover.
  const auto freed = whole(control.freed.template load<edge::own>(std::memory_order_relaxed));
  if (read - freed <= capacity) return read;
  // [hint] relaxed: not older than what the last incarnation had read, by the lock's handover.
  const auto written = control.write_pos.template load<edge::hint>(std::memory_order_relaxed);
  return written - freed <= capacity ? freed : read;
}

// (spsc) Where a new producer goes on.
template <class Atomics>
class end_search {
 public:
  explicit end_search(const ring_memory<Atomics>& ring) noexcept : ring_(ring) {
    // [free] acquire: the consumer is done with all below.
    const auto freed =
        whole(ring.control->freed.template load<edge::free>(std::memory_order_acquire));
    // [hint] relaxed: any old value does; between it and the end, every word that is met is a
    // header.
    const auto read =
        whole(ring.control->consumer.read_pos.template load<edge::hint>(std::memory_order_relaxed));
    limit_ = (read - freed <= ring.geometry.capacity ? freed : read) + ring.geometry.capacity;
    pos_ = start(read);
    makes_sense_ = limit_ - pos_ <= ring.geometry.capacity;
    if (!makes_sense_) return;
    walk();
    if (pos_ != limit_) {  // else an unread record may start here, one lap back
      // [publish] relaxed: what damage left here must not pose as a header.
      ring.header(pos_).template store<edge::publish>(0, std::memory_order_relaxed);
    }
    // [extent] release: the records below it are whole.
    ring.control->write_pos.template store<edge::extent>(pos_, std::memory_order_release);
  }

  // The end: the last incarnation's stored write_pos may lag behind its last commit, and the
  // consumer may be ahead of that; beyond both, its records reach to the terminator. It is stored
  // again at once, so that the consumer's search for damage reaches it.
  [[nodiscard]] std::uint64_t pos() const noexcept { return pos_; }
  // Else nothing can be pushed, until the positions are mended.
  [[nodiscard]] bool makes_sense() const noexcept { return makes_sense_; }
  // Something was here that is no record, and nothing should have been.
  [[nodiscard]] bool met_damage() const noexcept { return met_damage_; }

 private:
  // The later of the two positions. If they lie further apart than they can, one is damaged: it is
  // write_pos if a record ends at read_pos.
  [[nodiscard]] std::uint64_t start(std::uint64_t read) const noexcept {
    const auto capacity = ring_.geometry.capacity;
    // [own] relaxed: stored by this role's last incarnation, ordered by the lock's handover.
    const auto stored =
        whole(ring_.control->write_pos.template load<edge::own>(std::memory_order_relaxed));
    if (stored - read <= capacity) return stored;
    if (read - stored <= capacity) return read;
    return is_end_of_record(ring_, read) ? read : stored;
  }

  // Moves pos_ over the records that stand there, as far as there is room for them.
  void walk() noexcept {
    for (;;) {
      // [own] relaxed: stored by this role's last incarnation, ordered by the lock's handover.
      const auto word = ring_.header(pos_).template load<edge::own>(std::memory_order_relaxed);
      const record_header next(word);
      if (is_record(ring_, next, pos_)) {
        const auto end = pos_ + ring_.record_bytes(next.bytes());
        if (limit_ - end > ring_.geometry.capacity) return;
        pos_ = end;
      } else if (word == 0) {
        return;
      } else if (has_clean_start()) {
        met_damage_ = true;  // nothing was here: the last incarnation told its end when it closed
        return;
      } else if (!pass_damage()) {
        return;
      }
    }
  }

  // The last incarnation died, and its last header is damaged. The consumer may have read that
  // record while it was good, and stand behind it: nobody knows how long it was. So go on at the
  // next good header; false: there is none, and the end is as far as the consumer can have come.
  // It tells of the damage.
  [[nodiscard]] bool pass_damage() noexcept {
    const auto gap = next_header(ring_, pos_, limit_);
    if (gap.header != 0) {
      pos_ = gap.end;
      return true;
    }
    const auto longest = ring_.record_bytes(ring_.geometry.max_message);
    const auto left = limit_ - pos_;
    if (left > header_bytes) pos_ += std::min(longest, left - header_bytes);
    return false;
  }

  [[nodiscard]] bool has_clean_start() const noexcept {
    // [own] relaxed: stored by this role itself when it came.
    return began_clean(
        ring_.producers[0].role.owner.template load<edge::own>(std::memory_order_relaxed));
  }

  const ring_memory<Atomics>& ring_;
  std::uint64_t pos_ = 0;
  std::uint64_t limit_ = 0;  // no record reaches further
  bool makes_sense_ = false;
  bool met_damage_ = false;
};

// (spsc) A producer without room tells its end once more, in two words. What damaged write_pos is
// mended, and a consumer that finds damage up to that end can be sure of it.
template <class Atomics>
void tell_end(const ring_memory<Atomics>& ring, std::uint64_t end) noexcept {
  // [hint] relaxed: believed only where it equals write_pos.
  ring.producers[0].announcement.template store<edge::hint>(end + 1, std::memory_order_relaxed);
  // [extent] release: the records below it are whole.
  ring.control->write_pos.template store<edge::extent>(end, std::memory_order_release);
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
  auto& told = ring.control->freed;
  // [own] relaxed: written by this role itself.
  if (told.template load<edge::own>(std::memory_order_relaxed) != freed) {
    // [free] release: all reading, taking over and zeroing comes before a producer writes there.
    told.template store<edge::free>(freed, std::memory_order_release);
  }
}

// (spsc) What the consumer finds behind a header that it cannot read.
struct damage_found {
  enum kind : std::uint8_t {
    nothing,   // or it was told already
    readable,  // a message of `bytes` after all
    damaged,   // up to `end`, where the next record stands
  } what;
  std::uint64_t end = 0;
  std::uint64_t bytes = 0;
};

// The producer says that records stand up to `extent`, and none can be read at the cursor. That is
// damage: of a record, or of that very word. The cursor moves only with proof of a record: a
// nonzero word here, a good record later, or the end stored twice. Otherwise the damage is reported
// once, and the consumer waits. `doubted` is an end that was told.
template <class Atomics>
[[nodiscard]] damage_found search_behind(const ring_memory<Atomics>& ring, std::uint64_t cursor,
                                         std::uint64_t freed, std::uint64_t extent,
                                         bool is_empty_here, std::uint64_t& doubted) noexcept {
  using enum damage_found::kind;
  const auto& shape = ring.geometry;
  const bool is_possible = is_possible_end(extent, freed, shape.capacity);
  // [hint] relaxed: believed only where it equals write_pos.
  const bool is_certain = ring.producers[0].announcement.template load<edge::hint>(
                              std::memory_order_relaxed) == extent + 1;
  if (doubted == extent && !(is_certain && is_possible)) return {nothing};
  doubted = extent;
  if (!is_possible) return {damaged, cursor};
  const auto gap = next_record(ring, cursor, extent);
  if (gap.header == 0 && !is_certain && is_empty_here) return {damaged, cursor};
  if (gap.header != 0 && is_empty_here) {
    // [publish] acquire: what was committed before that record is seen from here on.
    (void)ring.header(gap.end).template load<edge::publish>(std::memory_order_acquire);
    // [publish] acquire: sees the payload behind the header it reads.
    const record_header late(
        ring.header(cursor).template load<edge::publish>(std::memory_order_acquire));
    if (is_record(ring, late, cursor)) return {readable, cursor, late.bytes()};
  }
  return {damaged, gap.end};
}

// (mpsc) What keeps the consumer at its position.
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
    // [idle] acquire: whoever is idle or past T has settled all that it claimed below T.
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
