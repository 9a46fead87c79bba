// Recovery of the ring of one producer: where a new consumer and a new producer go on, and what the
// consumer does when the header at its position is not readable.
//
// Death    a successor walks the records that stand in the ring: what was committed is there
// Damage   the consumer skips to the next good record, with proof that one follows (recovery.hpp)
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include <annulus/channel/roster.hpp>
#include <annulus/ring/edges.hpp>
#include <annulus/ring/memory.hpp>
#include <annulus/ring/recovery.hpp>

namespace annulus {

// Whether a record that was written not long ago ends at pos, or the ring began there.
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

// Where a new consumer goes on: exactly where the last one stopped. If the two positions are
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

// Where a new producer goes on.
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
    // [own] relaxed: stored by this role's last incarnation, ordered by the lock's handover.
    const auto stored =
        whole(ring.control->write_pos.template load<edge::own>(std::memory_order_relaxed));
    const auto capacity = ring.geometry.capacity;
    // Of three positions two agree: the consumer's is damaged, not what it freed.
    const bool is_read_damaged = read - freed > capacity && stored - freed <= capacity;
    limit_ = (read - freed <= capacity || is_read_damaged ? freed : read) + capacity;
    pos_ = is_read_damaged ? stored : start(read, stored);
    makes_sense_ = limit_ - pos_ <= capacity;
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
  [[nodiscard]] std::uint64_t start(std::uint64_t read, std::uint64_t stored) const noexcept {
    const auto capacity = ring_.geometry.capacity;
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
        met_damage_ = true;  // nothing was here: the last incarnation stored its end when it closed
        return;
      } else if (!pass_damage()) {
        return;
      }
    }
  }

  // The last incarnation died, and its last header is damaged. The consumer may have read that
  // record while it was good, and stand behind it: nobody knows how long it was. So go on at the
  // next good header, and so report the damage. Returns false if there is none: then the end is as
  // far as the consumer can have come.
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

// A producer without room stores its end once more, in two words. What damaged write_pos is
// mended, and a consumer that finds damage up to that end can be sure of it.
template <class Atomics>
void publish_end(const ring_memory<Atomics>& ring, std::uint64_t end) noexcept {
  // [hint] relaxed: believed only where it equals write_pos.
  ring.producers[0].announcement.template store<edge::hint>(end + 1, std::memory_order_relaxed);
  // [extent] release: the records below it are whole.
  ring.control->write_pos.template store<edge::extent>(end, std::memory_order_release);
}

// What the consumer finds behind a header that it cannot read.
struct damage_found {
  enum kind : std::uint8_t {
    nothing,   // or it was reported already
    readable,  // a message of `bytes` after all
    damaged,   // up to `end`, where the next record stands
  } what;
  std::uint64_t end = 0;
  std::uint64_t bytes = 0;
};

// The producer says that records stand up to `extent`, and none can be read at the cursor. That is
// damage: of a record, or of that very word. The cursor moves only with proof of a record: a
// nonzero word here, a good record later, or the end stored twice. Otherwise the damage is reported
// once, and the consumer waits. `doubted` is an end that was reported.
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

}  // namespace annulus
