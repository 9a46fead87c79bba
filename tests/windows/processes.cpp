// Processes on Windows: messages pass between them, one is killed by TerminateProcess, and the
// kernel's locks tell the other.
#include "bytes.hpp"
#include "names.hpp"
#include "peer.hpp"
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <annulus/ring/inspect.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::testing {
namespace {

deadline in_time() { return within(std::chrono::milliseconds(patience)); }

ring_options many() { return {.topology = topology::mpsc, .capacity = 4096, .producers = 2}; }

class WindowsProcesses : public ::testing::Test {
 protected:
  scratch_name name_;
  std::string event_name_ = name_.str() + ".event";
  signal_event told_{event_name_};
};

TEST_F(WindowsProcesses, messages_pass_in_order_between_two_that_wait_for_each_other) {
  const auto memory = segment::create(name_.str(), {.capacity = 4096});
  ASSERT_TRUE(memory) << memory.error().message;
  peer consumer({"receive", name_.str(), "20000"});
  peer producer({"send", name_.str(), "20000"});
  EXPECT_EQ(producer.exit_status(), 0u);
  EXPECT_EQ(consumer.exit_status(), 0u);
}

TEST_F(WindowsProcesses, a_killed_producer_is_seen_dead_its_claim_is_skipped_and_nothing_is_lost) {
  const auto memory = segment::create(name_.str(), many()).value();
  auto rx = mpsc_consumer::attach(memory).value();
  peer producer({"claim", name_.str(), event_name_});
  ASSERT_TRUE(told_.wait());
  auto other = mpsc_producer::attach(memory).value();
  ASSERT_EQ(other.try_push(bytes("behind")), status::ok);
  EXPECT_EQ(text(rx.read(in_time()).bytes()), "a");
  EXPECT_EQ(text(rx.read(in_time()).bytes()), "b");
  EXPECT_EQ(rx.read(within(std::chrono::milliseconds(1))).status(), status::stalled);
  producer.kill();
  EXPECT_EQ(text(rx.read(in_time()).bytes()), "behind");
  rx.release();
  const auto seen = inspect(memory).value();
  EXPECT_EQ(seen.producers[0].state, presence::died);
  EXPECT_EQ(seen.consumer.counters.recovered, 1u);
  other.close();
  auto successor = mpsc_producer::attach(memory).value();
  EXPECT_EQ(successor.number(), 0u);
}

TEST_F(WindowsProcesses, what_a_killed_consumer_had_not_released_comes_again) {
  const auto memory = segment::create(name_.str(), many()).value();
  auto tx = mpsc_producer::attach(memory).value();
  for (const char* one : {"a", "b", "c"}) ASSERT_EQ(tx.try_push(bytes(one)), status::ok);
  peer consumer({"read", name_.str(), event_name_});
  ASSERT_TRUE(told_.wait());
  EXPECT_EQ(tx.peer(), presence::attached);
  EXPECT_EQ(mpsc_consumer::attach(memory).error().kind, fault::in_use);
  consumer.kill();
  EXPECT_EQ(tx.peer(), presence::died);
  auto rx = mpsc_consumer::attach(memory).value();
  EXPECT_EQ(text(rx.try_read().bytes()), "b");
  EXPECT_EQ(text(rx.try_read().bytes()), "c");
}

TEST_F(WindowsProcesses, a_wait_ends_when_the_only_peer_is_killed) {
  const auto memory = segment::create(name_.str(), many()).value();
  auto rx = mpsc_consumer::attach(memory).value();
  peer producer({"claim", name_.str(), event_name_});
  ASSERT_TRUE(told_.wait());
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(rx.read(in_time()));
  rx.release();
  std::jthread killer([&] { producer.kill(); });
  EXPECT_EQ(rx.read(in_time()).status(), status::peer_gone);
}

TEST_F(WindowsProcesses, a_killed_waiter_leaves_a_room_that_can_be_removed) {
  const auto memory = segment::create(name_.str(), many()).value();
  peer consumer({"hold", name_.str(), event_name_});
  ASSERT_TRUE(told_.wait());
  EXPECT_EQ(segment::remove(name_.str()).error().kind, fault::in_use);
  consumer.kill();
  EXPECT_TRUE(segment::remove(name_.str()));
  EXPECT_EQ(segment::open(name_.str()).error().kind, fault::not_found);
}

TEST_F(WindowsProcesses, who_only_asks_never_makes_a_free_role_look_held) {
  const auto memory = segment::create(name_.str(), many()).value();
  peer asker({"ask", name_.str(), event_name_});
  ASSERT_TRUE(told_.wait());
  for (int i = 0; i < 1000; ++i) {
    const auto rx = mpsc_consumer::attach(memory);
    ASSERT_TRUE(rx) << i << ": " << rx.error().message;
  }
}

TEST_F(WindowsProcesses, one_wake_reaches_every_sleeper_of_a_bell_in_every_process) {
  constexpr std::size_t sleepers = 3;
  const auto memory = segment::create(name_.str(), many()).value();
  const auto held = attachment::make(memory, access::read_write).value();
  std::vector<std::unique_ptr<peer>> all;
  for (std::size_t i = 0; i < sleepers; ++i) {
    all.push_back(
        std::make_unique<peer>(std::vector<std::string>{"sleep", name_.str(), event_name_}));
    ASSERT_TRUE(told_.wait());
  }
  auto& bell = held.memory().control->producers_bell;
  auto* const slots = reinterpret_cast<const volatile std::uint64_t*>(
      reinterpret_cast<std::byte*>(held.memory().control) + 2048);
  const auto taken = [&] {
    std::size_t out = 0;
    for (std::size_t i = 0; i < 128; ++i) out += slots[i] != 0;
    return out;
  };
  while (taken() < sleepers) std::this_thread::yield();
  std_atomics::wake(bell);
  for (auto& one : all) EXPECT_EQ(one->exit_status(), 0u);
  EXPECT_EQ(taken(), 0u);
}

TEST_F(WindowsProcesses, a_sleeper_that_was_killed_leaves_its_number_only_until_the_next_wake) {
  const auto memory = segment::create(name_.str(), many()).value();
  const auto held = attachment::make(memory, access::read_write).value();
  auto* const slots = reinterpret_cast<const volatile std::uint64_t*>(
      reinterpret_cast<std::byte*>(held.memory().control) + 2048);
  const auto is_taken = [&] {
    for (std::size_t i = 0; i < 128; ++i) {
      if (slots[i] != 0) return true;
    }
    return false;
  };
  peer sleeper({"sleep", name_.str(), event_name_});
  ASSERT_TRUE(told_.wait());
  while (!is_taken()) std::this_thread::yield();
  sleeper.kill();
  EXPECT_TRUE(is_taken());
  std_atomics::wake(held.memory().control->producers_bell);
  EXPECT_FALSE(is_taken());
}

}  // namespace
}  // namespace annulus::testing
