// One producer, one consumer, variable-length records in shared memory.
//
// Steps      fill -> terminate -> commit;   read -> release
// Edges      publish  commit  -> read     the record's bytes
//            free     release -> claim    the consumer is done with the space
//            extent   commit  -> search   the records below are whole, should a header be damaged
// Progress   every operation is wait-free
// Crash      a producer that dies before its commit leaves nothing; its successor finds the end by
//            walking the records. A consumer that dies has read what it did not release: its
//            successor reads that again.
//
// The record after the last one always has an empty header, the terminator: it is stored before the
// commit, so stale bytes never stand where the consumer looks, and nothing need be zeroed.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include <annulus/channel/claim.hpp>
#include <annulus/channel/counters.hpp>
#include <annulus/channel/roster.hpp>
#include <annulus/channel/view.hpp>
#include <annulus/ring/bell.hpp>
#include <annulus/ring/memory.hpp>
#include <annulus/ring/recovery.hpp>

namespace annulus {

// Requires: the only producer of this memory, used by one thread at a time.
template <class Atomics, template <class> class Statistics = counted>
class basic_spsc_producer {
 public:
  using atomics = Atomics;
  using bytes = typename Atomics::bytes;
  using const_bytes = typename Atomics::const_bytes;
  using claim_type = basic_claim<basic_spsc_producer>;

  static constexpr annulus::topology topology = annulus::topology::spsc;

  explicit basic_spsc_producer(const ring_memory<Atomics>& ring, std::uint32_t = 0) noexcept
      : ring_(ring), counters_(ring.producers[0].counters) {
    Atomics::accept_barriers();
    find_end();
  }

  [[nodiscard]] claim_type try_claim(std::uint64_t count) noexcept {
    if (const status room = make_room(count); room != status::ok) return claim_type(room);
    limit_ = write_pos_;  // nothing else has room while a claim is open
    claim_ = Atomics::home::here();
    return claim_type(*this, ring_.payload(write_pos_, count));
  }

  [[nodiscard]] status try_push(const_bytes one) noexcept {
    if (const status room = make_room(one.size()); room != status::ok) return room;
    ring_.fill(write_pos_, one);
    commit(one.size());
    return status::ok;
  }

  // One message from several pieces.
  [[nodiscard]] status try_push(std::span<const const_bytes> parts) noexcept {
    std::uint64_t count = 0;
    for (const auto& piece : parts) count += piece.size();
    if (const status room = make_room(count); room != status::ok) return room;
    ring_.fill(write_pos_, parts);
    commit(count);
    return status::ok;
  }

  // As many as fit, in order; they become visible together, by the commit of the first.
  [[nodiscard]] batch try_push_batch(std::span<const const_bytes> many) noexcept {
    batch done;
    std::uint64_t end = write_pos_, payload = 0;
    for (const auto& one : many) {
      if (done.why = make_room(one.size(), end); done.why != status::ok) break;
      ring_.fill(end, one);
      ring_.seal(end, one.size());
      if (done.count > 0) {
        // [publish] relaxed: not reached before the first header, whose release orders it.
        ring_.header(end).template store<edge::publish>(ring_.committed(one.size(), end),
                                                        std::memory_order_relaxed);
      }
      end += ring_.record_bytes(one.size());
      payload += one.size();
      ++done.count;
    }
    if (done.count == 0) return done;
    publish(many.front().size(), end);
    counters_.messages(done.count, payload);
    return done;
  }

  // The most that one message can hold, bytes.
  [[nodiscard]] std::size_t max_message() const noexcept { return ring_.geometry.max_message; }
  [[nodiscard]] std::uint32_t number() const noexcept { return 0; }

  [[nodiscard]] const ring_memory<Atomics>& memory() const noexcept { return ring_; }
  [[nodiscard]] Statistics<Atomics>& counters() noexcept { return counters_; }

  // Gives the open claim up, if there is one of this process.
  void abort_claim() noexcept {
    if (!claim_.leave()) return;
    limit_ = read_pos_seen_ + ring_.geometry.capacity;
  }

 private:
  friend claim_type;

  void commit_claim(std::uint64_t count) noexcept {
    if (!claim_.is_here()) return;  // given up when the role closed, or another process's
    abort_claim();
    commit(count);
  }

  void commit(std::uint64_t count) noexcept {
    ring_.seal(write_pos_, count);
    publish(count, write_pos_ + ring_.record_bytes(count));
    counters_.messages(1, count);
  }

  // The record at write_pos becomes visible, and with it all up to end.
  void publish(std::uint64_t count, std::uint64_t end) noexcept {
    // [publish] relaxed: the terminator; the release below puts it before the record.
    ring_.header(end).template store<edge::publish>(0, std::memory_order_relaxed);
    // [publish] release: the payload and the terminator happen before whoever sees this word.
    ring_.header(write_pos_)
        .template store<edge::publish>(ring_.committed(count, write_pos_),
                                       std::memory_order_release);
    write_pos_ = end;
    // [extent] release: the records below it are whole.
    ring_.control->write_pos.template store<edge::extent>(end, std::memory_order_release);
    wake_if_asleep<Atomics>(ring_.control->consumer_bell, barriers_reach_us_);
  }

  [[nodiscard]] status make_room(std::uint64_t count) noexcept {
    return make_room(count, write_pos_);
  }

  // Room at pos for one record of so many bytes, and for the terminator behind it.
  [[nodiscard]] status make_room(std::uint64_t count, std::uint64_t pos) noexcept {
    if (count > ring_.geometry.max_message) [[unlikely]]
      return status::never_fits;
    const std::uint64_t need = ring_.record_bytes(count) + header_bytes;
    if (limit_ - pos < need) [[unlikely]]
      return look_for_room(need, pos);
    if (limit_ - pos > 2 * prefetch_distance) ring_.prefetch_ahead(pos, need);
    return status::ok;
  }

  [[nodiscard, gnu::noinline]] status look_for_room(std::uint64_t need,
                                                    std::uint64_t pos) noexcept {
    if (claim_.is_here()) return status::not_permitted;
    // [free] acquire: the consumer is done with all below.
    const auto freed =
        ring_.control->consumer.read_pos.template load<edge::free>(std::memory_order_acquire);
    if (write_pos_ - freed > ring_.geometry.capacity) return status::corrupt;
    read_pos_seen_ = freed;
    limit_ = freed + ring_.geometry.capacity;
    counters_.depth(write_pos_ - freed);
    if (limit_ - pos >= need) return status::ok;
    tell_end();
    return no_room(*ring_.control);
  }

  // Without room: the end once more, in two words. What damaged write_pos is mended, and a consumer
  // that finds damage up to that end can be sure of it.
  void tell_end() noexcept {
    // [hint] relaxed: believed only where it equals write_pos.
    ring_.producers[0].announcement.template store<edge::hint>(write_pos_ + 1,
                                                               std::memory_order_relaxed);
    // [extent] release: the records below it are whole.
    ring_.control->write_pos.template store<edge::extent>(write_pos_, std::memory_order_release);
  }

  // Where the last incarnation left off. Its stored write_pos may lag behind its last commit, and
  // the consumer may be ahead of that; beyond both, its records reach to the terminator. The end is
  // stored again at once, so that the consumer's search for damage reaches it.
  void find_end() noexcept {
    // [free] acquire: the consumer is done with all below.
    read_pos_seen_ =
        ring_.control->consumer.read_pos.template load<edge::free>(std::memory_order_acquire);
    limit_ = read_pos_seen_ + ring_.geometry.capacity;
    write_pos_ = start_of_walk();
    if (limit_ - write_pos_ > ring_.geometry.capacity) {
      limit_ = write_pos_;  // these cursors make no sense: every push will say so
      return;
    }
    walk();
    // [publish] relaxed: what damage left here must not pose as a header.
    ring_.header(write_pos_).template store<edge::publish>(0, std::memory_order_relaxed);
    // [extent] release: the records below it are whole.
    ring_.control->write_pos.template store<edge::extent>(write_pos_, std::memory_order_release);
  }

  // The later of the two positions. If they lie further apart than they can, one is damaged: it is
  // write_pos if a record ends at read_pos.
  [[nodiscard]] std::uint64_t start_of_walk() const noexcept {
    const auto capacity = ring_.geometry.capacity;
    // [own] relaxed: stored by this role's last incarnation, ordered by the lock's handover.
    const auto stored =
        whole(ring_.control->write_pos.template load<edge::own>(std::memory_order_relaxed));
    if (stored - read_pos_seen_ <= capacity) return stored;
    if (read_pos_seen_ - stored <= capacity) return read_pos_seen_;
    return is_end_of_record(ring_, read_pos_seen_) ? read_pos_seen_ : stored;
  }

  // Moves write_pos_ over the records that stand there, as far as there is room for them.
  void walk() noexcept {
    for (;;) {
      // [own] relaxed: stored by this role's last incarnation, ordered by the lock's handover.
      const auto word =
          ring_.header(write_pos_).template load<edge::own>(std::memory_order_relaxed);
      const record_header next(word);
      if (is_record(ring_, next, write_pos_)) {
        const auto end = write_pos_ + ring_.record_bytes(next.bytes());
        if (limit_ - end > ring_.geometry.capacity) return;
        write_pos_ = end;
      } else if (word == 0) {
        return;
      } else if (has_clean_start()) {
        counters_.corrupt();  // nothing was here: the last incarnation told its end when it closed
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
    const auto gap = next_header(ring_, write_pos_, limit_);
    if (gap.header != 0) {
      write_pos_ = gap.end;
      return true;
    }
    const auto longest = ring_.record_bytes(ring_.geometry.max_message);
    const auto left = limit_ - write_pos_;
    if (left > header_bytes) write_pos_ += std::min(longest, left - header_bytes);
    return false;
  }

  [[nodiscard]] bool has_clean_start() const noexcept {
    // [own] relaxed: stored by this role itself when it came.
    return began_clean(
        ring_.producers[0].role.owner.template load<edge::own>(std::memory_order_relaxed));
  }

  ring_memory<Atomics> ring_;
  std::uint64_t write_pos_ = 0;
  std::uint64_t limit_ = 0;          // there is room up to here; write_pos_ while a claim is open
  std::uint64_t read_pos_seen_ = 0;  // as of the last look
  Statistics<Atomics> counters_;
  typename Atomics::home claim_;  // of the open one; else nobody's
  bool barriers_reach_us_ = false;
};

// Requires: the only consumer of this memory, used by one thread at a time.
template <class Atomics, template <class> class Statistics = counted>
class basic_spsc_consumer {
 public:
  using atomics = Atomics;
  using const_bytes = typename Atomics::const_bytes;
  using view_type = basic_view<const_bytes>;

  static constexpr annulus::topology topology = annulus::topology::spsc;

  explicit basic_spsc_consumer(const ring_memory<Atomics>& ring) noexcept
      : ring_(ring), counters_(ring.control->consumer.counters) {
    Atomics::accept_barriers();
    // [own] relaxed: stored by this role's last incarnation, ordered by the lock's handover.
    cursor_ =
        whole(ring_.control->consumer.read_pos.template load<edge::own>(std::memory_order_relaxed));
    released_ = doubted_ = cursor_;
  }

  // The next message. It stays in place until release().
  [[nodiscard]] view_type try_read() noexcept {
    const record_header header = load_header();
    if (is_readable(header)) return deliver(header.bytes());
    return roll_.wants_a_look(*ring_.control) ? examine() : view_type(status::empty);
  }

  // Hands back the space of all that was read; its views end here.
  void release() noexcept {
    if (released_ == cursor_) return;
    counters_.depth(cursor_ - released_);
    ring_.take_over(released_, cursor_);
    released_ = cursor_;
    // [free] release: all reading comes before the producer writes there.
    ring_.control->consumer.read_pos.template store<edge::free>(cursor_, std::memory_order_release);
    wake_if_asleep<Atomics>(ring_.control->producers_bell, barriers_reach_us_);
  }

  // A closer look than a poll: for damage, and for the producer's end.
  [[nodiscard, gnu::noinline]] view_type examine() noexcept {
    if (roll_.has_news(*ring_.control)) roll_.look(ring_);
    mend_read_pos();
    // [extent] acquire: the records below it are whole.
    const auto extent =
        whole(ring_.control->write_pos.template load<edge::extent>(std::memory_order_acquire));
    const record_header again = load_header();
    if (is_readable(again)) return deliver(again.bytes());
    if (is_before(cursor_, extent)) {
      if (const auto seen = look_for_damage(extent, again)) return *seen;
    }
    return roll_.all_closed() ? status::closed : status::empty;
  }

  [[nodiscard]] std::optional<stall> stalled_by() const noexcept { return std::nullopt; }
  [[nodiscard]] std::optional<damage> last_damage() const noexcept { return damage_; }
  [[nodiscard]] std::size_t max_message() const noexcept { return ring_.geometry.max_message; }
  [[nodiscard]] std::uint64_t unreleased_bytes() const noexcept { return cursor_ - released_; }
  [[nodiscard]] std::uint64_t read_pos() const noexcept { return cursor_; }

  [[nodiscard]] const ring_memory<Atomics>& memory() const noexcept { return ring_; }
  [[nodiscard]] Statistics<Atomics>& counters() noexcept { return counters_; }

 private:
  [[nodiscard]] record_header load_header() const noexcept {
    // [publish] acquire: sees the payload behind the header it reads.
    return record_header(
        ring_.header(cursor_).template load<edge::publish>(std::memory_order_acquire));
  }
  [[nodiscard]] bool is_readable(record_header header) const noexcept {
    return header.is_committed(cursor_, ring_.geometry.seal) &&
           header.bytes() <= ring_.geometry.max_message;
  }

  [[nodiscard]] view_type deliver(std::uint64_t count) noexcept {
    const std::uint64_t pos = cursor_;
    cursor_ += ring_.record_bytes(count);
    if (!ring_.is_whole(pos, count)) [[unlikely]]
      return lost(pos);
    counters_.messages(1, count);
    return const_bytes(ring_.payload(pos, count));
  }

  // The producer says that records stand up to `extent`, and none can be read at the cursor. That
  // is damage: of a record, or of that very word. The cursor moves where a record is known to have
  // been: a word stands here, a good record stands behind, or the producer has said so twice. Else
  // the damage is told once, and the next message is waited for. Nothing: it was told.
  [[nodiscard]] std::optional<view_type> look_for_damage(std::uint64_t extent,
                                                         record_header here) noexcept {
    const bool is_possible = is_possible_end(extent, released_, ring_.geometry.capacity);
    // [hint] relaxed: believed only where it equals write_pos.
    const bool is_certain = ring_.producers[0].announcement.template load<edge::hint>(
                                std::memory_order_relaxed) == extent + 1;
    if (doubted_ == extent && !(is_certain && is_possible)) return std::nullopt;
    doubted_ = extent;
    if (!is_possible) return nothing_moved();
    const auto gap = next_record(ring_, cursor_, extent);
    if (gap.header == 0 && !is_certain && here.is_empty()) return nothing_moved();
    if (gap.header != 0 && here.is_empty()) {
      // [publish] acquire: what was committed before that record is seen from here on.
      (void)ring_.header(gap.end).template load<edge::publish>(std::memory_order_acquire);
      if (const auto late = load_header(); is_readable(late)) return deliver(late.bytes());
    }
    const std::uint64_t from = std::exchange(cursor_, gap.end);
    return lost(from);
  }

  // Damage that cost nothing yet.
  [[nodiscard]] view_type nothing_moved() noexcept { return lost(cursor_); }

  // Nobody else writes read_pos: if it says something else than it should, it was damaged.
  void mend_read_pos() noexcept {
    auto& word = ring_.control->consumer.read_pos;
    // [own] relaxed: written by this role itself.
    if (word.template load<edge::own>(std::memory_order_relaxed) == released_) return;
    // [free] release: all reading comes before the producer writes there.
    word.template store<edge::free>(released_, std::memory_order_release);
  }

  // [from, cursor) was damaged.
  [[nodiscard]] view_type lost(std::uint64_t from) noexcept {
    damage_ = damage{from, cursor_ - from};
    counters_.corrupt();
    return status::corrupt;
  }

  ring_memory<Atomics> ring_;
  std::uint64_t cursor_ = 0;    // the next record to read
  std::uint64_t released_ = 0;  // the producer may write up to one capacity past here
  std::uint64_t doubted_ = 0;   // an end that was told as damage and not followed
  roll_call<Atomics> roll_;
  std::optional<damage> damage_;
  Statistics<Atomics> counters_;
  bool barriers_reach_us_ = false;
};

}  // namespace annulus
