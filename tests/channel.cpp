// A channel by its name: the end of one that was made in passing. Each time its consumer has
// closed.
#include "endpoints.hpp"
#include <gtest/gtest.h>

#include <annulus/bus/bus.hpp>
#include <annulus/bus/channel.hpp>

namespace annulus::testing {
namespace {

class ChannelEnd : public ::testing::TestWithParam<const char*> {
 protected:
  ChannelEnd() : channel_(made()) { static_cast<void>(bus_consumer::attach(channel_)); }

  [[nodiscard]] bus::endpoint endpoint() const { return opened(bus::parse(name_.at(GetParam()))); }
  [[nodiscard]] bus::channel made() const { return opened(bus::channel::create(endpoint())); }
  [[nodiscard]] bool is_there() const { return static_cast<bool>(bus::channel::open(endpoint())); }
  [[nodiscard]] bool is_removed_if_over() const { return opened(channel_.remove_if_over()); }

  const scratch_endpoint name_;
  bus::channel channel_;
};

TEST_P(ChannelEnd, one_that_is_over_is_removed) {
  EXPECT_TRUE(is_removed_if_over());
  EXPECT_FALSE(is_there());
}

TEST_P(ChannelEnd, one_with_a_live_producer_is_not_over) {
  const auto tx = opened(bus_producer::attach(channel_));
  EXPECT_FALSE(is_removed_if_over());
  EXPECT_TRUE(is_there());
}

TEST_P(ChannelEnd, one_with_a_message_is_not_over) {
  {
    auto rx = opened(bus_consumer::attach(channel_));
    auto tx = opened(bus_producer::attach(channel_));
    ASSERT_EQ(tx.try_push(message{}), status::ok);
  }
  EXPECT_FALSE(is_removed_if_over());
  EXPECT_TRUE(is_there());
}

TEST_P(ChannelEnd, one_that_another_consumer_holds_is_that_ones_to_end) {
  const auto rx = opened(bus_consumer::attach(channel_));
  EXPECT_TRUE(is_removed_if_over());
  EXPECT_TRUE(is_there());
}

TEST_P(ChannelEnd, another_of_the_same_name_stays) {
  ASSERT_TRUE(opened(bus::remove(endpoint())));
  const auto next = made();
  EXPECT_FALSE(channel_.is_still_named());
  EXPECT_TRUE(is_removed_if_over());
  EXPECT_TRUE(next.is_still_named());
}

INSTANTIATE_TEST_SUITE_P(Channels, ChannelEnd, ::testing::Values("shm", "pipe"));

TEST(Channel, its_report_is_the_same_over_ring_and_pipe) {
  for (const char* transport : {"shm", "pipe"}) {
    const scratch_endpoint name;
    const auto made = opened(bus::channel::create(
        opened(bus::parse(name.at(transport, "capacity=64KiB&producers=2"))), {.transient = true}));
    EXPECT_TRUE(made.is_transient());
    EXPECT_EQ(made.topology(), topology::mpsc);
    EXPECT_EQ(made.capacity(), 64u << 10);
    EXPECT_EQ(made.max_message(), 32u << 10);
    EXPECT_TRUE(opened(made.report()).is_empty);
    auto tx = opened(bus_producer::attach(made));
    ASSERT_EQ(tx.try_push(message{}), status::ok);
    const auto seen = opened(made.report());
    EXPECT_FALSE(seen.is_empty);
    EXPECT_GT(seen.depth, 0u);
    EXPECT_TRUE(seen.has_producer());
    EXPECT_EQ(seen.arrivals(), 1u);
    EXPECT_EQ(seen.sent_count(), 1u);
    EXPECT_EQ(seen.producers.size(), 2u);
    EXPECT_FALSE(made.is_consumer_held());
    tx.close();
    EXPECT_FALSE(opened(made.report()).has_producer());
  }
}

TEST(Channel, spsc_for_several_producers_is_refused_and_mpsc_has_16_unless_told) {
  const scratch_endpoint name;
  const auto two = opened(bus::parse(name.at("shm", "producers=2")));
  EXPECT_EQ(refusal_of(bus::channel::create(two, {.topology = topology::spsc})).kind,
            fault::bad_argument);
  const auto any = opened(bus::parse(name.at("shm")));
  const auto made = opened(bus::channel::create(any, {.topology = topology::mpsc}));
  EXPECT_EQ(opened(made.report()).producers.size(), 16u);
  EXPECT_EQ(refusal_of(bus::channel::create(any)).kind, fault::already_exists);
}

}  // namespace
}  // namespace annulus::testing
