// One producer, one consumer, variable-length records in shared memory.
//
// Steps      fill -> terminate -> commit;   read -> release -> free
// Edges      publish  commit  -> read     the record's bytes
//            free     free    -> claim    the consumer is done with the space
//            extent   commit  -> search   the records below are whole, should a header be damaged
// Progress   every operation is wait-free
// Crash      a producer that dies before its commit leaves nothing; its successor walks the records
//            to find the end. What a dead consumer did not release, its successor reads again.
//
// The record after the last one always has an empty header, the terminator: it is stored before the
// commit, so stale bytes never stand where the consumer looks, and nothing need be zeroed.
//
// The positions, all ends of records:   freed <= read_pos <= write_pos <= freed + capacity. The
// consumer's read_pos is exact; its successor goes on there. The producer reads `freed`: stored
// once per chunk, and at once if nothing is left to read, a side sleeps, or the consumer closes.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include <annulus/channel/claim.hpp>
#include <annulus/channel/roster.hpp>
#include <annulus/channel/view.hpp>
#include <annulus/ring/ahead.hpp>
#include <annulus/ring/bell.hpp>
#include <annulus/ring/memory.hpp>
#include <annulus/ring/pace.hpp>
#include <annulus/ring/provision.hpp>
#include <annulus/ring/spsc_recovery.hpp>
#include <annulus/ring/spsc_straight.hpp>
#include <annulus/ring/tally.hpp>
#include <annulus/ring/usual.hpp>

namespace annulus {

// Requires: the only producer of this memory, used by one thread at a time.
template <class Atomics, template <class> class Statistics = tallied>
class basic_spsc_producer {
 public:
  using atomics = Atomics;
  using bytes = typename Atomics::bytes;
  using const_bytes = typename Atomics::const_bytes;
  using claim_type = basic_claim<basic_spsc_producer>;

  static constexpr annulus::topology topology = annulus::topology::spsc;

  explicit basic_spsc_producer(const ring_memory<Atomics>& ring, std::uint32_t = 0) noexcept
      : ring_(ring),
        with_memory_(ring),
        counters_(ring.producers[0].counters),
        quiet_(quiet_bell<Atomics>()) {
    const end_search<Atomics> found(ring_);
    write_pos_ = limit_ = found.pos();  // the first push looks for room
    straight_ = straight_room<Atomics>(write_pos_);
    if (found.met_damage()) counters_.corrupt();
    if (found.makes_sense()) catch_up(ring_, counters_, write_pos_);
    counters_.begin_at(write_pos_, ring_.record_bytes(0));
  }

  [[nodiscard]] claim_type try_claim(std::uint64_t count) noexcept {
    if (const status room = make_way(count, write_pos_); room != status::ok)
      return claim_type(room);
    straight_.open_claim(write_pos_);
    claim_ = Atomics::home::here();
    return claim_type(*this, straight_.lap().payload(write_pos_ + header_bytes, count));
  }

  [[nodiscard, gnu::always_inline]] status try_push(const_bytes one) noexcept {
    const std::uint64_t count = one.size(), pos = write_pos_;
    const auto end = pos + annulus::record_bytes(count, 0);
    // One as long as the last is not too long, and its position counts it.
    if (!counters_.is_as_last(count)) [[unlikely]] {
      if (count > ring_.geometry.max_message) return status::never_fits;
      counters_.message(pos, pos + ring_.record_bytes(count), count);
    }
    if (!straight_.reaches(end)) [[unlikely]] {
      if (const status room = make_way_slowly(count, pos); room != status::ok) return room;
      // Here too, and not behind a call: the address of a message that the caller has just made is
      // taken nowhere, so it need not be stored before it is stored here.
      straight_.lap().fill(pos + header_bytes, one);
      commit(count);
      return status::ok;
    }
    const auto& lap = straight_.lap();
    const ask_behind<Atomics> ask{lap, end, end - pos, straight_.left_behind(end)};
    lap.fill(pos + header_bytes, one, ask);
    publish(lap.header(pos), lap.header(end), count, pos, end);
    return status::ok;
  }

  // One message from several pieces.
  [[nodiscard]] status try_push(std::span<const const_bytes> parts) noexcept {
    std::uint64_t count = 0;
    for (const auto& piece : parts) count += piece.size();
    if (const status room = make_way(count, write_pos_); room != status::ok) return room;
    ring_.fill(write_pos_, parts);
    commit(count);
    return status::ok;
  }

  // As many as fit, in order; they become visible together, by the commit of the first.
  [[nodiscard]] batch try_push_batch(std::span<const const_bytes> many) noexcept {
    batch done;
    std::uint64_t end = write_pos_, payload = 0;
    for (const auto& one : many) {
      if (done.why = make_way(one.size(), end); done.why != status::ok) break;
      ring_.fill(end, one);
      ring_.write_checksum(end, one.size());
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
    counters_.pass(write_pos_, end);
    counters_.messages(done.count, payload);
    publish(ring_.header(write_pos_), ring_.header(end), many.front().size(), write_pos_, end);
    publish_all();
    return done;
  }

  // The most that one message can hold, bytes.
  [[nodiscard]] std::size_t max_message() const noexcept { return ring_.geometry.max_message; }
  [[nodiscard]] std::uint32_t number() const noexcept { return 0; }
  [[nodiscard]] const ring_memory<Atomics>& memory() const noexcept { return ring_; }
  [[nodiscard]] Statistics<Atomics>& counters() noexcept { return counters_; }

  // Gives the open claim up, if there is one of this process.
  void abort_claim() noexcept {
    if (claim_.leave()) straight_.close_claim();
  }
  // Publishes the counters now.
  void publish_all() noexcept { counters_.publish(write_pos_); }

 private:
  friend claim_type;
  using word = typename Atomics::template word<std::uint64_t>;

  // Room at pos, which is write_pos_ or, in a batch, behind the records before it.
  [[nodiscard, gnu::always_inline]] status make_way(std::uint64_t count,
                                                    std::uint64_t pos) noexcept {
    const auto record = annulus::record_bytes(count, 0), end = pos + record;
    if (count > ring_.geometry.max_message || !straight_.reaches(end)) [[unlikely]]
      return make_way_slowly(count, pos);
    ask_ahead<Atomics>({straight_.lap(), end, record, straight_.left_behind(end)});
    return status::ok;
  }
  [[nodiscard, gnu::noinline]] status make_way_slowly(std::uint64_t count,
                                                      std::uint64_t pos) noexcept {
    if (count > ring_.geometry.max_message) return status::never_fits;
    if (claim_.is_here()) return status::not_permitted;
    const auto record = ring_.record_bytes(count), need = record + header_bytes;
    if (straight_.goes_on(ring_, pos, record)) return status::ok;
    const status room = limit_ - pos >= need ? status::ok : find_room(need, pos);
    if (room != status::ok) return room;
    counters_.publish(write_pos_);
    straight_.begin(ring_, pos, limit_, record);
    return status::ok;
  }

  [[gnu::always_inline]] void commit_claim(std::uint64_t count) noexcept {
    if (!claim_.leave()) return;  // given up when the role closed, or another process's
    straight_.close_claim();
    const auto pos = write_pos_, end = pos + annulus::record_bytes(count, 0);
    if (!straight_.reaches(end)) return commit(count);
    counters_.message(pos, end, count);
    const auto& lap = straight_.lap();
    publish(lap.header(pos), lap.header(end), count, pos, end);
  }

  [[gnu::noinline]] void commit(std::uint64_t count) noexcept {
    const auto end = write_pos_ + ring_.record_bytes(count);
    ring_.write_checksum(write_pos_, count);
    counters_.message(write_pos_, end, count);
    publish(ring_.header(write_pos_), ring_.header(end), count, write_pos_, end);
  }

  // The record at pos becomes visible, and with it all up to `end`.
  [[gnu::always_inline]] void publish(word& header, word& terminator, std::uint64_t count,
                                      std::uint64_t pos, std::uint64_t end) noexcept {
    auto& control = *ring_.control;
    // [publish] relaxed: the release below puts it before the record.
    terminator.template store<edge::publish>(0, std::memory_order_relaxed);
    // [publish] release: the payload and the terminator happen before a reader of this word.
    header.template store<edge::publish>(ring_.committed(count, pos), std::memory_order_release);
    write_pos_ = end;
    // [extent] release: the records below it are whole.
    control.write_pos.template store<edge::extent>(end, std::memory_order_release);
    wake_if_asleep<Atomics>(control.consumer_bell, quiet_);
  }

  [[nodiscard, gnu::noinline]] status find_room(std::uint64_t need, std::uint64_t pos) noexcept {
    // [free] acquire: the consumer is done with all below.
    const auto freed = ring_.control->freed.template load<edge::free>(std::memory_order_acquire);
    if (write_pos_ - freed > ring_.geometry.capacity) return status::corrupt;
    counters_.depth(write_pos_ - freed);
    const auto end = freed + ring_.geometry.capacity;
    const bool fits = end - pos >= need;
    limit_ = with_memory_.room(ring_, pos, fits ? need : header_bytes, end);
    if (limit_ - pos >= need) return status::ok;
    counters_.publish(write_pos_);
    if (fits) return status::no_memory;
    publish_end(ring_, write_pos_);
    return no_room(*ring_.control);
  }

  ring_memory<Atomics> ring_;
  std::uint64_t write_pos_ = 0;
  straight_room<Atomics> straight_{0};
  std::uint64_t limit_ = 0;  // there is room up to here
  provision<Atomics> with_memory_;
  Statistics<Atomics> counters_;
  typename Atomics::home claim_;  // of the open one; else nobody's
  std::uint32_t quiet_;           // the consumer's bell, while it never slept
};

// Requires: the only consumer of this memory, used by one thread at a time.
template <class Atomics, template <class> class Statistics = tallied>
class basic_spsc_consumer {
 public:
  using atomics = Atomics;
  using const_bytes = typename Atomics::const_bytes;
  using view_type = basic_view<const_bytes>;

  static constexpr annulus::topology topology = annulus::topology::spsc;

  explicit basic_spsc_consumer(const ring_memory<Atomics>& ring) noexcept
      : ring_(ring),
        mask_(ring.geometry.capacity - record_align),
        counters_(ring.control->consumer.counters),
        quiet_(quiet_bell<Atomics>()) {
    cursor_ = released_ = freed_ = doubted_ = find_start(ring_);
    pace_.begin_at(cursor_);
    catch_up(ring_, counters_, cursor_);
    counters_.begin_at(cursor_, ring_.record_bytes(0));
    publish_freed(freed_);
  }

  // The next message. It stays in place until release().
  [[nodiscard, gnu::always_inline]] view_type try_read() noexcept {
    const std::uint64_t pos = cursor_;
    const std::uint64_t index = pos & mask_;
    const auto data = ring_.data;
    const auto usual = usual_;
    // [publish] acquire: sees the payload behind the header it reads.
    const auto word = data.header(index).template load<edge::publish>(std::memory_order_acquire);
    // Most messages are as long as the last: the next position need not wait for this load.
    if (word != usual.word(pos, ring_.geometry.key)) [[unlikely]]
      return read_unusual(record_header(word));
    cursor_ = pos + usual.record_bytes();  // counted: the run of its length goes on
    ahead_.ask(data, index, usual.record_bytes());
    return const_bytes(data.payload(index + header_bytes, usual.bytes()));
  }

  // Hands back the space of all that was read; its views end here.
  [[gnu::always_inline]] void release() noexcept {
    auto& control = *ring_.control;
    const auto to = cursor_;
    released_ = to;
    // [own] relaxed: for a successor, which comes by the lock.
    control.consumer.read_pos.template store<edge::own>(to, std::memory_order_relaxed);
    if (!is_before(to, publish_at_)) [[unlikely]]
      publish_chunk();
    if (is_in_use<Atomics>(control.producers_bell, quiet_)) [[unlikely]]
      publish_all();
  }

  // More than a poll: looks for damage, and for the producer's end.
  [[nodiscard, gnu::noinline]] view_type examine() noexcept {
    if (roll_.has_news(*ring_.control)) roll_.refresh(ring_);
    mend_positions(ring_, released_, freed_);
    publish_all();
    // [extent] acquire: the records below it are whole.
    const auto extent =
        whole(ring_.control->write_pos.template load<edge::extent>(std::memory_order_acquire));
    const record_header again = load_header();
    if (is_readable(again)) return deliver(again.bytes());
    if (is_before(cursor_, extent)) {
      const auto found = search_behind(ring_, cursor_, freed_, extent, again.is_empty(), doubted_);
      if (found.what == damage_found::readable) return deliver(found.bytes);
      if (found.what == damage_found::damaged) return lost(std::exchange(cursor_, found.end));
    }
    return roll_.all_closed() ? status::closed : status::empty;
  }

  // Publishes the counters now, and frees what was released.
  [[gnu::noinline]] void publish_all() noexcept {
    if (freed_ != released_) publish_freed(released_);
    fence_and_wake<Atomics>(ring_.control->producers_bell);
  }

  [[nodiscard]] std::optional<stall> stalled_by() const noexcept { return std::nullopt; }
  [[nodiscard]] std::optional<damage> last_damage() const noexcept { return damage_; }
  [[nodiscard]] std::size_t max_message() const noexcept { return ring_.geometry.max_message; }
  [[nodiscard]] std::uint64_t unreleased_bytes() const noexcept { return cursor_ - released_; }
  [[nodiscard]] std::uint64_t cursor() const noexcept { return cursor_; }
  [[nodiscard]] const ring_memory<Atomics>& memory() const noexcept { return ring_; }
  [[nodiscard]] Statistics<Atomics>& counters() noexcept { return counters_; }

 private:
  [[nodiscard]] record_header load_header() const noexcept {
    // [publish] acquire: sees the payload behind the header it reads.
    return record_header(
        ring_.header(cursor_).template load<edge::publish>(std::memory_order_acquire));
  }
  [[nodiscard]] bool is_readable(record_header header) const noexcept {
    return header.is_committed(cursor_, ring_.geometry.key) &&
           header.bytes() <= ring_.geometry.max_message;
  }

  [[nodiscard, gnu::noinline]] view_type read_unusual(record_header header) noexcept {
    return is_readable(header) ? deliver(header.bytes()) : found_nothing();
  }
  // Apart, as is what checks a checksum: so the read of a message of another length is short.
  [[nodiscard, gnu::noinline]] view_type found_nothing() noexcept {
    const auto record = ring_.record_bytes(usual_.last_bytes());
    const bool is_starved = pace_.ran_dry(ring_.control->write_pos, cursor_, record);
    if (is_starved && freed_ != released_) publish_all();
    return roll_.is_due(*ring_.control) ? examine() : view_type(status::empty);
  }

  [[nodiscard]] view_type deliver(std::uint64_t count) noexcept {
    return ring_.geometry.trailer_bytes() != 0 ? deliver_as<true>(count) : deliver_as<false>(count);
  }
  template <bool HasChecksum>
  [[nodiscard, gnu::noinline]] view_type deliver_as(std::uint64_t count) noexcept {
    const std::uint64_t pos = cursor_;
    cursor_ += ring_.record_bytes(count);
    usual_.saw(count, HasChecksum);
    if (HasChecksum && !ring_.is_whole(pos, count)) [[unlikely]]
      return lost(pos);
    if (!HasChecksum) ahead_.ask(ring_.data, ring_.index_of(pos), cursor_ - pos);
    counters_.message(pos, cursor_, count);
    return const_bytes(ring_.payload(pos, count));
  }

  // A chunk was released: the producer may have it.
  [[gnu::noinline]] void publish_chunk() noexcept {
    const bool is_cached = released_ - freed_ <= most_taken_over;
    if (pace_.takes_over(ring_.control->write_pos, freed_) && is_cached)
      ring_.take_over(freed_, released_);
    publish_freed(released_);
  }

  void publish_freed(std::uint64_t to) noexcept {
    counters_.depth(to - freed_);
    counters_.publish(cursor_);
    freed_ = to;
    publish_at_ = to + ring_.chunk();
    ahead_.ask_if(pace_.is_behind(cursor_), ring_.geometry.capacity);
    // [free] release: all reading and taking over comes before the producer writes there.
    ring_.control->freed.template store<edge::free>(to, std::memory_order_release);
  }

  // [from, cursor) was damaged.
  [[nodiscard]] view_type lost(std::uint64_t from) noexcept {
    damage_ = damage{from, cursor_ - from};
    counters_.pass(from, cursor_);
    counters_.corrupt();
    // No view is open, so no release would follow; the producer may need the space.
    if (from == released_) release();
    return status::corrupt;
  }
  static constexpr std::uint64_t most_taken_over = std::uint64_t{1} << 20;  // what a core may keep

  ring_memory<Atomics> ring_;
  std::uint64_t mask_;            // of a position: its index
  std::uint64_t cursor_ = 0;      // the next record to read
  std::uint64_t released_ = 0;    // all below was handed back
  std::uint64_t freed_ = 0;       // as published in `freed`
  std::uint64_t publish_at_ = 0;  // it is stored again when all below is released
  usual_header usual_;
  read_ahead<Atomics> ahead_;
  Statistics<Atomics> counters_;
  std::uint32_t quiet_;  // the producers' bell, while none ever slept
  pace<Atomics> pace_;
  std::uint64_t doubted_ = 0;  // an end that was reported as damage
  roll_call<Atomics> roll_;
  std::optional<damage> damage_;
};

}  // namespace annulus
