// What a process made in vain, and takes back: never what another made, uses, or put a message in.
#include "endpoints.hpp"
#include "own_directory.hpp"
#include "remover.hpp"
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <annulus/bus/bus.hpp>
#include <annulus/bus/gateway.hpp>
#include <annulus/bus/newcomer.hpp>
#include <annulus/channel/file.hpp>
#include <annulus/channel/lock.hpp>

namespace annulus::testing {
namespace {

using namespace std::chrono_literals;
using bus::newcomer;

const own_directory all_channels;

class Newcomer : public ::testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] bus::endpoint where() const { return opened(bus::parse(name_.at(GetParam()))); }
  [[nodiscard]] newcomer made() const {
    auto one = bus::made_anew(where());
    EXPECT_TRUE(one);
    return std::move(*one);
  }
  [[nodiscard]] bool is_there() const { return static_cast<bool>(bus::channel::open(where())); }
  void push_one() const {
    auto tx = opened(open_producer(where()));
    ASSERT_EQ(tx.try_push(message{}), status::ok);
  }

  const scratch_endpoint name_;
};

TEST_P(Newcomer, is_taken_back_while_nobody_has_used_it) {
  const auto one = made();
  EXPECT_TRUE(is_there());
  EXPECT_TRUE(opened(bus::take_back(one)));
  EXPECT_FALSE(is_there());
  EXPECT_FALSE(opened(bus::take_back(one)));
}

TEST_P(Newcomer, is_only_what_is_missing_and_may_be_made) {
  auto only_there = where();
  only_there.creates = false;
  EXPECT_FALSE(bus::made_anew(only_there));
  const auto there = opened(bus::channel::create(where()));
  EXPECT_FALSE(bus::made_anew(where()));
  EXPECT_TRUE(there.is_still_named());
}

TEST_P(Newcomer, stays_with_the_message_of_a_producer_that_has_closed) {
  const auto one = made();
  push_one();
  EXPECT_FALSE(opened(bus::take_back(one)));
  EXPECT_TRUE(opened(open_consumer(where())).try_read());
}

TEST_P(Newcomer, stays_under_a_live_role) {
  const auto one = made();
  {
    const auto tx = opened(open_producer(where()));
    EXPECT_FALSE(opened(bus::take_back(one)));
  }
  {
    const auto rx = opened(open_consumer(where()));
    EXPECT_FALSE(opened(bus::take_back(one)));
  }
  EXPECT_TRUE(is_there());
  EXPECT_TRUE(opened(bus::take_back(one)));
}

TEST_P(Newcomer, does_not_take_the_next_of_its_name_away_though_a_process_of_its_number_made_it) {
  const auto one = made();
  ASSERT_TRUE(opened(bus::remove(where())));
  const auto next = made();
  EXPECT_FALSE(opened(bus::take_back(one)));
  EXPECT_TRUE(next.made.is_still_named());
}

TEST_P(Newcomer, is_not_taken_back_while_somebody_else_repairs_or_removes_it) {
  const auto one = made();
  const int of = one.made.is_ring() ? one.made.ring().file() : one.made.pipe().roles_file();
  const auto other = opened(files::reopened(of, access::read_write, "it"));
  ASSERT_TRUE(locks::take(other.number(), locks::maker));
  EXPECT_FALSE(opened(bus::take_back(one)));
  EXPECT_TRUE(is_there());
}

TEST_P(Newcomer, takes_along_the_list_of_what_was_seen_only_if_that_is_as_new) {
  auto at = where();
  at.once = true;
  const auto list = bus::seen_path_of(at);
  for (const bool is_older : {false, true}) {
    if (is_older) {
      ASSERT_TRUE(bus::seen_list::open(list));
    }
    const auto one = made();
    { const auto rx = opened(open_consumer(at)); }
    EXPECT_TRUE(files::leads_to_one(list));
    EXPECT_TRUE(opened(bus::take_back(one)));
    EXPECT_EQ(files::leads_to_one(list), is_older);
  }
}

TEST(NewcomerOfADecision, takes_it_along_and_neither_while_somebody_is_led_by_it) {
  const scratch_endpoint name;
  const auto named = name.automatic();
  auto led = opened(bus::resolve(named));
  auto one = bus::made_anew(led.where);
  ASSERT_TRUE(one);
  one->decided = named;
  EXPECT_EQ(refusal_of(bus::take_back(*one)).kind, fault::in_use);
  led.held = {};
  { ASSERT_EQ(opened(open_producer(named)).try_push(message{}), status::ok); }
  EXPECT_FALSE(opened(bus::take_back(*one)));
  EXPECT_TRUE(bus::decision_of(named));
  ASSERT_EQ(opened(open_consumer(named)).drain([](message) {}, 9).count, 1u);
  EXPECT_TRUE(opened(bus::take_back(*one)));
  EXPECT_EQ(refusal_of(bus::decision_of(named)).kind, fault::not_found);
}

// The gateway waits at its second source, which somebody holds, and is refused there in the end.
TEST_P(Newcomer, of_a_gateway_that_is_refused_stays_with_what_was_sent_meanwhile) {
  const scratch_endpoint second, to;
  const auto held = opened(bus::channel::create(opened(bus::parse(second.at("shm")))));
  const remover other(held.ring().file());
  std::optional<result<bus::gateway>> got;
  {
    const std::jthread opening([&] {
      got.emplace(bus::gateway::open({where(), opened(bus::parse(second.at("shm")))},
                                     opened(bus::parse(to.at("shm")))));
    });
    const auto until = within(30s);
    while (!is_there() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    push_one();
  }
  EXPECT_EQ(refusal_of(*got).kind, fault::in_use);
  EXPECT_EQ(opened(opened(bus::channel::open(where())).report()).sent_count(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Channels, Newcomer, ::testing::Values("shm", "pipe"));

}  // namespace
}  // namespace annulus::testing
