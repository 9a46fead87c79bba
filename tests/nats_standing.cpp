// What a source concludes from what a server says of its durable consumer.
#include <gtest/gtest.h>
#include <nats/nats.h>

#include <cstdint>
#include <string>

#include <annulus/nats/standing.hpp>

namespace annulus::testing {
namespace {

using nats::standing;

// A consumer made to begin behind the 300th message, as its server tells of it.
struct told {
  std::string leader = "server1";
  std::int64_t unacknowledged = 0;
  std::uint64_t floor = 300, delivered = 300;

  template <class Question>
  auto asked(Question question) {
    jsConsumerConfig config{};
    config.OptStartSeq = 301;
    jsClusterInfo cluster{};
    cluster.Leader = leader.data();
    jsConsumerInfo info{};
    info.Config = &config;
    info.Cluster = &cluster;
    info.NumAckPending = unacknowledged;
    info.AckFloor.Stream = floor;
    info.Delivered.Stream = delivered;
    return question(info);
  }
  standing stands() {
    return asked([](const auto& info) { return nats::standing_of(info); });
  }
  std::uint64_t last_released(std::uint64_t released_to) {
    return asked([&](const auto& info) { return nats::last_released(info, released_to); });
  }
};

TEST(NatsStanding, one_that_no_server_leads_is_left_alone_whatever_its_numbers) {
  EXPECT_EQ((told{.leader = ""}.stands()), standing::unled);
  EXPECT_EQ((told{.leader = "", .unacknowledged = 1, .delivered = 400}.stands()), standing::unled);
  jsConsumerInfo nameless{};
  jsClusterInfo cluster{};
  nameless.Cluster = &cluster;
  EXPECT_EQ(nats::standing_of(nameless), standing::unled);
}
TEST(NatsStanding, a_server_without_a_cluster_leads) {
  EXPECT_EQ(nats::standing_of(jsConsumerInfo{}), standing::in_turn);
}
TEST(NatsStanding, one_without_the_floor_that_it_was_made_with_is_not_made_again) {
  EXPECT_EQ((told{.floor = 0}.stands()), standing::in_turn);
}
TEST(NatsStanding, one_that_waits_for_an_acknowledgement_is_ahead) {
  EXPECT_EQ((told{.unacknowledged = 1, .floor = 399, .delivered = 400}.stands()), standing::ahead);
}

TEST(NatsStanding, the_last_released_is_the_floor_the_readers_own_or_what_it_was_made_behind) {
  EXPECT_EQ((told{.floor = 400}.last_released(0)), 400U);
  EXPECT_EQ((told{.floor = 400}.last_released(401)), 401U);
  EXPECT_EQ((told{.floor = 0}.last_released(0)), 300U);
  jsConsumerInfo info{};
  jsConsumerConfig from_the_start{};
  info.Config = &from_the_start;
  EXPECT_EQ(nats::last_released(info, 0), 0U);
}

}  // namespace
}  // namespace annulus::testing
