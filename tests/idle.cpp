// Idle roles: how often they wake, and how late they hear of a death.
#include "bytes.hpp"
#include "child.hpp"
#include "pipes.hpp"
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <annulus/channel/file_watch.hpp>
#include <annulus/pipe/inspect.hpp>
#include <annulus/pipe/wait.hpp>
#include <annulus/ring/ring.hpp>
#include <annulus/ring/wait.hpp>

namespace annulus::testing {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

// A ring's wait under a clock that only sleeping moves.

struct simulated : std_atomics {
  static inline deadline time{};
  static inline std::vector<nanoseconds> sleeps;

  static void begin() {
    time = deadline(1h);
    sleeps.clear();
  }
  static deadline now() noexcept { return time; }
  static bool heavy_fence() noexcept { return true; }
  static constexpr std::uint32_t polls_per_clock = 0;
  static void sleep(word<std::uint32_t>&, std::uint32_t, nanoseconds at_most) noexcept {
    sleeps.push_back(at_most);
    time += at_most;
  }
};

// Waits until the deadline, while attempts answer `seen()` and the kernel `news()`.
template <class Seen, class News>
status wait_silently(nanoseconds longest, deadline until, wait_memory<simulated>& own, Seen seen,
                     News news) {
  bell<simulated> bell{};
  waiting how{waiting::kind::block, 0ns};
  how.longest_sleep = longest;
  const auto same = [](status s) { return s; };
  return wait_for<simulated>(
      how, until, bell, own, waiter{seen, same, same, news}, seen, [] {}, [](bool) {});
}

status nothing() { return status::empty; }
status alive() { return status::ok; }

TEST(Idle, its_longest_sleep_is_a_second_unless_told_otherwise) {
  EXPECT_EQ(longest_gap({}), 1s);
  waiting how;
  how.longest_sleep = 0ns;
  EXPECT_EQ(longest_gap(how), 1ms);
  how.how = waiting::kind::spin;
  EXPECT_EQ(longest_gap(how), first_nap);
}

// Each look at the clock takes a tenth of a millisecond.
struct ticking : simulated {
  static deadline now() noexcept { return time += 100us; }
  static void yield() noexcept {}
};

TEST(Idle, a_wait_that_stays_awake_returns_what_a_closer_look_finds_and_else_its_deadline) {
  for (const auto kind : {waiting::kind::spin, waiting::kind::yield}) {
    for (const bool is_there : {true, false}) {
      simulated::begin();
      wait_memory<ticking> own;
      bell<ticking> bell{};
      const auto same = [](status s) { return s; };
      const auto until = simulated::time + 100ms;
      bool is_read = false;
      const auto closer = [&] {
        const bool finds = is_there && !is_read && simulated::time > until - 50ms;
        is_read |= finds;
        return finds ? status::ok : status::empty;
      };
      const auto got = wait_for<ticking>(
          waiting{kind, 0ns}, until, bell, own, waiter{nothing, same, same, alive}, closer, [] {},
          [](bool) {});
      EXPECT_EQ(got, is_there ? status::ok : status::timed_out);
      EXPECT_EQ(simulated::time >= until, !is_there);
      EXPECT_TRUE(simulated::sleeps.empty());
    }
  }
}

TEST(Idle, an_hour_of_silence_is_3600_sleeps_and_a_few) {
  simulated::begin();
  wait_memory<simulated> own;
  EXPECT_EQ(wait_silently(1s, simulated::time + 1h, own, nothing, alive), status::timed_out);
  EXPECT_GE(simulated::sleeps.size(), 3600u);
  EXPECT_LE(simulated::sleeps.size(), 3610u);
}

TEST(Idle, a_sleep_is_as_long_as_the_silence_before_it_within_its_bounds) {
  simulated::begin();
  wait_memory<simulated> own;
  const auto began = simulated::time;
  (void)wait_silently(1s, simulated::time + 5s, own, nothing, alive);
  auto silence = 0ns;
  for (const auto one : simulated::sleeps) {
    const auto most = std::clamp<nanoseconds>(silence, 10ms, 1s);
    EXPECT_EQ(one, std::min<nanoseconds>(most, 5s - silence)) << silence.count();
    silence += one;
  }
  EXPECT_EQ(simulated::time - began, 5s);
}

TEST(Idle, a_death_is_noticed_within_as_long_as_the_silence_before_it) {
  for (const nanoseconds longest :
       {nanoseconds(1ms), nanoseconds(10ms), nanoseconds(1s), nanoseconds(1min)}) {
    for (nanoseconds death = 1ms; death < 10min; death = death * 17 / 10) {
      simulated::begin();
      wait_memory<simulated> own;
      const auto died = simulated::time + death;
      const auto news = [&] { return simulated::time >= died ? status::peer_gone : status::ok; };
      ASSERT_EQ(wait_silently(longest, no_deadline, own, nothing, news), status::peer_gone);
      const auto promised = std::min(std::max<nanoseconds>(death, 10ms), longest);
      // A wait first asks after 10 ms.
      EXPECT_LE(simulated::time - died, std::max<nanoseconds>(promised, 10ms - death))
          << death.count() << " " << longest.count();
    }
  }
}

TEST(Idle, short_waits_one_after_another_hear_of_a_death_as_soon) {
  for (nanoseconds death = 1ms; death < 10min; death = death * 17 / 10) {
    simulated::begin();
    wait_memory<simulated> own;
    const auto died = simulated::time + death;
    std::uint64_t asked = 0;
    const auto news = [&] {
      ++asked;
      return simulated::time >= died ? status::peer_gone : status::ok;
    };
    while (wait_silently(1s, simulated::time + 3ms, own, nothing, news) == status::timed_out) {
    }
    EXPECT_LE(simulated::time - died, std::clamp<nanoseconds>(death, 10ms, 1s) + 3ms);
    EXPECT_LE(asked, 10u + static_cast<std::uint64_t>(death / 1s));
  }
}

TEST(Idle, nobody_sleeps_long_behind_a_claim_whose_producer_may_die) {
  simulated::begin();
  wait_memory<simulated> own;
  EXPECT_EQ(wait_silently(
                1s, simulated::time + 10s, own, [] { return status::stalled; }, alive),
            status::stalled);
  EXPECT_EQ(std::ranges::max(simulated::sleeps), first_nap);
}

TEST(Idle, whatever_comes_ends_the_silence) {
  for (const status came : {status::ok, status::corrupt, status::closed, status::peer_gone}) {
    simulated::begin();
    wait_memory<simulated> own;
    (void)wait_silently(1s, simulated::time + 10s, own, nothing, alive);
    ASSERT_EQ(simulated::sleeps.back(), 1s - 280ms);  // before the deadline
    const auto seen = [&] { return came == status::peer_gone ? status::empty : came; };
    const auto news = [&] { return came == status::peer_gone ? came : status::ok; };
    ASSERT_EQ(wait_silently(1s, no_deadline, own, seen, news), came);
    simulated::sleeps.clear();
    (void)wait_silently(1s, simulated::time + 15ms, own, nothing, alive);
    EXPECT_EQ(simulated::sleeps.front(), first_nap) << to_string(came);
  }
}

TEST(Idle, a_timeout_and_an_interrupt_do_not_end_it) {
  simulated::begin();
  wait_memory<simulated> own;
  (void)wait_silently(1s, simulated::time + 10s, own, nothing, alive);
  bell<simulated> bell{};
  own.interrupt.raise(bell);
  ASSERT_EQ(wait_silently(1s, no_deadline, own, nothing, alive), status::interrupted);
  simulated::sleeps.clear();
  (void)wait_silently(1s, simulated::time + 10s, own, nothing, alive);
  EXPECT_EQ(simulated::sleeps.front(), 1s);
}

// With the machine's clock: what half a second of it costs.

template <class Consumer>
long wake_ups(Consumer& rx) {
  rusage before{}, after{};
  getrusage(RUSAGE_THREAD, &before);
  EXPECT_EQ(rx.read(within(500ms)).status(), status::timed_out);
  getrusage(RUSAGE_THREAD, &after);
  return after.ru_nvcsw - before.ru_nvcsw;
}

// 10 + 10 + 20 + 40 + 80 + 160 + 180 ms are seven sleeps; membarrier may sleep too.
constexpr long most_in_half_a_second = 12;

TEST(Idle, a_blocked_consumer_of_a_ring_wakes_a_few_times_in_half_a_second) {
  const auto ring = segment::anonymous({.capacity = 4096}).value();
  auto tx = spsc_producer::attach(ring).value();
  auto rx = spsc_consumer::attach(ring).value();
  const long woke = wake_ups(rx);
  EXPECT_GE(woke, 1);
  EXPECT_LE(woke, most_in_half_a_second);
}

TEST(Idle, a_blocked_consumer_of_a_pipe_wakes_a_few_times_in_half_a_second) {
  const scratch_pipe pipe;
  auto tx = attached<pipe_producer>(*pipe);
  auto rx = attached<pipe_consumer>(*pipe);
  const long woke = wake_ups(rx);
  EXPECT_GE(woke, 1);
  EXPECT_LE(woke, most_in_half_a_second);
}

// News of a file: what a sleeper of a pipe hears besides the FIFO.

bool is_readable(int event, int at_most_ms) {
  pollfd asked{event, POLLIN, 0};
  return poll(&asked, 1, at_most_ms) == 1;
}

class watched_file : public ::testing::Test {
 protected:
  watched_file() : file_(open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    EXPECT_TRUE(watch_.covers({file_.number(), -1}));
    EXPECT_FALSE(is_readable(watch_.event(), 0));
  }
  ~watched_file() override { unlink(path_.c_str()); }

  void expect_news_once() {
    EXPECT_TRUE(is_readable(watch_.event(), 10'000));
    EXPECT_TRUE(watch_.take());
    EXPECT_FALSE(watch_.take());
    EXPECT_FALSE(is_readable(watch_.event(), 0));
  }

  const std::string path_ = files::directory() + "/annulus." + unused_name();
  descriptor file_;
  file_watch watch_;
};

TEST_F(watched_file, tells_that_somebody_touched_it) {
  file_watch::touch(file_.number());
  expect_news_once();
}

TEST_F(watched_file, tells_the_death_of_one_that_had_it_open) {
  lingering other([&] { return descriptor(open(path_.c_str(), O_RDWR | O_CLOEXEC)); });
  EXPECT_FALSE(is_readable(watch_.event(), 0));
  other.kill();
  expect_news_once();
}

TEST_F(watched_file, tells_the_death_of_one_that_had_only_mapped_it) {
  ASSERT_EQ(ftruncate(file_.number(), 4096), 0);
  lingering other([&] {
    const descriptor file(open(path_.c_str(), O_RDWR | O_CLOEXEC));
    const void* const at = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file.number(), 0);
    return std::string(at != MAP_FAILED ? "mapped" : "");
  });
  EXPECT_FALSE(is_readable(watch_.event(), 0));
  other.kill();
  expect_news_once();
}

TEST_F(watched_file, tells_that_its_name_was_removed_or_renamed) {
  ASSERT_EQ(rename(path_.c_str(), (path_ + ".moved").c_str()), 0);
  expect_news_once();
  ASSERT_EQ(unlink((path_ + ".moved").c_str()), 0);
  expect_news_once();
}

TEST_F(watched_file, tells_nothing_of_those_who_read_or_write_it) {
  char byte = 0;
  EXPECT_EQ(pwrite(file_.number(), &byte, 1, 0), 1);
  EXPECT_EQ(pread(file_.number(), &byte, 1, 0), 1);
  { const descriptor reads(open(path_.c_str(), O_RDONLY | O_CLOEXEC)); }
  EXPECT_FALSE(is_readable(watch_.event(), 0));
}

// A pipe's waiter in a sleep of 640 ms. What ends it must not be the sleep's own end; a busy
// machine may make that look so, not every time.

template <class Event>
nanoseconds heard_after(status expected, Event happens, pipe_consumer& rx, const named_pipe& of) {
  steady_clock::time_point happened;
  std::jthread other([&] {
    while (inspect(of).value().consumer.counters.waits < 8) std::this_thread::sleep_for(1ms);
    happened = steady_clock::now();
    happens();
  });
  EXPECT_EQ(rx.read(no_deadline).status(), expected);
  const auto heard = steady_clock::now();
  other.join();
  return heard - happened;
}

template <class Attempt>
void expect_to_be_heard_at_once(Attempt attempt) {
  auto best = nanoseconds::max();
  for (int tries = 0; tries < 8 && best >= 400ms; ++tries) best = std::min(best, attempt());
  EXPECT_LT(best, 400ms);
}

TEST(IdlePipe, a_close_ends_a_long_sleep) {
  expect_to_be_heard_at_once([] {
    const scratch_pipe pipe;
    auto tx = attached<pipe_producer>(*pipe);
    auto rx = attached<pipe_consumer>(*pipe);
    return heard_after(
        status::closed, [&] { tx.close(); }, rx, *pipe);
  });
}

TEST(IdlePipe, a_death_ends_a_long_sleep) {
  expect_to_be_heard_at_once([] {
    const scratch_pipe pipe;
    lingering producer([&] { return attached<pipe_producer>(*pipe); });
    auto rx = attached<pipe_consumer>(*pipe);
    return heard_after(
        status::peer_gone, [&] { producer.kill(); }, rx, *pipe);
  });
}

TEST(IdlePipe, the_end_of_the_fifos_name_ends_a_long_sleep) {
  expect_to_be_heard_at_once([] {
    const scratch_pipe pipe;
    auto tx = attached<pipe_producer>(*pipe);
    auto rx = attached<pipe_consumer>(*pipe);
    return heard_after(
        status::removed, [&] { unlink(pipe.name().path().c_str()); }, rx, *pipe);
  });
}

// The same loop under the clock that only sleeping moves.
TEST(IdlePipe, where_files_cannot_be_watched_it_looks_every_100_ms) {
  for (const bool can_watch : {true, false}) {
    simulated::begin();
    pipes::wait_memory own;
    if (!can_watch) own.files = {1 << 20, -1};  // no such descriptor
    std::vector<nanoseconds> naps;
    const auto same = [](status s) { return s; };
    const auto got = pipes::wait_for<simulated>(
        waiting{waiting::kind::block, 0ns}, simulated::time + 10min, own,
        waiter{nothing, same, same, alive}, [] { return false; },
        [&](nanoseconds span) {
          naps.push_back(span);
          simulated::time += span;
        });
    EXPECT_EQ(got, status::timed_out);
    EXPECT_EQ(naps.front(), first_nap);
    EXPECT_EQ(std::ranges::max(naps), can_watch ? nanoseconds(1s) : pipes::nap_without_news);
  }
}

}  // namespace
}  // namespace annulus::testing
