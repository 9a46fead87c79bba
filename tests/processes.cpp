// Several processes at one ring for real: killed, stopped, replaced at random.
//
//   ANNULUS_SEED=n                replays the random choices (the scheduling is the machine's)
//   ANNULUS_PROCESSES_SECONDS=n   how long the random kills run, all together
#include "killing.hpp"
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include <annulus/ring/inspect.hpp>

namespace annulus::processes {
namespace {

// Enough to see every kind of death thousands of times; a sanitizer's build makes do with less.
constexpr long all_seconds = is_sanitized ? 10 : 72;

struct ring_plan : plan {
  ring_options segment;
};

ring_plan spsc_plan() {
  ring_plan p;
  p.segment.topology = topology::spsc;
  p.segment.capacity = 1 << 14;
  return p;
}
ring_plan mpsc_plan(std::uint32_t lanes) {
  ring_plan p;
  p.segment.topology = topology::mpsc;
  p.segment.capacity = 1 << 14;
  p.segment.producers = lanes;  // a replacement finds only the role of the dead
  p.lanes = lanes;
  return p;
}

template <class Producer, class Consumer>
class ring_place {
 public:
  using producer_type = Producer;
  using consumer_type = Consumer;

  explicit ring_place(const ring_plan& p) : plan_(p), memory_(options(p)) {}

  [[nodiscard]] Producer producer(std::uint64_t) { return attach<Producer>(memory_.name()); }
  [[nodiscard]] Consumer consumer() { return attach<Consumer>(memory_.name()); }
  [[nodiscard]] std::uint64_t max_message() { return (*memory_).geometry().max_message; }
  static void settle(Producer&) {}  // a commit is all there is to it

  // A role counts just after it acts: each death may cost one act its count.
  void add_up(const toll& t) {
    const auto seen = must(inspect(*memory_));
    EXPECT_EQ(seen.depth, 0u);
    std::uint64_t pushed = 0;
    for (const auto& one : seen.producers) {
      pushed += one.counters.messages;
      EXPECT_EQ(one.counters.corrupt, 0u);
    }
    EXPECT_LE(pushed, t.delivered);
    EXPECT_GE(pushed + t.producer_deaths * batch_size, t.delivered);
    const auto& counters = seen.consumer.counters;
    // The consumer tells its counts by the chunk: a death loses those of one at most.
    const auto capacity = (*memory_).geometry().capacity;
    const auto chunk = std::clamp<std::uint64_t>(capacity / 16, 64, longest_chunk);
    EXPECT_GE(counters.messages + t.consumer_deaths * (chunk / record_bytes(0, 0)), t.read);
    EXPECT_LE(counters.messages, t.read + t.consumer_deaths);
    EXPECT_EQ(counters.corrupt, 0u);
    if (plan_.segment.topology == topology::spsc) {
      EXPECT_EQ(counters.recovered, 0u);
    } else if (!plan_.consumers_die) {
      EXPECT_GE(counters.recovered, t.deaths_in_claims);
      EXPECT_LE(counters.recovered, t.producer_deaths);
    }
  }

 private:
  static ring_options options(const ring_plan& p) {
    ring_options all = p.segment;
    all.first_pos = std::uint64_t{0} - 64 * all.capacity;  // wraps at 2^64 on the way
    return all;
  }

  ring_plan plan_;
  named_segment memory_;
};

constexpr int kill_tests = 9;  // those below share the time

void kill_at_random(const ring_plan& p) {
  const char* given = std::getenv("ANNULUS_PROCESSES_SECONDS");
  const long seconds = given != nullptr ? std::strtol(given, nullptr, 10) : all_seconds;
  const auto span = std::chrono::milliseconds(seconds * 1000 / kill_tests);
  if (p.segment.topology == topology::spsc) {
    ring_place<spsc_producer, spsc_consumer> ring(p);
    killing(p, ring).run(span);
  } else {
    ring_place<mpsc_producer, mpsc_consumer> ring(p);
    killing(p, ring).run(span);
  }
}

TEST(Kills, spsc_loses_nothing_when_the_producer_dies_again_and_again) {
  ring_plan p = spsc_plan();
  p.consumers_die = false;
  kill_at_random(p);
}
TEST(Kills, spsc_loses_nothing_when_the_consumer_dies_again_and_again) {
  ring_plan p = spsc_plan();
  p.producers_die = false;
  kill_at_random(p);
}
TEST(Kills, spsc_loses_nothing_when_both_die) { kill_at_random(spsc_plan()); }
TEST(Kills, mpsc_loses_nothing_when_one_producer_and_the_consumer_die) {
  kill_at_random(mpsc_plan(1));
}
TEST(Kills, mpsc_loses_nothing_when_two_producers_and_the_consumer_die) {
  kill_at_random(mpsc_plan(2));
}
TEST(Kills, mpsc_loses_nothing_when_four_producers_and_the_consumer_die_with_checksums) {
  ring_plan p = mpsc_plan(4);
  p.segment.integrity = integrity::crc32c;
  kill_at_random(p);
}
TEST(Kills, mpsc_loses_nothing_when_eight_producers_and_the_consumer_die) {
  kill_at_random(mpsc_plan(8));
}
TEST(Kills, mpsc_skips_every_dead_claim_once_when_only_producers_die) {
  ring_plan p = mpsc_plan(3);
  p.consumers_die = false;
  kill_at_random(p);
}
TEST(Kills, mpsc_loses_nothing_when_only_the_consumer_dies) {
  ring_plan p = mpsc_plan(3);
  p.producers_die = false;
  kill_at_random(p);
}

}  // namespace
}  // namespace annulus::processes
