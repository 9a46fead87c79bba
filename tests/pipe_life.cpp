// What of a pipe lives how long: contents, roles, waits, the audit log; and what it costs.
#include "bytes.hpp"
#include "child.hpp"
#include "pipes.hpp"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <annulus/pipe/inspect.hpp>
#include <annulus/pipe/pipe.hpp>
#include <annulus/pipe/wait.hpp>

namespace annulus::testing {
namespace {

using ::testing::HasSubstr;

// Waiting.

// Where a thread is kept from its processor, real time is long enough for one more look.
struct still_time {
  [[nodiscard]] static deadline now() noexcept { return {}; }
  static void yield() noexcept {}
};

// What a wait does until `tries` attempts were made and the last was met: t, it tries; s, it
// sleeps.
std::string acts_of(waiting how, int tries) {
  std::string acts;
  pipes::wait_memory own;
  const auto same = [](status s) { return s; };
  const waiter tried{[&] {
                       acts += 't';
                       return --tries > 0 ? status::empty : status::ok;
                     },
                     same, same, [] { return status::ok; }};
  const auto got = pipes::wait_for<still_time>(
      how, no_deadline, own, tried, [] { return true; },
      [&](std::chrono::nanoseconds) { acts += 's'; });
  EXPECT_EQ(got, status::ok);
  return acts;
}

// An attempt takes the FIFO's lock, which the other side needs.
TEST(PipeWaiting, tries_once_between_two_sleeps_and_once_before_the_first) {
  const waiting at_once{waiting::kind::block, std::chrono::nanoseconds(0)};
  EXPECT_EQ(acts_of(at_once, 1), "t");
  EXPECT_EQ(acts_of(at_once, 2), "tst");
  EXPECT_EQ(acts_of(at_once, 4), "tststst");
  EXPECT_EQ(acts_of({waiting::kind::nap, {}, std::chrono::nanoseconds(1)}, 3), "ttt");
  EXPECT_EQ(acts_of({waiting::kind::spin}, 3), "ttt");
}

TEST(PipeWaiting, a_napping_consumer_leaves_the_processor_and_reads_what_came) {
  const scratch_pipe_name name;
  const auto pipe = good(named_pipe::create(name.str(), of(1 << 16)));
  auto rx = attached<pipe_consumer>(pipe, {waiting::kind::nap, {}, std::chrono::milliseconds(1)});
  auto tx = attached<pipe_producer>(pipe);
  rusage before{};
  rusage after{};
  getrusage(RUSAGE_THREAD, &before);
  const auto until = within(std::chrono::seconds(10));
  do {  // a thread that is kept from its processor may find its time over before its first nap
    EXPECT_EQ(rx.read(within(std::chrono::milliseconds(5))).status(), status::timed_out);
    getrusage(RUSAGE_THREAD, &after);
  } while (after.ru_nvcsw == before.ru_nvcsw && std::chrono::steady_clock::now() < until);
  EXPECT_GT(after.ru_nvcsw, before.ru_nvcsw);
  ASSERT_EQ(tx.try_push(bytes("here")), status::ok);
  EXPECT_EQ(text(rx.read(no_deadline).bytes()), "here");
}

// What lives how long.

TEST(PipeLife, what_is_in_the_pipe_survives_the_consumer_while_a_producer_lives) {
  const scratch_pipe_name name;
  auto tx = attached<pipe_producer>(good(named_pipe::create(name.str(), of(1 << 14))));
  ASSERT_EQ(tx.try_push(bytes("a")), status::ok);
  ASSERT_EQ(tx.try_push(bytes("b")), status::ok);
  lingering reader([&] {
    auto rx = attached<pipe_consumer>(good(named_pipe::open(name.str())));
    EXPECT_EQ(next(rx), "a");
    EXPECT_TRUE(rx.try_read());
    return rx;
  });
  reader.kill();
  EXPECT_EQ(tx.peer(), presence::died);
  auto rx = attached<pipe_consumer>(good(named_pipe::open(name.str())));
  EXPECT_EQ(next(rx), "b");
  EXPECT_EQ(next(rx), "[empty]");
}

TEST(PipeLife, a_pipe_that_everybody_left_dead_is_taken_up_again) {
  const scratch_pipe_name name;
  {
    lingering both([&] {
      const auto pipe = good(named_pipe::create(name.str(), of(1 << 14, 1)));
      auto tx = attached<pipe_producer>(pipe);
      EXPECT_EQ(tx.try_push(bytes("gone with them")), status::ok);
      return std::pair(std::move(tx), attached<pipe_consumer>(pipe));
    });
    both.kill();
  }
  const auto pipe = good(named_pipe::open(name.str()));
  EXPECT_EQ(inspect(pipe)->consumer.state, presence::died);
  auto tx = attached<pipe_producer>(pipe);
  auto rx = attached<pipe_consumer>(pipe);
  EXPECT_EQ(next(rx), "[empty]");
  ASSERT_EQ(tx.try_push(bytes("anew")), status::ok);
  EXPECT_EQ(next(rx), "anew");
}

TEST(PipeLife, a_wait_ends_when_the_peer_dies) {
  scratch_pipe pipe(of(1 << 12));
  {
    lingering producer([&] { return attached<pipe_producer>(*pipe); });
    auto rx = attached<pipe_consumer>(*pipe);
    std::jthread reaper([&] { producer.kill(); });
    EXPECT_EQ(rx.read(no_deadline).status(), status::peer_gone);
  }
  lingering consumer([&] { return attached<pipe_consumer>(*pipe); });
  auto tx = attached<pipe_producer>(*pipe);
  while (tx.try_push(bytes("fill")) == status::ok) {
  }
  std::jthread reaper([&] { consumer.kill(); });
  EXPECT_EQ(tx.push(bytes("more"), no_deadline), status::peer_gone);
}

TEST(PipeLife, no_push_raises_sigpipe) {
  const scratch_pipe_name name;
  child pushing([&] {
    signal(SIGPIPE, SIG_DFL);
    auto pipe = std::optional(good(named_pipe::create(name.str(), of(1 << 12))));
    auto tx = attached<pipe_producer>(*pipe);
    { const auto rx = attached<pipe_consumer>(*pipe); }
    pipe.reset();  // now no other end is open
    return tx.try_push(bytes("x")) == status::ok ? 0 : 1;
  });
  EXPECT_EQ(pushing.exit_status(), 0);
}

TEST(PipeLife, the_audit_trail_says_who_came_who_closed_and_who_was_found_dead) {
  scratch_pipe pipe(of(1 << 12));
  { const auto rx = attached<pipe_consumer>(*pipe); }
  pid_t dead = 0;
  {
    lingering producer([&] { return attached<pipe_producer>(*pipe); });
    dead = producer.pid();
    producer.kill();
  }
  const auto tx = attached<pipe_producer>(*pipe);
  const auto trail = inspect(*pipe)->audit_log;
  ASSERT_EQ(trail.size(), 5u);
  using kind = pipe_event::kind;
  const std::array<kind, 5> acts{kind::attached, kind::closed, kind::attached, kind::found_dead,
                                 kind::attached};
  const std::array<pid_t, 5> pids{getpid(), getpid(), dead, dead, getpid()};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(trail[i].what, acts[i]) << i;
    EXPECT_EQ(trail[i].pid, pids[i]) << i;
    EXPECT_EQ(trail[i].uid, geteuid()) << i;
    EXPECT_EQ(trail[i].is_consumer, i < 2) << i;
  }
  for (int i = 0; i < 300; ++i) (void)attached<pipe_consumer>(*pipe);
  EXPECT_EQ(inspect(*pipe)->audit_log.size(), 256u);
  EXPECT_EQ(inspect(*pipe)->consumer.incarnation, 301u);
}

TEST(PipeLife, counters_tell_what_happened) {
  scratch_pipe pipe(of(1 << 12));
  auto tx = attached<pipe_producer>(*pipe);
  auto rx = attached<pipe_consumer>(*pipe);
  while (tx.try_push(bytes("12345678")) == status::ok) {
  }
  EXPECT_EQ(tx.push_or_drop(bytes("x")), status::full);
  const auto read = rx.drain([](message) {}, 10000).count;
  const auto seen = *inspect(*pipe);
  EXPECT_EQ(seen.producers[0].counters.messages, read);
  EXPECT_EQ(seen.producers[0].counters.bytes, 8 * read);
  EXPECT_EQ(seen.producers[0].counters.refused, 1u);
  EXPECT_EQ(seen.producers[0].counters.dropped, 1u);
  EXPECT_EQ(seen.consumer.counters.messages, read);
  EXPECT_EQ(seen.consumer.counters.high_water, read * pipes::frame_bytes(8));
}

// Cost.

// How many system calls `work` makes with a role, in a process of its own that attached it: the
// kernel stops it at each.
template <class Attach, class Work>
long system_calls(Attach attach, Work work) {
  const pid_t traced = fork();
  if (traced == 0) {
    auto role = attach();
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
    work(role);
    _exit(0);
  }
  int status = 0;
  long stops = 0;
  waitpid(traced, &status, 0);
  ptrace(PTRACE_SETOPTIONS, traced, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  for (;;) {
    ptrace(PTRACE_SYSCALL, traced, nullptr, nullptr);
    if (waitpid(traced, &status, 0) != traced || !WIFSTOPPED(status)) break;
    if (WSTOPSIG(status) == (SIGTRAP | 0x80)) ++stops;
  }
  return stops / 2;  // its entry and its return; the exit has no return
}

TEST(PipeCost, a_batch_of_a_lone_producer_is_one_system_call_and_a_push_is_one) {
  scratch_pipe pipe(of(1 << 20, 1));
  const auto one = pattern(128, 1);
  const std::vector<message> many(1000, message(one));
  const auto calls = [&](auto work) {
    return system_calls([&] { return attached<pipe_producer>(*pipe); }, work);
  };
  const auto nothing = calls([](auto&) {});
  EXPECT_EQ(calls([&](auto& tx) { (void)tx.try_push_batch(many); }) - nothing, 1);
  EXPECT_EQ(calls([&](auto& tx) { (void)tx.push_batch(many, no_deadline); }) - nothing, 1);
  EXPECT_EQ(calls([&](auto& tx) { (void)tx.try_push(message(one)); }) - nothing, 1);
  EXPECT_EQ(calls([&](auto& tx) {
              for (int i = 0; i < 9; ++i) (void)tx.push(message(one), no_deadline);
            }) - nothing,
            9);
}

TEST(PipeCost, a_batch_of_one_of_several_is_one_system_call_for_each_block) {
  scratch_pipe pipe(of(1 << 20, 4));
  const auto one = pattern(128, 1);
  const std::vector<message> many(100, message(one));  // 25 to a block
  const auto calls = [&](auto work) {
    return system_calls([&] { return attached<pipe_producer>(*pipe); }, work);
  };
  const auto nothing = calls([](auto&) {});
  EXPECT_EQ(calls([&](auto& tx) { (void)tx.try_push_batch(many); }) - nothing, 4);
}

TEST(PipeCost, reading_and_releasing_a_batch_is_three_system_calls) {
  scratch_pipe pipe(of(1 << 20, 1));
  auto tx = attached<pipe_producer>(*pipe);
  const auto one = pattern(128, 1);
  const std::vector<message> many(100, message(one));
  ASSERT_EQ(tx.try_push_batch(many).count, 100u);
  const auto calls = [&](auto work) {
    return system_calls([&] { return attached<pipe_consumer>(*pipe); }, work);
  };
  const auto nothing = calls([](auto&) {});
  EXPECT_EQ(calls([&](auto& rx) { (void)rx.drain([](message) {}, 100); }) - nothing, 3);
}

}  // namespace
}  // namespace annulus::testing
