// A gateway between processes, all of them killed and replaced at random, every message counted.
//
// Without once: nothing is lost, the order of each source is kept, and what comes again is what
// the dead had not released, at most. With once: exactly once, and a consumer that dies sees again
// only what it had not released.
//
// A pipe's contents live only while somebody has its FIFO open. Here everybody may be dead at once,
// so the parent keeps each pipe open; whoever runs a gateway over pipes has to do the like.
//
//   ANNULUS_SEED=n                        replays the random choices
//   ANNULUS_GATEWAY_PROCESSES_SECONDS=n   how long the random kills run, all together
#include "killing.hpp"
#include "own_directory.hpp"
#include "passing.hpp"
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

namespace annulus::processes {
namespace {

const testing::own_directory all_channels;

constexpr long all_seconds = is_sanitized ? 8 : 20;
constexpr int kill_tests = 8;  // those below share the time

void kill_at_random(const route& r) {
  const char* given = std::getenv("ANNULUS_GATEWAY_PROCESSES_SECONDS");
  const long seconds = given != nullptr ? std::strtol(given, nullptr, 10) : all_seconds;
  const auto span = std::chrono::milliseconds(seconds * 1000 / kill_tests);
  gateway_place place(r);
  plan p;
  p.lanes = r.from.size() * r.lanes;
  if (r.once) {
    killing(p, place).run(span);
  } else {
    p.first_lane = 1;
    killing<gateway_place, reading_again>(p, place).run(span);
  }
  const auto& again = place.again();
  std::printf("the gateway died %llu times; lanes went back %llu times, by %llu at most\n",
              static_cast<unsigned long long>(place.deaths()),
              static_cast<unsigned long long>(again.starts),
              static_cast<unsigned long long>(again.farthest));
}

TEST(GatewayKills, a_ring_into_a_pipe_loses_nothing) {
  kill_at_random({.from = {"shm"}, .to = "pipe", .lanes = 2});
}
TEST(GatewayKills, a_ring_into_a_pipe_with_once_is_exactly_once) {
  kill_at_random({.from = {"shm"}, .to = "pipe", .lanes = 2, .once = true});
}
TEST(GatewayKills, a_pipe_into_a_ring_loses_nothing) {
  kill_at_random({.from = {"pipe"}, .to = "shm", .lanes = 2});
}
TEST(GatewayKills, a_pipe_into_a_ring_with_once_is_exactly_once) {
  kill_at_random({.from = {"pipe"}, .to = "shm", .lanes = 2, .once = true});
}
TEST(GatewayKills, a_ring_into_a_ring_loses_nothing) {
  kill_at_random({.from = {"shm"}, .to = "shm"});
}
TEST(GatewayKills, a_ring_into_a_ring_with_once_is_exactly_once) {
  kill_at_random({.from = {"shm"}, .to = "shm", .once = true});
}
TEST(GatewayKills, two_rings_and_a_pipe_into_a_ring_lose_nothing) {
  kill_at_random({.from = {"shm", "pipe", "shm"}, .to = "shm"});
}
TEST(GatewayKills, two_rings_and_a_pipe_into_a_ring_with_once_are_exactly_once) {
  kill_at_random({.from = {"shm", "pipe", "shm"}, .to = "shm", .once = true});
}

}  // namespace
}  // namespace annulus::processes
