// A role that is moved is the same role; the one that it takes the place of is closed.
#include "names.hpp"
#include "open_ring.hpp"
#include "small_ring.hpp"
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <utility>

#include <annulus/ring/inspect.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::testing {
namespace {

using std::chrono::milliseconds;

constexpr waiting spins{waiting::kind::spin, {}};
constexpr waiting sleeps{waiting::kind::block, {}};

template <class Role>
void assign(Role& to, Role& from) {
  to = std::move(from);
}

TEST(Moving, closes_the_role_whose_place_it_takes) {
  const auto first = small_ring(), second = small_ring();
  auto tx = spsc_producer::attach(first).value();
  auto other_tx = spsc_producer::attach(second).value();
  auto rx = spsc_consumer::attach(first).value();
  auto other_rx = spsc_consumer::attach(second).value();
  tx = std::move(other_tx);
  rx = std::move(other_rx);
  EXPECT_EQ(inspect(first)->producers[0].state, presence::closed);
  EXPECT_EQ(inspect(first)->consumer.state, presence::closed);
  EXPECT_EQ(inspect(second)->producers[0].state, presence::attached);
  EXPECT_EQ(inspect(second)->consumer.state, presence::attached);
  ASSERT_EQ(tx.try_push(bytes("here")), status::ok);
  EXPECT_EQ(text(rx.try_read().bytes()), "here");
}

TEST(Moving, to_itself_changes_nothing) {
  const auto ring = small_ring();
  auto tx = spsc_producer::attach(ring).value();
  auto rx = spsc_consumer::attach(ring).value();
  assign(tx, tx);
  assign(rx, rx);
  EXPECT_EQ(inspect(ring)->producers[0].state, presence::attached);
  EXPECT_EQ(inspect(ring)->consumer.state, presence::attached);
  ASSERT_EQ(tx.try_push(bytes("here")), status::ok);
  EXPECT_EQ(text(rx.try_read().bytes()), "here");
}

TEST(Moving, takes_the_way_of_waiting_along) {
  // To come to rest before it ends, on a busy machine and under an emulator too.
  constexpr milliseconds long_enough(100);
  const auto first = small_ring(), second = small_ring();
  auto rx = spsc_consumer::attach(first, spins).value();
  auto other_rx = spsc_consumer::attach(second, sleeps).value();
  auto tx = spsc_producer::attach(first, spins).value();
  auto other_tx = spsc_producer::attach(second, sleeps).value();
  rx = std::move(other_rx);
  tx = std::move(other_tx);
  EXPECT_EQ(rx.read(within(long_enough)).status(), status::timed_out);
  EXPECT_GE(inspect(second)->consumer.counters.waits, 1u);
  while (tx.try_push(bytes("fill")) == status::ok) {
  }
  EXPECT_EQ(tx.push(bytes("more"), within(long_enough)), status::timed_out);
  EXPECT_GE(inspect(second)->producers[0].counters.waits, 1u);
}

TEST(Moving, takes_an_interrupt_that_no_wait_has_taken_along) {
  const auto first = small_ring(), second = small_ring();
  auto rx = spsc_consumer::attach(first).value();
  auto other_rx = spsc_consumer::attach(second).value();
  auto tx = spsc_producer::attach(first).value();
  auto other_tx = spsc_producer::attach(second).value();
  other_rx.interrupt();
  other_tx.interrupt();
  rx = std::move(other_rx);
  tx = std::move(other_tx);
  EXPECT_EQ(rx.read(within(milliseconds(1000))).status(), status::interrupted);
  while (tx.try_push(bytes("fill")) == status::ok) {
  }
  EXPECT_EQ(tx.push(bytes("more"), within(milliseconds(1000))), status::interrupted);
}

TEST(Moving, keeps_what_is_read_and_not_released) {
  const auto first = small_ring(), second = small_ring();
  auto tx = spsc_producer::attach(second).value();
  auto rx = spsc_consumer::attach(first).value();
  auto other = spsc_consumer::attach(second).value();
  ASSERT_EQ(tx.try_push(bytes("kept")), status::ok);
  const auto one = other.try_read();
  rx = std::move(other);
  EXPECT_EQ(rx.try_read().status(), status::empty);
  EXPECT_EQ(inspect(second)->read_pos, 0u);
  EXPECT_EQ(text(one.bytes()), "kept");
}

TEST(Closed, a_consumer_looks_at_nothing) {
  const auto ring = small_ring();
  auto tx = spsc_producer::attach(ring).value();
  auto rx = spsc_consumer::attach(ring).value();
  ASSERT_EQ(tx.try_push(bytes("here")), status::ok);
  rx.close();
  EXPECT_EQ(rx.examine().status(), status::not_permitted);
  EXPECT_EQ(rx.try_read().status(), status::not_permitted);
  EXPECT_EQ(rx.read(within(milliseconds(1))).status(), status::not_permitted);
}

TEST(Attaching, without_a_descriptor_to_lock_by_says_so) {
  const auto ring = small_ring();
  rlimit all{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &all), 0);
  const rlimit none{0, all.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto tx = spsc_producer::attach(ring);
  const auto rx = spsc_consumer::attach(ring);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &all), 0);
  EXPECT_FALSE(tx);
  EXPECT_FALSE(rx);
}

TEST(Attaching, to_a_ring_whose_name_is_gone_is_refused_to_both_sides) {
  const scratch_name name;
  const auto ring = segment::create(name.str(), {.capacity = capacity}).value();
  ASSERT_TRUE(segment::remove(name.str()));
  EXPECT_FALSE(spsc_producer::attach(ring));
  EXPECT_FALSE(spsc_consumer::attach(ring));
}

TEST(Dropping, counts_only_what_was_dropped) {
  const auto ring = small_ring();
  auto tx = spsc_producer::attach(ring).value();
  EXPECT_EQ(tx.push_or_drop(bytes("taken")), status::ok);
  EXPECT_EQ(tx.push_or_drop(pattern(capacity, 1)), status::never_fits);
  EXPECT_EQ(inspect(ring)->producers[0].counters.dropped, 0u);
}

}  // namespace
}  // namespace annulus::testing
