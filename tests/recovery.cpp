// What the dead leave behind: every kind of unfinished claim, and a release cut short.
//
// The kernel here is scripted: a death is a line in the test. What the dead have left is written
// into the ring as they would have, up to the step at which they died.
#include "bytes.hpp"
#include "child.hpp"
#include "guarded.hpp"
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <annulus/ring/inspect.hpp>
#include <annulus/ring/recovery.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::testing {
namespace {

// Everybody lives who is not among the dead.
struct scripted_witness {
  static inline std::set<std::uint32_t> dead;
  [[nodiscard]] bool is_held(std::uint32_t role) const noexcept { return !dead.contains(role); }
};
struct mortal : std_atomics {
  using witness = scripted_witness;
};
using producer_core = basic_mpsc_producer<mortal>;
using consumer_core = basic_mpsc_consumer<mortal>;

constexpr std::uint64_t capacity = 4096;

class Recovery : public ::testing::Test {
 protected:
  Recovery() { scripted_witness::dead.clear(); }

  // A ring of this many producers, its positions starting at `first`.
  void make(std::uint64_t first = 0, std::uint32_t producers = 4) {
    geometry shape;
    shape.topology = topology::mpsc;
    shape.capacity = capacity;
    shape.max_message = capacity / 2;
    shape.producers = producers;
    shape.first_pos = first;
    shape.key = 0x1234567890abcd00;
    ring_.geometry = shape;
    ring_.control = &control_;
    ring_.producers = producers_.data();
    ring_.data = mortal::area(data_.bytes().data());
    control_.consumer.read_pos.store<edge::own>(first, std::memory_order_relaxed);
    control_.freed.store<edge::free>(first, std::memory_order_relaxed);
    control_.consumer.releasing.store<edge::redo>(first, std::memory_order_relaxed);
    control_.write_pos.store<edge::claim>(first, std::memory_order_relaxed);
  }
  void attach_consumer() { rx_.emplace(ring_); }
  producer_core& live(std::uint32_t number) {
    live_.push_back(std::make_unique<producer_core>(ring_, number));
    return *live_.back();
  }
  [[nodiscard]] std::uint64_t write_pos() const {
    return control_.write_pos.load<edge::hint>(std::memory_order_relaxed);
  }

  // A producer's steps, one by one.
  std::uint64_t announce_and_claim(std::uint32_t number, std::uint64_t bytes) {
    const auto pos = write_pos();
    producers_[number].announcement.store<edge::idle>(pos + 1, std::memory_order_relaxed);
    control_.write_pos.store<edge::claim>(pos + bytes, std::memory_order_relaxed);
    return pos;
  }
  std::uint64_t claim_and_stamp(std::uint32_t number, std::uint64_t bytes) {
    const auto pos = announce_and_claim(number, bytes);
    ring_.header(pos).store<edge::stamp>(ring_.busy(bytes, pos, number), std::memory_order_relaxed);
    return pos;
  }
  static void die(std::uint32_t number) { scripted_witness::dead.insert(producer_role(number)); }

  [[nodiscard]] std::string next() {
    const view seen = rx_->examine();
    if (!seen) return "[" + std::string(to_string(seen.status())) + "]";
    return text(seen.bytes());
  }
  // Producer 1 pushes behind what producer 0 has claimed, and producer 0 dies. What is read then.
  [[nodiscard]] std::string next_after_a_death() {
    EXPECT_EQ(live(1).try_push(bytes("behind")), status::ok);
    attach_consumer();
    die(0);
    return next();
  }
  [[nodiscard]] std::uint64_t recovered() const {
    return control_.consumer.counters.recovered.load<edge::hint>(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t corrupt() const {
    return control_.consumer.counters.corrupt.load<edge::hint>(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t stalled_since() const {
    return control_.consumer.stalled_since.load<edge::own>(std::memory_order_relaxed);
  }
  [[nodiscard]] bool is_zero(std::uint64_t from, std::uint64_t to) const {
    for (; from != to; from += 8) {
      if (ring_.header(from).load<edge::own>(std::memory_order_relaxed) != 0) return false;
    }
    return true;
  }

  control_words<mortal> control_{};
  std::vector<producer_words<mortal>> producers_ = std::vector<producer_words<mortal>>(4);
  guarded_memory data_{capacity + 4096};
  ring_memory<mortal> ring_;
  std::vector<std::unique_ptr<producer_core>> live_;
  std::optional<consumer_core> rx_;
};

TEST_F(Recovery, claim_of_a_dead_producer_without_a_header_is_skipped_and_counted) {
  make();
  announce_and_claim(0, 64);
  EXPECT_EQ(next_after_a_death(), "behind");
  EXPECT_EQ(recovered(), 1u);
  EXPECT_EQ(corrupt(), 0u);
}

TEST_F(Recovery, busy_claim_of_a_dead_producer_is_skipped_by_its_length) {
  make();
  const auto pos = claim_and_stamp(0, 64);
  // It died while filling, and what it filled looks like a record.
  const auto forged = pos + 16;
  ring_.header(forged).store<edge::publish>(ring_.committed(8, forged), std::memory_order_relaxed);
  EXPECT_EQ(next_after_a_death(), "behind");
  EXPECT_EQ(recovered(), 1u);
}

TEST_F(Recovery, a_live_producer_is_never_robbed_and_is_named) {
  make();
  producers_[0].role.pid.store<edge::own>(4711, std::memory_order_relaxed);
  auto& slow = live(0);
  auto claim = slow.try_claim(4);
  ASSERT_EQ(live(1).try_push(bytes("behind")), status::ok);
  attach_consumer();
  EXPECT_EQ(next(), "[empty]");
  EXPECT_EQ(next(), "[stalled]");
  const auto held_up = rx_->stalled_by();
  ASSERT_TRUE(held_up);
  EXPECT_EQ(held_up->producer, 0u);
  EXPECT_EQ(held_up->pid, 4711);
  EXPECT_EQ(held_up->pos, 0u);
  std::ranges::copy(bytes("slow"), claim.bytes().begin());
  claim.commit();
  EXPECT_EQ(next(), "slow");
  rx_->release();
  EXPECT_EQ(stalled_since(), 0u);
  EXPECT_EQ(rx_->stalled_by(), std::nullopt);
  EXPECT_EQ(next(), "behind");
  EXPECT_EQ(recovered(), 0u);
}

TEST_F(Recovery, a_stall_lasts_while_what_was_read_before_is_released) {
  make();
  ASSERT_EQ(live(1).try_push(bytes("before")), status::ok);
  auto claim = live(0).try_claim(4);
  attach_consumer();
  EXPECT_EQ(next(), "before");
  EXPECT_EQ(next(), "[empty]");
  const auto since = rx_->stalled_by()->since;
  EXPECT_NE(stalled_since(), 0u);
  rx_->release();
  EXPECT_NE(stalled_since(), 0u);
  EXPECT_EQ(next(), "[stalled]");
  EXPECT_EQ(rx_->stalled_by()->since, since);
  claim.abort();
  EXPECT_EQ(next(), "[empty]");
  EXPECT_EQ(stalled_since(), 0u);
}

TEST_F(Recovery, a_stall_that_ended_in_a_death_is_over_although_nothing_is_released) {
  make();
  ASSERT_EQ(live(1).try_push(bytes("before")), status::ok);
  claim_and_stamp(0, 64);
  attach_consumer();
  EXPECT_EQ(next(), "before");
  EXPECT_EQ(next(), "[empty]");
  EXPECT_NE(stalled_since(), 0u);
  die(0);
  EXPECT_EQ(next(), "[empty]");
  EXPECT_EQ(recovered(), 1u);
  EXPECT_EQ(stalled_since(), 0u);
}

TEST_F(Recovery, each_stall_begins_anew_at_its_own_claim_and_its_own_producer) {
  make();
  auto& slow = live(0);
  auto claim = slow.try_claim(4);
  attach_consumer();
  EXPECT_EQ(next(), "[empty]");
  EXPECT_EQ(next(), "[stalled]");
  std::ranges::copy(bytes("slow"), claim.bytes().begin());
  claim.commit();
  EXPECT_EQ(next(), "slow");
  announce_and_claim(2, 64);
  announce_and_claim(3, 64);
  EXPECT_EQ(next(), "[empty]");
  EXPECT_EQ(next(), "[stalled]");
  EXPECT_EQ(rx_->stalled_by()->producer, 2u);
  die(2);
  EXPECT_EQ(next(), "[empty]");
  EXPECT_EQ(rx_->stalled_by()->producer, 3u);
  EXPECT_EQ(next(), "[stalled]");
}

TEST_F(Recovery, a_second_stall_by_the_same_producer_is_another) {
  make();
  auto& slow = live(0);
  auto claim = slow.try_claim(4);
  attach_consumer();
  EXPECT_EQ(next(), "[empty]");
  EXPECT_EQ(next(), "[stalled]");
  std::ranges::copy(bytes("slow"), claim.bytes().begin());
  claim.commit();
  EXPECT_EQ(next(), "slow");
  claim = slow.try_claim(4);
  EXPECT_EQ(next(), "[empty]");
  EXPECT_TRUE(rx_->stalled_by());
  EXPECT_EQ(next(), "[stalled]");
}

TEST_F(Recovery, a_dead_claim_waits_for_a_live_one_before_the_end) {
  make();
  announce_and_claim(0, 64);
  auto& slow = live(1);
  auto claim = slow.try_claim(4);
  attach_consumer();
  die(0);
  // Without a header, the dead claim may end anywhere: the live one is not to be skipped with it.
  EXPECT_EQ(next(), "[empty]");
  EXPECT_EQ(next(), "[stalled]");
  EXPECT_EQ(rx_->stalled_by()->producer, 1u);
  std::ranges::copy(bytes("slow"), claim.bytes().begin());
  claim.commit();
  EXPECT_EQ(next(), "slow");
  EXPECT_EQ(next(), "[empty]");
}

TEST_F(Recovery, a_live_producer_that_only_announced_past_the_end_is_not_waited_for) {
  make();
  announce_and_claim(0, 64);
  producers_[1].announcement.store<edge::idle>(write_pos() + 1, std::memory_order_relaxed);
  attach_consumer();
  die(0);
  EXPECT_EQ(next(), "[empty]");
  EXPECT_EQ(recovered(), 1u);
}

TEST_F(Recovery, several_dead_claims_in_a_row_of_every_kind_are_skipped) {
  make();
  announce_and_claim(0, 24);
  claim_and_stamp(1, 40);
  announce_and_claim(2, 8);
  ASSERT_EQ(live(3).try_push(bytes("behind")), status::ok);
  attach_consumer();
  for (std::uint32_t i = 0; i < 3; ++i) die(i);
  EXPECT_EQ(next(), "behind");
  EXPECT_EQ(recovered(), 3u);
}

TEST_F(Recovery, dead_claims_up_to_the_end_leave_an_empty_ring) {
  make();
  claim_and_stamp(0, 64);
  announce_and_claim(1, 64);
  attach_consumer();
  die(0);
  die(1);
  EXPECT_EQ(next(), "[empty]");
  rx_->release();
  ASSERT_EQ(live(2).try_push(bytes("after")), status::ok);
  EXPECT_EQ(next(), "after");
}

TEST_F(Recovery, a_dead_claim_over_the_end_of_the_ring_is_skipped) {
  for (std::uint64_t back = 8; back <= 72; back += 8) {
    for (const bool is_stamped : {false, true}) {
      scripted_witness::dead.clear();
      make(~std::uint64_t{0} - back + 1);  // the positions wrap here as well
      is_stamped ? claim_and_stamp(0, 64) : announce_and_claim(0, 64);
      EXPECT_EQ(next_after_a_death(), "behind") << back;
      rx_->release();
      EXPECT_TRUE(is_zero(write_pos(), write_pos() + capacity)) << back;
      producers_[0].announcement.store<edge::idle>(0, std::memory_order_relaxed);
    }
  }
}

TEST_F(Recovery, a_dead_batch_is_skipped_whole) {
  make();
  const auto pos = claim_and_stamp(0, 96);
  // Its later records were written already; its first one never was committed.
  const auto second = pos + 32;
  ring_.header(second).store<edge::publish>(ring_.committed(4, second), std::memory_order_relaxed);
  EXPECT_EQ(next_after_a_death(), "behind");
  EXPECT_EQ(recovered(), 1u);
}

TEST_F(Recovery, a_dead_claim_that_was_being_shrunk_is_skipped_whole) {
  make();
  const auto pos = claim_and_stamp(0, 96);
  // The rest was marked as given up, the header in front of it not yet committed.
  const auto rest = pos + 16;
  ring_.header(rest).store<edge::publish>(ring_.aborted(80, rest), std::memory_order_relaxed);
  EXPECT_EQ(next_after_a_death(), "behind");
}

TEST_F(Recovery, a_message_committed_by_one_that_died_before_it_was_idle_is_delivered) {
  make();
  const auto pos = claim_and_stamp(0, 16);
  ring_.fill(pos, bytes("whole"));
  ring_.header(pos).store<edge::publish>(ring_.committed(5, pos), std::memory_order_relaxed);
  attach_consumer();
  die(0);
  EXPECT_EQ(next(), "whole");
  EXPECT_EQ(next(), "[empty]");
  EXPECT_EQ(recovered(), 0u);
}

TEST_F(Recovery, a_number_taken_again_does_not_bring_its_dead_claim_back) {
  make();
  announce_and_claim(0, 64);
  auto& successor = live(0);
  ASSERT_EQ(successor.try_push(bytes("anew")), status::ok);
  attach_consumer();
  EXPECT_EQ(next(), "anew");
  EXPECT_EQ(recovered(), 1u);
}

TEST_F(Recovery, a_poll_finds_a_dead_claim_without_being_told) {
  make();
  claim_and_stamp(0, 64);
  ASSERT_EQ(live(1).try_push(bytes("behind")), status::ok);
  attach_consumer();
  die(0);
  view seen = status::empty;
  for (int poll = 0; poll < 300 && !seen; ++poll) seen = rx_->try_read();
  EXPECT_EQ(text(seen.bytes()), "behind");
}

TEST_F(Recovery, a_release_cut_short_by_death_is_made_good_from_any_point) {
  for (std::uint64_t zeroed = 0; zeroed <= 96; zeroed += 8) {
    make(capacity - 32);
    live_.clear();
    auto& tx = live(0);
    for (int i = 0; i < 3; ++i) ASSERT_EQ(tx.try_push(bytes("twenty bytes of text")), status::ok);
    attach_consumer();
    for (int i = 0; i < 3; ++i) ASSERT_EQ(next(), "twenty bytes of text");
    ASSERT_EQ(tx.try_push(bytes("next")), status::ok);
    // The consumer dies after this much of its zeroing.
    const auto from = capacity - 32;
    control_.consumer.releasing.store<edge::redo>((from + 96) | 1, std::memory_order_relaxed);
    ring_.zero(from, zeroed);
    attach_consumer();
    EXPECT_EQ(control_.consumer.read_pos.load<edge::free>(std::memory_order_relaxed), from + 96);
    EXPECT_TRUE(is_zero(from, from + 96)) << zeroed;
    EXPECT_EQ(next(), "next");
    rx_->release();
    EXPECT_TRUE(is_zero(0, capacity)) << zeroed;
  }
}

TEST_F(Recovery, a_release_of_a_whole_lap_cut_short_by_death_is_made_good) {
  make(capacity - 32);
  auto& tx = live(0);
  std::uint64_t sent = 0;
  while (tx.try_push(bytes("twenty bytes of text")) == status::ok) ++sent;
  ASSERT_EQ(sent * 32, capacity);
  const auto from = capacity - 32;
  control_.consumer.releasing.store<edge::redo>((from + capacity) | 1, std::memory_order_relaxed);
  ring_.zero(from, 64);
  attach_consumer();
  EXPECT_TRUE(is_zero(0, capacity));
  EXPECT_EQ(next(), "[empty]") << "all was read and released";
  EXPECT_EQ(corrupt(), 0u);
  EXPECT_EQ(tx.try_push(bytes("next")), status::ok);
  EXPECT_EQ(next(), "next");
}

TEST_F(Recovery,
       zeros_taken_for_a_dead_claim_are_given_back_when_write_pos_turns_out_to_be_damaged) {
  make();
  auto& tx = live(0);
  ASSERT_EQ(tx.try_push(bytes("one")), status::ok);
  attach_consumer();
  EXPECT_EQ(next(), "one");
  rx_->release();
  const auto end = write_pos();
  control_.write_pos.store<edge::claim>(end ^ 256, std::memory_order_relaxed);
  EXPECT_EQ(next(), "[empty]");
  EXPECT_EQ(recovered(), 1u);
  control_.write_pos.store<edge::claim>(end, std::memory_order_relaxed);
  ASSERT_EQ(tx.try_push(bytes("two")), status::ok);
  EXPECT_EQ(next(), "[corrupt]");
  EXPECT_EQ(next(), "two");
  EXPECT_EQ(tx.try_push(bytes("three")), status::ok);
  EXPECT_EQ(next(), "three");
}

// A consumer passes a dead claim over the whole ring and dies between its stores of the release.
TEST_F(Recovery, room_that_a_dead_consumer_had_not_told_of_yet_is_told_of_by_its_successor) {
  make();
  (void)announce_and_claim(0, capacity);
  die(0);
  attach_consumer();
  (void)rx_->examine();
  control_.freed.store<edge::free>(0, std::memory_order_relaxed);  // as if it had died before that
  auto& tx = live(1);
  ASSERT_EQ(tx.try_push(bytes("one")), status::full);
  attach_consumer();
  EXPECT_EQ(tx.try_push(bytes("one")), status::ok);
}

TEST_F(Recovery, a_release_is_done_again_only_if_it_had_begun) {
  make();
  auto& tx = live(0);
  for (const char* one : {"one", "two"}) ASSERT_EQ(tx.try_push(bytes(one)), status::ok);
  control_.consumer.releasing.store<edge::redo>(write_pos(), std::memory_order_relaxed);  // damage
  attach_consumer();
  EXPECT_EQ(next(), "one");
  EXPECT_EQ(next(), "two");
}

TEST_F(Recovery, a_release_that_was_finished_is_not_done_again) {
  make();
  auto& tx = live(0);
  ASSERT_EQ(tx.try_push(bytes("one")), status::ok);
  attach_consumer();
  ASSERT_EQ(next(), "one");
  rx_->release();
  ASSERT_EQ(tx.try_push(bytes("two")), status::ok);
  attach_consumer();
  EXPECT_EQ(next(), "two");
}

// With real processes and the real kernel.

TEST(RecoveryBetweenProcesses, a_killed_producers_open_claim_is_skipped) {
  ring_options shape;
  shape.topology = topology::mpsc;
  shape.capacity = 4096;
  const auto ring = segment::anonymous(shape).value();
  auto rx = mpsc_consumer::attach(ring).value();
  lingering dead([&] {
    static auto tx = mpsc_producer::attach(ring).value();
    return tx.try_claim(100);
  });
  auto tx = mpsc_producer::attach(ring).value();
  ASSERT_EQ(tx.try_push(bytes("behind")), status::ok);
  EXPECT_EQ(rx.read(within(std::chrono::milliseconds(1))).status(), status::stalled);
  EXPECT_EQ(rx.stalled_by()->pid, dead.pid());
  dead.kill();
  EXPECT_EQ(text(rx.read(no_deadline).bytes()), "behind");
  EXPECT_EQ(inspect(ring)->consumer.counters.recovered, 1u);
}

TEST(RecoveryBetweenProcesses, dead_claims_that_fill_the_ring_make_room_for_who_waits) {
  ring_options shape;
  shape.topology = topology::mpsc;
  shape.capacity = 4096;
  const auto ring = segment::anonymous(shape).value();
  auto rx = mpsc_consumer::attach(ring).value();
  const auto claim_the_half = [&] {
    static auto tx = mpsc_producer::attach(ring).value();
    return tx.try_claim(2040);
  };
  lingering one(claim_the_half);
  lingering other(claim_the_half);
  auto tx = mpsc_producer::attach(ring).value();
  ASSERT_EQ(tx.try_push(bytes("x")), status::full);
  one.kill();
  other.kill();
  EXPECT_EQ(rx.read(within(std::chrono::milliseconds(50))).status(), status::timed_out);
  EXPECT_EQ(tx.try_push(bytes("x")), status::ok);
  EXPECT_EQ(inspect(ring)->consumer.counters.recovered, 2u);
}

TEST(RecoveryBetweenProcesses, an_spsc_producers_open_claim_leaves_nothing) {
  ring_options shape;
  shape.capacity = 4096;
  const auto ring = segment::anonymous(shape).value();
  lingering dead([&] {
    static auto tx = spsc_producer::attach(ring).value();
    (void)tx.try_push(bytes("kept"));
    auto claim = tx.try_claim(100);
    std::ranges::fill(claim.bytes(), std::byte{0xee});
    return claim;
  });
  dead.kill();
  auto tx = spsc_producer::attach(ring).value();
  ASSERT_EQ(tx.try_push(bytes("next")), status::ok);
  auto rx = spsc_consumer::attach(ring).value();
  EXPECT_EQ(text(rx.try_read().bytes()), "kept");
  EXPECT_EQ(text(rx.try_read().bytes()), "next");
  EXPECT_EQ(inspect(ring)->consumer.counters.corrupt, 0u);
}

}  // namespace
}  // namespace annulus::testing
