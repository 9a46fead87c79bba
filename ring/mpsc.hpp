// Many producers, one consumer, variable-length records in shared memory.
//
// Steps      announce -> claim -> stamp -> fill -> commit | abort;   read -> zero -> release
// Edges      publish  commit   -> read       the record's bytes
//            free     release  -> claim      the consumer is done with the space, and it is zero
//            claim    claim    -> recovery   the announcement of every claim below T
//            idle     announcement and its clearing -> recovery   what it has settled
// Progress   claim lock-free, full after 4,096 lost attempts; all else wait-free. Messages come in
//            claim order: a live producer that stops in one holds up the rest, never overridden.
// Crash      a producer that dies leaves a claim without a header, or a busy one, which
//            mpsc_recovery.hpp skips. A consumer that dies while zeroing: mpsc_release.hpp.
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
#include <annulus/ring/bell.hpp>
#include <annulus/ring/memory.hpp>
#include <annulus/ring/mpsc_recovery.hpp>
#include <annulus/ring/mpsc_release.hpp>
#include <annulus/ring/mpsc_room.hpp>
#include <annulus/ring/mpsc_stall.hpp>
#include <annulus/ring/pace.hpp>
#include <annulus/ring/tally.hpp>
#include <annulus/ring/usual.hpp>

namespace annulus {

// Requires: producer `number` of this memory, alone under it, used by one thread at a time.
template <class Atomics, template <class> class Statistics = tallied>
class basic_mpsc_producer {
 public:
  using atomics = Atomics;
  using bytes = typename Atomics::bytes;
  using const_bytes = typename Atomics::const_bytes;
  using claim_type = basic_claim<basic_mpsc_producer>;
  static constexpr annulus::topology topology = annulus::topology::mpsc;

  basic_mpsc_producer(const ring_memory<Atomics>& ring, std::uint32_t number) noexcept
      : ring_(ring),
        number_(number),
        own_(&ring.producers[number]),
        room_(ring),
        counters_(own_->counters),
        quiet_(quiet_bell<Atomics>()) {
    withdraw();  // the consumer skips a dead incarnation's claims
  }

  [[nodiscard]] claim_type try_claim(std::uint64_t count) noexcept {
    if (const status s = claim(count, ring_.record_bytes(count)); s != status::ok)
      return claim_type(s);
    claim_ = Atomics::home::here();
    return claim_type(*this, ring_.payload(claimed_pos_, count));
  }

  [[nodiscard, gnu::always_inline]] status try_push(const_bytes one) noexcept {
    if (const status s = claim(one.size(), ring_.record_bytes(one.size())); s != status::ok)
      return s;
    ring_.fill(claimed_pos_, one);
    commit(one.size());
    return status::ok;
  }

  // One message from several pieces.
  [[nodiscard]] status try_push(std::span<const const_bytes> parts) noexcept {
    std::uint64_t count = 0;
    for (const auto& piece : parts) count += piece.size();
    if (const status s = claim(count, ring_.record_bytes(count)); s != status::ok) return s;
    ring_.fill(claimed_pos_, parts);
    commit(count);
    return status::ok;
  }

  // As many as fit now, in order, in one claim: they stand together and become visible together.
  [[nodiscard]] batch try_push_batch(std::span<const const_bytes> many) noexcept {
    if (many.empty()) return {};
    if (const status s = permitted(many.front().size()); s != status::ok) return {0, s};
    const batch done = room_.fitting(ring_, many);
    if (done.count == 0) return done;
    many = many.first(done.count);
    std::uint64_t need = 0;
    for (const auto& one : many) need += ring_.record_bytes(one.size());
    const auto last_end = claimed_pos_ + claimed_bytes_;
    if (const status s = claim(0, need); s != status::ok) return {0, s};
    std::uint64_t pos = claimed_pos_, payload = 0;
    for (const auto& one : many) {
      room_.ask_ahead(ring_, pos, ring_.record_bytes(one.size()), claimed_pos_ == last_end);
      ring_.fill(pos, one);
      ring_.write_checksum(pos, one.size());
      if (pos != claimed_pos_) {
        // [publish] relaxed: not reached before the first header, whose release orders it.
        ring_.header(pos).template store<edge::publish>(ring_.committed(one.size(), pos),
                                                        std::memory_order_relaxed);
      }
      pos += ring_.record_bytes(one.size());
      payload += one.size();
    }
    publish(ring_.committed(many.front().size(), claimed_pos_));
    counters_.messages_now(done.count, payload);
    return done;
  }

  [[nodiscard]] std::size_t max_message() const noexcept { return ring_.geometry.max_message; }
  [[nodiscard]] const ring_memory<Atomics>& memory() const noexcept { return ring_; }
  [[nodiscard]] Statistics<Atomics>& counters() noexcept { return counters_; }
  [[nodiscard]] std::uint32_t number() const noexcept { return number_; }

  // Gives the open claim up, if there is one of this process.
  void abort_claim() noexcept {
    if (!claim_.leave()) return;
    publish(ring_.aborted(claimed_bytes_, claimed_pos_));
  }
  void publish_all() noexcept { counters_.publish(0); }

 private:
  friend claim_type;

  // A claim fails when write_pos moved under it. Only a hostile process does that so often.
  static constexpr std::uint32_t most_attempts = 1 << 12;

  [[nodiscard]] status permitted(std::uint64_t count) const noexcept {
    if (count > ring_.geometry.max_message) return status::never_fits;
    return claim_.is_here() ? status::not_permitted : status::ok;
  }

  // Announces, claims and stamps `need` bytes. A batch, of count 0 here, asks for lines itself.
  [[nodiscard, gnu::always_inline]] status claim(std::uint64_t count, std::uint64_t need) noexcept {
    if (const status s = permitted(count); s != status::ok) return s;
    // [hint] relaxed: a stale value only fails the CAS.
    auto pos = ring_.control->write_pos.template load<edge::hint>(std::memory_order_relaxed);
    for (auto left = most_attempts; left > 0; --left) {
      if (!room_.has(ring_, pos, need)) [[unlikely]] {
        auto renewed = pos;  // the address of pos is not taken: it stays in a register
        if (const status s = find_room(renewed, need); s != status::ok) return s;
        pos = renewed;
      }
      // [idle] release: a reader of it sees all that this producer has settled before.
      own_->announcement.template store<edge::idle>(pos + 1, std::memory_order_release);
      // [claim] release: the announcement comes before the claim.
      // [retry] relaxed: a failed attempt only fetches the next position to try.
      if (ring_.control->write_pos.template compare_exchange<edge::claim>(
              pos, pos + need, std::memory_order_release, std::memory_order_relaxed))
        return stamp(count, pos, need);
    }
    withdraw();
    return status::full;
  }

  [[gnu::always_inline]] status stamp(std::uint64_t count, std::uint64_t pos,
                                      std::uint64_t need) noexcept {
    if (count > 0) room_.ask_ahead(ring_, pos, need, pos == claimed_pos_ + claimed_bytes_);
    claimed_pos_ = pos;
    claimed_bytes_ = need;
    // [stamp] relaxed: ahead of the payload in program order, so a death in it leaves its length.
    ring_.header(pos).template store<edge::stamp>(ring_.busy(need, pos, number_),
                                                  std::memory_order_relaxed);
    // [stamp] fence: before any byte of the payload, should this process die among them.
    Atomics::compiler_fence();
    return status::ok;
  }

  void commit_claim(std::uint64_t count) noexcept {
    if (!claim_.leave()) return;  // given up when the role closed, or another process's
    const std::uint64_t used = ring_.record_bytes(count);
    if (used < claimed_bytes_) {
      const std::uint64_t rest = claimed_pos_ + used;
      // [publish] relaxed: not reached before the header in front, whose release orders it.
      ring_.header(rest).template store<edge::publish>(ring_.aborted(claimed_bytes_ - used, rest),
                                                       std::memory_order_relaxed);
    }
    commit(count);
  }

  [[gnu::always_inline]] void commit(std::uint64_t count) noexcept {
    ring_.write_checksum(claimed_pos_, count);
    publish(ring_.committed(count, claimed_pos_));
    counters_.messages_now(1, count);
  }

  // The claim's last word: its header, then that this producer is idle.
  [[gnu::always_inline]] void publish(std::uint64_t word) noexcept {
    // [publish] release: the payload happens before a reader of this word.
    ring_.header(claimed_pos_).template store<edge::publish>(word, std::memory_order_release);
    withdraw();
    wake_if_asleep<Atomics>(ring_.control->consumer_bell, quiet_);
  }

  void withdraw() noexcept {
    // [idle] release: a reader of it sees the claim settled.
    own_->announcement.template store<edge::idle>(0, std::memory_order_release);
  }

  // May bring pos up to date.
  [[nodiscard, gnu::noinline]] status find_room(std::uint64_t& pos, std::uint64_t need) noexcept {
    // [free] acquire: the consumer is done with all below, and it is zero.
    const auto freed = ring_.control->freed.template load<edge::free>(std::memory_order_acquire);
    // An old `freed` beside a new write_pos would claim more than was ever there.
    const auto depth = pos - freed;
    if (depth <= ring_.geometry.capacity) counters_.depth(depth);
    if (room_.take_up(ring_, freed, pos, need)) return status::ok;
    if (is_before(pos, freed)) {
      // [hint] relaxed: not older than what the consumer had passed when it released.
      pos = ring_.control->write_pos.template load<edge::hint>(std::memory_order_relaxed);
      if (room_.take_up(ring_, freed, pos, need)) return status::ok;
    }
    withdraw();
    return ring_.positions_make_sense() ? room_.refusal(ring_) : status::corrupt;
  }

  ring_memory<Atomics> ring_;
  std::uint32_t number_;
  producer_words<Atomics>* own_;
  std::uint64_t claimed_pos_ = 0;
  std::uint64_t claimed_bytes_ = 0;
  room_of_many<Atomics> room_;
  Statistics<Atomics> counters_;
  typename Atomics::home claim_;  // of the open one; else nobody's
  std::uint32_t quiet_;           // the consumer's bell, while it never slept
};

// Requires: the only consumer of this memory, used by one thread at a time.
template <class Atomics, template <class> class Statistics = tallied>
class basic_mpsc_consumer {
 public:
  using atomics = Atomics;
  using const_bytes = typename Atomics::const_bytes;
  using view_type = basic_view<const_bytes>;

  static constexpr annulus::topology topology = annulus::topology::mpsc;

  explicit basic_mpsc_consumer(const ring_memory<Atomics>& ring) noexcept
      : ring_(ring), counters_(ring.control->consumer.counters) {
    released_.take_up(ring_);
    cursor_ = doubted_ = passed_.from = passed_.to = released_.end();
  }

  // The next message. It stays in place until release().
  [[nodiscard, gnu::always_inline]] view_type try_read() noexcept {
    if (has_lap()) [[unlikely]]
      return read_unusual(0);
    const auto usual = usual_;
    const auto word = load_header();
    if (word != usual.word(cursor_, ring_.geometry.key)) [[unlikely]]
      return read_unusual(word);
    const auto pos = std::exchange(cursor_, cursor_ + usual.record_bytes());
    counters_.messages(1, usual.bytes());
    return const_bytes(ring_.payload(pos, usual.bytes()));
  }

  // Hands back the space of all that was read; its views end here.
  void release() noexcept {
    if (released_.end() == cursor_) return;
    counters_.depth(unreleased_bytes());
    publish_all();
    stall_.stands_at(ring_, cursor_);
    released_.zero_and_free(ring_, cursor_);
  }

  // More than a poll: looks for claims of the dead, for damage, and for the producers' end.
  [[nodiscard]] view_type examine() noexcept {
    const bool has_views = unreleased_bytes() != 0;
    return released_if_empty(examine_cursor(), has_views);
  }

  void publish_all() noexcept { counters_.publish(cursor_); }

  [[nodiscard]] std::optional<stall> stalled_by() const noexcept { return stall_.at(cursor_); }
  [[nodiscard]] std::optional<damage> last_damage() const noexcept { return damage_; }
  [[nodiscard]] std::size_t max_message() const noexcept { return ring_.geometry.max_message; }
  [[nodiscard]] std::uint64_t unreleased_bytes() const noexcept {
    return cursor_ - released_.end();
  }
  [[nodiscard]] std::uint64_t cursor() const noexcept { return cursor_; }
  [[nodiscard]] const ring_memory<Atomics>& memory() const noexcept { return ring_; }
  [[nodiscard]] Statistics<Atomics>& counters() noexcept { return counters_; }

 private:
  // After a whole unreleased lap the next header was read already.
  [[nodiscard]] bool has_lap() const noexcept {
    return unreleased_bytes() >= ring_.geometry.capacity;
  }
  [[nodiscard, gnu::always_inline]] std::uint64_t load_header() const noexcept {
    // [publish] acquire: sees the payload behind the header it reads.
    return ring_.header(cursor_).template load<edge::publish>(std::memory_order_acquire);
  }

  [[nodiscard, gnu::noinline]] view_type read_unusual(std::uint64_t word) noexcept {
    const bool has_views = unreleased_bytes() != 0;
    const auto seen = read_committed(word);
    if (seen.status() == status::empty) {
      const auto record = ring_.record_bytes(usual_.last_bytes());
      (void)pace_.ran_dry(ring_.control->write_pos, cursor_, record);
      if (roll_.is_due(*ring_.control)) return released_if_empty(examine_cursor(), has_views);
    }
    return released_if_empty(seen, has_views);
  }

  // Space that was passed without a message (given up, left by the dead, damaged) goes back at once
  // when no view is out: the producers may wait for just that room, and no release would follow.
  [[nodiscard]] view_type released_if_empty(view_type seen, bool has_views) noexcept {
    if (!seen && !has_views) release();
    return seen;
  }

  [[nodiscard, gnu::noinline]] view_type examine_cursor() noexcept {
    if (roll_.has_news(*ring_.control)) roll_.refresh(ring_);
    released_.mend(ring_);
    publish_all();
    while (!has_lap()) {
      // A message that is here needs no examination: a sleeper's last poll must not miss it.
      const auto seen = read_committed(load_header());
      if (seen.status() != status::empty) return seen;
      const auto found = examine_claims(ring_, cursor_, released_.end());
      if (found.what == finding::kind::pending) {
        return stall_.held_up(ring_, found.producer, cursor_) ? status::stalled : status::empty;
      }
      stall_.moved_on(ring_);
      if (found.what == finding::kind::impossible) {
        if (const auto told = doubt(found.end)) return *told;
        break;
      }
      if (found.what == finding::kind::readable) return read_committed(load_header());
      if (found.what == finding::kind::nothing) break;
      const std::uint64_t from = std::exchange(cursor_, found.end);
      if (found.what == finding::kind::damaged) return lost(from);
      counters_.recovered();
      if (found.has_header) continue;
      passed_ = {from, cursor_};
      // Zeros go back as they are, unless something unreleased stands before them.
      if (released_.end() == from) released_.free_zeros(ring_, cursor_);
    }
    return roll_.all_closed() ? status::closed : status::empty;
  }

  // The next committed message, from the header `word` on and past claims given up; else empty.
  [[nodiscard]] view_type read_committed(std::uint64_t word) noexcept {
    const auto& shape = ring_.geometry;
    for (; !has_lap(); word = has_lap() ? 0 : load_header()) {
      const record_header header(word);
      if (header.is_committed(cursor_, shape.key)) {
        if (header.bytes() <= shape.max_message) return deliver(header.bytes());
        break;
      }
      if (!header.is_aborted(cursor_, shape.key) || header.bytes() > shape.max_claim()) break;
      cursor_ += claim_bytes(header.bytes());
    }
    return status::empty;
  }

  [[nodiscard]] view_type deliver(std::uint64_t count) noexcept {
    const std::uint64_t pos = cursor_;
    cursor_ += ring_.record_bytes(count);
    usual_.saw(count, ring_.geometry.trailer_bytes() != 0);
    if (!ring_.is_whole(pos, count)) [[unlikely]]
      return lost(pos);
    counters_.messages(1, count);
    return const_bytes(ring_.payload(pos, count));
  }

  // write_pos is impossible, so damaged: report it once and ignore it. If it now lies before zeros
  // that were skipped as dead claims, they were none: go back.
  [[nodiscard]] std::optional<view_type> doubt(std::uint64_t claimed) noexcept {
    if (doubted_ == claimed) return std::nullopt;
    doubted_ = claimed;
    if (cursor_ == passed_.to && !is_before(claimed, passed_.from) &&
        is_before(claimed, passed_.to)) {
      cursor_ = passed_.from;
      released_.go_back(ring_, cursor_);
    }
    return lost(cursor_);
  }

  // [from, cursor) was damaged.
  [[nodiscard]] view_type lost(std::uint64_t from) noexcept {
    damage_ = damage{from, cursor_ - from};
    counters_.corrupt();
    return status::corrupt;
  }

  ring_memory<Atomics> ring_;
  zeroed_space<Atomics> released_;
  std::uint64_t cursor_ = 0;   // the next record to read
  std::uint64_t doubted_ = 0;  // a write_pos that was reported as damage
  interval passed_{};          // the last zeros taken for dead claims
  usual_header usual_;
  pace<Atomics> pace_;
  roll_call<Atomics> roll_;
  stall_watch<Atomics> stall_;
  std::optional<damage> damage_;
  Statistics<Atomics> counters_;
};

}  // namespace annulus
