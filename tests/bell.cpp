// The bell: what it says, when it is taken back, and who rings it.
#include "open_ring.hpp"
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>

#include <annulus/ring/bell.hpp>
#include <annulus/ring/ring.hpp>
#include <annulus/ring/wait.hpp>

namespace annulus::testing {
namespace {

using std::chrono::milliseconds;

bell_state says(const bell<std_atomics>& of) { return static_cast<bell_state>(value(of)); }

struct bed {
  bell<std_atomics> its{};
  sleeper own;

  void sleep() {
    (void)go_to_sleep<std_atomics>(its, own);
    EXPECT_TRUE(own.is_announced);
    EXPECT_EQ(says(its), bell_state::asleep);
    set_bell<std_atomics>(its, bell_state::awake);
  }
  void stay_up(std::uint32_t waits) {
    for (std::uint32_t i = 0; i < waits; ++i) stay_awake<std_atomics>(its, own);
  }
};

TEST(Bell, is_taken_back_after_so_many_waits_without_sleep) {
  bed it;
  it.sleep();
  it.stay_up(std_atomics::waits_before_awake - 1);
  EXPECT_EQ(says(it.its), bell_state::awake);
  EXPECT_TRUE(it.own.is_announced);
  it.stay_up(1);
  EXPECT_EQ(says(it.its), bell_state::none);
  EXPECT_FALSE(it.own.is_announced);  // so the next sleep tells every thread again
}

TEST(Bell, a_sleep_starts_the_count_of_waits_anew) {
  bed it;
  it.sleep();
  it.stay_up(std_atomics::waits_before_awake - 1);
  it.sleep();
  it.stay_up(std_atomics::waits_before_awake - 1);
  EXPECT_EQ(says(it.its), bell_state::awake);
}

TEST(Bell, of_one_who_never_slept_is_left_alone) {
  bed it;
  set_bell<std_atomics>(it.its, bell_state::closed);
  it.stay_up(2 * std_atomics::waits_before_awake);
  EXPECT_EQ(says(it.its), bell_state::closed);
}

TEST(Bell, is_handed_on_only_by_one_who_did_not_sleep) {
  bell<std_atomics> shared{};
  set_bell<std_atomics>(shared, bell_state::asleep);
  hand_on<std_atomics>(shared, true);
  EXPECT_EQ(says(shared), bell_state::asleep);
  hand_on<std_atomics>(shared, false);
  EXPECT_EQ(says(shared), bell_state::awake);
}

TEST(Bell, that_is_rung_says_awake_and_any_other_is_left_as_it_was) {
  for (const auto was :
       {bell_state::none, bell_state::asleep, bell_state::closed, bell_state::awake}) {
    bell<std_atomics> it{};
    bool reaches_us = false;
    set_bell<std_atomics>(it, was);
    wake_if_asleep<std_atomics>(it, reaches_us);
    EXPECT_EQ(says(it), was == bell_state::asleep ? bell_state::awake : was);
    set_bell<std_atomics>(it, was);
    wake_sleeper<std_atomics>(it);
    EXPECT_EQ(says(it), was == bell_state::asleep ? bell_state::awake : was);
  }
}

// A consumer's, in a ring.

TEST(Bell, of_a_consumer_that_slept_for_nothing_does_not_say_that_it_sleeps) {
  const auto ring = segment::anonymous({.capacity = capacity}).value();
  const auto held = attachment::make(ring, access::read_write).value();
  auto rx = spsc_consumer::attach(ring, {waiting::kind::block, {}}).value();
  EXPECT_EQ(rx.read(within(milliseconds(100))).status(), status::timed_out);
  EXPECT_EQ(says(held.memory().control->consumer_bell), bell_state::awake);
}

TEST(Bell, of_a_consumer_that_finds_its_messages_there_is_taken_back) {
  const auto ring = segment::anonymous({.capacity = capacity}).value();
  const auto held = attachment::make(ring, access::read_write).value();
  auto rx = spsc_consumer::attach(ring, {waiting::kind::block, {}}).value();
  auto tx = spsc_producer::attach(ring).value();
  EXPECT_EQ(rx.read(within(milliseconds(100))).status(), status::timed_out);
  for (std::uint32_t i = 0; i <= std_atomics::waits_before_awake; ++i) {
    ASSERT_EQ(tx.try_push(bytes("here")), status::ok);
    ASSERT_TRUE(rx.read(within(milliseconds(1000))));
    rx.release();
  }
  EXPECT_EQ(says(held.memory().control->consumer_bell), bell_state::none);
}

}  // namespace
}  // namespace annulus::testing
