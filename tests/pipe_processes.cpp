// Several processes at one pipe for real: killed, stopped, replaced at random.
//
//   ANNULUS_SEED=n                     replays the random choices
//   ANNULUS_PIPE_PROCESSES_SECONDS=n   how long the random kills run, all together
#include "killing.hpp"
#include "pipes.hpp"
#include <gtest/gtest.h>

#include <cstdlib>

#include <annulus/pipe/inspect.hpp>
#include <annulus/pipe/pipe.hpp>

namespace annulus::processes {
namespace {

constexpr long all_seconds = is_sanitized ? 8 : 20;

class pipe_place {
 public:
  using producer_type = pipe_producer;
  using consumer_type = pipe_consumer;

  pipe_place(const plan& p, std::uint64_t capacity) : plan_(p), pipe_(options(p, capacity)) {}

  // Each by the name, as every process does for itself.
  [[nodiscard]] pipe_producer producer(std::uint64_t) {
    return must(pipe_producer::attach(opened()));
  }
  [[nodiscard]] pipe_consumer consumer() { return must(pipe_consumer::attach(opened())); }
  [[nodiscard]] std::uint64_t max_message() { return pipe_->geometry().max_message; }

  // A commit that found no room and no consumer is owed, and dies with its producer.
  static void settle(pipe_producer& to) {
    while (to.owes()) (void)to.claim(0, within(20ms));
  }

  void add_up(const toll& t) {
    const auto seen = must(inspect(*pipe_));
    EXPECT_EQ(seen.depth, 0u);
    std::uint64_t pushed = 0;
    for (const auto& one : seen.producers) pushed += one.counters.messages;
    EXPECT_LE(pushed, t.delivered);
    EXPECT_GE(pushed + t.producer_deaths * batch_size, t.delivered);
    const auto& counters = seen.consumer.counters;
    EXPECT_GE(counters.messages, t.read);
    EXPECT_LE(counters.messages, t.read + t.consumer_deaths);
    EXPECT_EQ(counters.corrupt, 0u);
    if (!plan_.producers_die) {
      EXPECT_EQ(counters.recovered, 0u);
    }
    std::printf("%llu long messages recovered\n",
                static_cast<unsigned long long>(counters.recovered));
  }

 private:
  static pipe_options options(const plan& p, std::uint64_t capacity) {
    pipe_options all;
    all.capacity = capacity;
    all.producers =
        static_cast<std::uint32_t>(p.lanes);  // a replacement finds the dead's role only
    return all;
  }
  [[nodiscard]] named_pipe opened() { return must(named_pipe::open(pipe_->name())); }

  plan plan_;
  testing::scratch_pipe pipe_;
};

constexpr int kill_tests = 6;  // those below share the time

void kill_at_random(const plan& p, std::uint64_t capacity) {
  const char* given = std::getenv("ANNULUS_PIPE_PROCESSES_SECONDS");
  const long seconds = given != nullptr ? std::strtol(given, nullptr, 10) : all_seconds;
  pipe_place pipe(p, capacity);
  killing(p, pipe).run(std::chrono::milliseconds(seconds * 1000 / kill_tests));
}

TEST(PipeKills, a_lone_producer_that_dies_again_and_again_loses_nothing) {
  kill_at_random({.lanes = 1, .consumers_die = false}, 1 << 16);
}
TEST(PipeKills, a_consumer_that_dies_again_and_again_loses_nothing) {
  kill_at_random({.lanes = 1, .producers_die = false}, 1 << 16);
}
TEST(PipeKills, nothing_is_lost_when_a_lone_producer_and_the_consumer_die) {
  kill_at_random({.lanes = 1}, 1 << 16);
}
TEST(PipeKills, nothing_is_lost_when_only_the_consumer_of_three_producers_dies) {
  kill_at_random({.lanes = 3, .producers_die = false}, 1 << 16);
}
TEST(PipeKills, nothing_is_lost_when_four_producers_and_the_consumer_die) {
  kill_at_random({.lanes = 4}, 1 << 17);
}
TEST(PipeKills, nothing_is_lost_in_a_pipe_of_four_pages_that_is_always_full) {
  kill_at_random({.lanes = 3}, 1 << 14);
}

}  // namespace
}  // namespace annulus::processes
