// A role belongs to the process that attached it: whatever a forked child does with its copy, the
// parent's role goes on.
#include "bytes.hpp"
#include "child.hpp"
#include "endpoints.hpp"
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <annulus/bus/channel.hpp>
#include <annulus/bus/dedup.hpp>
#include <annulus/bus/gateway.hpp>
#include <annulus/bus/rendezvous.hpp>
#include <annulus/channel/process.hpp>
#include <annulus/pipe/inspect.hpp>
#include <annulus/ring/inspect.hpp>

namespace annulus::testing {
namespace {

using namespace std::chrono_literals;

// As a service holds them: exit() destroys them, in a child too.
struct service {
  std::optional<bus_producer> tx;
  std::optional<bus_claim> claim;
  std::optional<bus_consumer> rx;
  void clear() {
    rx.reset();
    claim.reset();
    tx.reset();
  }
};
service here;

template <class Work>
int in_child(Work work) {
  std::fflush(nullptr);
  child one(work);
  return one.exit_status();
}

// A bare clone: no handler of fork() runs.
template <class Work>
int in_clone(Work work) {
  std::fflush(nullptr);
  const auto pid = static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
  if (pid == 0) _exit(work());
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::string read_one(bus_consumer& from) {
  const view seen = from.read(within(30s));
  auto out = seen ? text(seen.bytes()) : "[" + std::string(to_string(seen.status())) + "]";
  from.release();
  return out;
}

void must_exec() {
  char* const words[] = {const_cast<char*>("true"), nullptr};
  execv("/bin/true", words);
  _exit(99);
}

// Every call of the copies. Returns which of them was permitted; 0: none.
int use_all() {
  const std::array<message, 2> two{bytes("x"), bytes("y")};
  int step = 0;
  const auto refused = [&](auto s) { return ++step, s == status::not_permitted; };
  if (here.claim) {
    here.claim->commit(1);
    here.claim->abort();
  }
  auto& tx = *here.tx;
  if (!refused(tx.try_push(two[0]))) return step;
  if (!refused(tx.try_push(pieces(two)))) return step;
  if (!refused(tx.try_push_batch(two).why)) return step;
  if (!refused(tx.try_claim(1).status())) return step;
  if (!refused(tx.push(two[0], within(1s)))) return step;
  if (!refused(tx.push(pieces(two), within(1s)))) return step;
  if (!refused(tx.push_batch(two, within(1s)).why)) return step;
  if (!refused(tx.claim(1, within(1s)).status())) return step;
  if (!refused(tx.push_or_drop(two[0]))) return step;
  if (tx.owes() || tx.peer() != presence::never_came) return 90;
  auto& rx = *here.rx;
  if (!refused(rx.try_read().status())) return step;
  if (!refused(rx.read(within(1s)).status())) return step;
  if (!refused(rx.drain([](message) {}, 9).why)) return step;
  if (!refused(rx.drain([](message) {}, 9, within(1s)).why)) return step;
  if (rx.peer() != presence::never_came) return 91;
  rx.release();
  (void)rx.stalled_by();
  (void)rx.last_damage();
  (void)rx.mark();
  return 0;
}

struct ending {
  const char* name;
  int (*act)();
};
const ending endings[] = {
    {"_exit", [] { return 0; }},
    {"exit", []() -> int { std::exit(0); }},
    {"exec",
     [] {
       must_exec();
       return 0;
     }},
    {"close",
     [] {
       here.tx->close();
       here.rx->close();
       return 0;
     }},
    {"destroy",
     [] {
       here.clear();
       return 0;
     }},
    {"move",
     [] {
       auto tx = std::move(*here.tx);
       auto rx = std::move(*here.rx);
       return tx.try_push(bytes("x")) == status::not_permitted ? 0 : 1;
     }},
    {"use", [] { return use_all(); }},
};

enum class state { idle, unread, claim_open, claim_shortened, batch, views_out };
constexpr const char* names_of_states[] = {"idle",    "unread",   "claim_open", "claim_shortened",
                                           "a_batch", "views_out"};

struct channel_kind {
  const char *name, *scheme, *options;
  bool takes_many;
};
const channel_kind kinds[] = {{"spsc", "shm", "", false},
                              {"spsc_once", "shm", "once=yes", false},
                              {"mpsc", "shm", "producers=3", true},
                              {"pipe", "pipe", "", false},
                              {"pipe_of_many", "pipe", "producers=3", true},
                              {"pipe_once", "pipe", "once=yes", false}};

class ForkOf : public ::testing::TestWithParam<channel_kind> {
 protected:
  void SetUp() override {
    here.tx.emplace(opened(open_producer(at())));
    here.rx.emplace(opened(open_consumer(at())));
  }
  void TearDown() override { here.clear(); }

  [[nodiscard]] std::string at() const { return at_.at(GetParam().scheme, GetParam().options); }
  static void push(const char* one) { ASSERT_EQ(here.tx->try_push(bytes(one)), status::ok); }

  void expect_both_attached() {
    EXPECT_EQ(here.tx->peer(), presence::attached);
    EXPECT_EQ(here.rx->peer(), presence::attached);
    EXPECT_EQ(refusal_of(open_consumer(at())).kind, fault::in_use);
    if (!GetParam().takes_many) {
      EXPECT_EQ(refusal_of(open_producer(at())).kind, fault::in_use);
    }
  }

  // Goes into a state, lets a child do its worst, and goes on.
  template <class Fork>
  void fork_in(state s, Fork fork_one) {
    std::vector<std::string> expected;
    view seen = status::empty;
    switch (s) {
      case state::idle: break;
      case state::unread:
        push("unread");
        expected = {"unread"};
        break;
      case state::claim_open:
      case state::claim_shortened:
        here.claim.emplace(here.tx->try_claim(16));
        ASSERT_TRUE(*here.claim);
        std::memcpy(here.claim->bytes().data(), "claimed!claimed!", 16);
        break;
      case state::batch: {
        const std::array<message, 2> two{bytes("one"), bytes("two")};
        ASSERT_EQ(here.tx->try_push_batch(two).count, 2u);
        expected = {"one", "two"};
        break;
      }
      case state::views_out:
        push("seen");
        push("next");
        seen = here.rx->try_read();
        ASSERT_TRUE(seen);
        expected = {"next"};
    }
    ASSERT_EQ(fork_one(), 0);
    expect_both_attached();
    if (s == state::views_out) {
      EXPECT_EQ(text(seen.bytes()), "seen");
      here.rx->release();
    }
    if (here.claim) {
      EXPECT_FALSE(here.rx->try_read());
      here.claim->commit(s == state::claim_open ? 16 : 8);
      here.claim.reset();
      expected = {s == state::claim_open ? "claimed!claimed!" : "claimed!"};
    }
    push("after");
    expected.emplace_back("after");
    for (const auto& one : expected) EXPECT_EQ(read_one(*here.rx), one);
    EXPECT_EQ(here.rx->try_read().status(), status::empty);
    EXPECT_EQ(here.rx->last_damage(), std::nullopt);
  }

  scratch_endpoint at_;
};

TEST_P(ForkOf, whatever_a_child_does_with_its_copies_the_parent_goes_on) {
  for (int s = 0; s <= static_cast<int>(state::views_out); ++s) {
    for (const auto& end : endings) {
      SCOPED_TRACE(std::string(names_of_states[s]) + ", " + end.name);
      fork_in(static_cast<state>(s), [&] { return in_child(end.act); });
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(ForkOf, whatever_a_bare_clone_does_with_its_copies_the_parent_goes_on) {
  for (int s = 0; s <= static_cast<int>(state::views_out); ++s) {
    for (const auto& end : endings) {
      if (end.act == endings[1].act) continue;  // exit() is not for a bare clone
      SCOPED_TRACE(std::string(names_of_states[s]) + ", " + end.name);
      fork_in(static_cast<state>(s), [&] { return in_clone(end.act); });
      if (HasFatalFailure()) return;
    }
  }
}

// 1 if a role of the channel was given up.
int give_up_one(const bus::channel& of) {
  const auto gives_up = [&](std::uint32_t role) {
    return of.is_ring() ? of.ring().abandon_role(role) : of.pipe().abandon_role(role);
  };
  return gives_up(0) || gives_up(1) ? 1 : 0;
}

TEST_P(ForkOf, no_child_gives_up_its_parents_role) {
  const auto to = bus::channel::open(bus::parse(at()).value()).value();
  fork_in(state::idle, [&] { return in_child([&] { return give_up_one(to); }); });
}

TEST_P(ForkOf, no_bare_clone_gives_up_its_parents_role) {
  const auto to = bus::channel::open(bus::parse(at()).value()).value();
  fork_in(state::idle, [&] { return in_clone([&] { return give_up_one(to); }); });
}

TEST_P(ForkOf, a_spawned_and_a_vforked_program_leave_the_roles_alone) {
  for (int s = 0; s <= static_cast<int>(state::views_out); ++s) {
    SCOPED_TRACE(names_of_states[s]);
    const auto ended = [](pid_t pid) {
      int status = 0;
      while (waitpid(pid, &status, 0) < 0) {
      }
      return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
    };
    fork_in(static_cast<state>(s), [&] {
      pid_t pid = 0;
      char* const words[] = {const_cast<char*>("true"), nullptr};
      if (posix_spawn(&pid, "/bin/true", nullptr, nullptr, words, environ) != 0) return 97;
      return ended(pid);
    });
    fork_in(static_cast<state>(s), [&] {
      const pid_t pid = vfork();
      if (pid == 0) must_exec();
      return ended(pid);
    });
    if (HasFatalFailure()) return;
  }
}

TEST_P(ForkOf, a_child_attaches_roles_of_its_own_and_so_does_its_child) {
  push("parent");
  scratch_endpoint other;
  const auto there = other.at(GetParam().scheme, GetParam().options);
  EXPECT_EQ(in_child([&] {
              auto tx = open_producer(there);
              auto rx = open_consumer(there);
              if (!tx || !rx || tx->try_push(bytes("child")) != status::ok) return 1;
              const auto grandchild = [&] {
                if (tx->try_push(bytes("no")) != status::not_permitted) return 11;
                if (rx->try_read().status() != status::not_permitted) return 12;
                if (use_all() != 0) return 13;
                tx->close();
                rx->close();
                scratch_endpoint third;
                auto own = open_producer(third.at(GetParam().scheme, GetParam().options));
                return own && own->try_push(bytes("own")) == status::ok ? 0 : 14;
              };
              if (const int why = in_child(grandchild); why != 0) return why;
              if (open_consumer(there)) return 2;  // ours is here still
              if (read_one(*rx) != "child") return 3;
              return use_all();
            }),
            0);
  EXPECT_EQ(read_one(*here.rx), "parent");
  expect_both_attached();
}

TEST_P(ForkOf, a_child_may_be_another_producer_beside_its_parent) {
  if (!GetParam().takes_many) return;  // the others refuse it: above
  push("parent");
  EXPECT_EQ(in_child([&] {
              auto tx = open_producer(at());
              return tx && tx->try_push(bytes("child")) == status::ok ? 0 : 1;
            }),
            0);
  push("parent again");
  for (const auto* one : {"parent", "child", "parent again"}) EXPECT_EQ(read_one(*here.rx), one);
}

TEST_P(ForkOf, a_descriptor_that_a_child_opens_is_not_closed_by_its_copies) {
  EXPECT_EQ(in_child([] {
              std::vector<int> files;
              for (int i = 0; i < 64; ++i) files.push_back(::open("/dev/null", O_RDONLY));
              here.clear();
              for (const int file : files) {
                if (fcntl(file, F_GETFD) < 0) return 1;
              }
              return 0;
            }),
            0);
  expect_both_attached();
}

// A parent with both roles, and a child of it that outlives it.
class orphaning {
 public:
  template <class Fork>
  orphaning(const std::string& at, Fork fork_one)
      : parent_([&] {
          here.clear();
          auto tx = open_producer(at);
          auto rx = open_consumer(at);
          if (!tx || !rx || tx->try_push(bytes("left")) != status::ok) _exit(1);
          if (fork_one() == 0) {
            ::close(ends_[1]);
            began_.reached();
            char none = 0;
            (void)!::read(ends_[0], &none, 1);  // until the test lets go
            ended_.reached();
            _exit(0);
          }
          for (;;) pause();
          return 0;
        }) {
    began_.wait();
  }
  ~orphaning() { ::close(ends_[0]); }
  void kill_parent() { parent_.killed(); }
  void end_child() const {
    ::close(ends_[1]);
    ended_.wait();
  }

 private:
  int ends_[2] = {made(0), made(1)};
  signpost began_, ended_;
  child parent_;

  int made(int which) {
    static int both[2];
    if (which == 0 && ::pipe(both) != 0) std::abort();
    return both[which];
  }
};

TEST_P(ForkOf, a_parent_is_alive_while_it_lives_and_dead_when_it_died_although_its_child_lives) {
  scratch_endpoint other;
  const auto there = other.at(GetParam().scheme, GetParam().options);
  // What stands in a pipe lives as long as somebody has it open: the child has.
  orphaning family(there, [] { return fork(); });
  EXPECT_EQ(refusal_of(open_consumer(there)).kind, fault::in_use);
  if (!GetParam().takes_many) {
    EXPECT_EQ(refusal_of(open_producer(there)).kind, fault::in_use);
  }
  family.kill_parent();
  auto rx = opened(open_consumer(there));
  EXPECT_EQ(rx.peer(), presence::died);
  auto tx = opened(open_producer(there));
  ASSERT_EQ(tx.try_push(bytes("new")), status::ok);
  EXPECT_EQ(read_one(rx), "left");
  EXPECT_EQ(read_one(rx), "new");
  family.end_child();
}

// Of a bare clone that holds the descriptor: found dead when it has ended. Nobody is robbed.
TEST_P(ForkOf, a_bare_clone_keeps_its_parents_role_taken_until_it_ends) {
  scratch_endpoint other;
  const auto there = other.at(GetParam().scheme, GetParam().options);
  orphaning family(there,
                   [] { return static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); });
  family.kill_parent();
  EXPECT_EQ(refusal_of(open_consumer(there)).kind, fault::in_use);
  family.end_child();
  auto rx = open_consumer(there);
  for (const auto until = within(30s); !rx && std::chrono::steady_clock::now() < until;) {
    rx = open_consumer(there);  // the kernel is about to end it
  }
  ASSERT_TRUE(rx);
}

TEST_P(ForkOf, a_process_that_closes_all_its_descriptors_keeps_its_roles) {
  scratch_endpoint other;
  const auto there = other.at(GetParam().scheme, GetParam().options);
  int done[2];
  ASSERT_EQ(::pipe(done), 0);
  child daemon([&] {
    here.clear();
    auto tx = open_producer(there);
    auto rx = open_consumer(there);
    if (!tx || !rx) return 1;
    dup2(done[1], STDIN_FILENO);
    closefrom(1);
    if (::write(STDIN_FILENO, "!", 1) != 1) return 2;
    for (;;) pause();
    return 0;
  });
  ::close(done[1]);
  char said = 0;
  ASSERT_EQ(::read(done[0], &said, 1), 1);
  ::close(done[0]);
  EXPECT_EQ(refusal_of(open_consumer(there)).kind, fault::in_use);
  daemon.killed();
  EXPECT_TRUE(open_consumer(there));
}

// Waits.

[[nodiscard]] counters_report counters_of(const std::string& at, bool of_consumer) {
  const auto where = opened(bus::resolve(opened(bus::parse(at)))).where;
  if (where.transport == bus::transport::pipe) {
    const auto seen = opened(inspect(opened(bus::open_pipe(where))));
    return of_consumer ? seen.consumer.counters : seen.producers[0].counters;
  }
  const auto seen = opened(inspect(opened(bus::open_segment(where))));
  return of_consumer ? seen.consumer.counters : seen.producers[0].counters;
}
void await_sleep(const std::string& at, bool of_consumer, std::uint64_t before = 0) {
  while (counters_of(at, of_consumer).waits == before) std::this_thread::yield();
}

TEST_P(ForkOf, a_thread_that_waits_in_the_parent_is_met_although_a_child_ended) {
  std::jthread reader([] { EXPECT_EQ(read_one(*here.rx), "late"); });
  await_sleep(at(), true);
  for (const auto& end : endings) EXPECT_EQ(in_child(end.act), 0) << end.name;
  push("late");
  reader.join();
  expect_both_attached();
}

// A signal that comes in a wait, and whose handler forks.
std::atomic<pid_t> forked{0};
pthread_t waiting_thread;
bool is_child = false;
void fork_in_handler(int) {
  const pid_t pid = fork();
  is_child = pid == 0;
  forked = pid;
}
int exit_status_of_forked() {
  while (forked == 0) std::this_thread::yield();
  int status = 0;
  while (waitpid(forked, &status, 0) < 0) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
void prepare_handler() {
  struct sigaction how {};
  how.sa_handler = fork_in_handler;
  sigaction(SIGUSR1, &how, nullptr);
  forked = 0;
  waiting_thread = pthread_self();
}

TEST_P(ForkOf, a_child_that_is_forked_in_a_read_that_waits_is_refused_there_and_the_parent_is_met) {
  prepare_handler();
  std::jthread other([this] {
    await_sleep(at(), true);
    pthread_kill(waiting_thread, SIGUSR1);
    EXPECT_EQ(exit_status_of_forked(), 0);
    push("late");
  });
  const view seen = here.rx->read(within(30s));
  if (is_child) _exit(seen.status() == status::not_permitted ? use_all() : 100);
  ASSERT_TRUE(seen);
  EXPECT_EQ(text(seen.bytes()), "late");
  here.rx->release();
  other.join();
  expect_both_attached();
}

TEST_P(ForkOf, a_child_that_is_forked_in_a_drain_reads_no_more_there_and_the_parent_reads_all) {
  for (int i = 0; i < 10; ++i) push(std::to_string(i).c_str());
  int count = 0;
  pid_t pid = -1;
  const auto got = here.rx->drain(
      [&](message) {
        if (++count == 3) pid = fork();
      },
      100);
  if (pid == 0) {
    const bool ended = got.count == 3 && got.why == status::not_permitted && count == 3;
    _exit(ended ? use_all() : 100);
  }
  int how = 0;
  ASSERT_EQ(waitpid(pid, &how, 0), pid);
  EXPECT_EQ(how, 0);
  EXPECT_EQ(got.count, 10u);
  EXPECT_EQ(count, 10);
  expect_both_attached();
}

TEST_P(ForkOf, a_child_that_is_forked_in_a_push_that_waits_is_refused_there_and_the_parent_is_met) {
  const auto one = pattern(30000, 1);
  const auto last = pattern(400000, 2);  // a pipe takes its first frames, and then has no room
  std::uint64_t count = 0;
  while (here.tx->try_push(message(one)) == status::ok) ++count;
  if (std::string(GetParam().scheme) == "pipe") {  // there is more room than was certain
    for (int i = 0; i < 10; ++i, ++count) {
      ASSERT_EQ(here.tx->push(message(one), within(30s)), status::ok);
    }
  }
  prepare_handler();
  std::jthread other([&] {
    await_sleep(at(), false);
    pthread_kill(waiting_thread, SIGUSR1);
    EXPECT_EQ(exit_status_of_forked(), 0);
    for (std::uint64_t i = 0; i <= count; ++i) {
      const view next = here.rx->read(within(30s));
      ASSERT_TRUE(next) << to_string(next.status());
      ASSERT_EQ(copy(next.bytes()), i < count ? one : last);
      here.rx->release();
    }
  });
  const status s = here.tx->push(message(last), within(30s));
  if (is_child) _exit(s == status::not_permitted ? use_all() : 100);
  EXPECT_EQ(s, status::ok);
  other.join();
  EXPECT_EQ(here.rx->try_read().status(), status::empty);
  expect_both_attached();
}

TEST(Fork, where_the_kernel_empties_no_page_for_a_child_the_handler_of_fork_does) {
  EXPECT_EQ(in_child([] {
              scratch_endpoint at;
              here.tx.emplace(opened(open_producer(at.at("shm"))));
              here.rx.emplace(opened(open_consumer(at.at("shm"))));
              if (madvise(&identity::own, sizeof(identity::own), MADV_KEEPONFORK) != 0) return 200;
              if (const int why = in_child([] { return use_all(); }); why != 0) return why;
              return here.tx->try_push(bytes("x")) == status::ok ? 0 : 201;
            }),
            0);
}

// A claim of a pipe that was committed and found no room.
TEST(Fork, what_a_pipe_producer_owes_is_sent_by_the_parent_alone) {
  scratch_endpoint at;
  auto tx = opened(open_producer(at.at("pipe", "producers=2")));
  auto beside = opened(open_producer(at.at("pipe")));
  auto claim = tx.try_claim(2000);  // no room is left for it
  ASSERT_TRUE(claim);
  const auto owed = pattern(2000, 7);
  std::ranges::copy(owed, claim.bytes().begin());
  const auto one = pattern(4000, 1);
  std::uint64_t count = 0;
  while (beside.try_push(message(one)) == status::ok) ++count;
  claim.commit();
  ASSERT_TRUE(tx.owes());
  EXPECT_EQ(in_child([&] {
              if (tx.owes()) return 1;
              tx.close();
              return 0;
            }),
            0);
  auto rx = opened(open_consumer(at.at("pipe")));
  for (; count > 0; --count) {
    ASSERT_TRUE(rx.read(within(30s)));
    rx.release();
  }
  EXPECT_TRUE(tx.owes());
  ASSERT_EQ(tx.push(bytes("next"), within(30s)), status::ok);
  EXPECT_EQ(copy(rx.read(within(30s)).bytes()), owed);
  EXPECT_EQ(read_one(rx), "next");
}

TEST(Fork, a_child_that_is_forked_in_a_commit_that_waits_commits_nothing) {
  scratch_endpoint at;
  const auto name = at.at("pipe", "producers=2");
  auto tx = opened(open_producer(name));
  auto beside = opened(open_producer(name));
  auto rx = opened(open_consumer(name));
  auto claim = tx.try_claim(2000);
  ASSERT_TRUE(claim);
  std::ranges::copy(pattern(2000, 7), claim.bytes().begin());
  const auto one = pattern(4000, 1);
  std::uint64_t count = 0;
  while (beside.try_push(message(one)) == status::ok) ++count;
  prepare_handler();
  std::jthread other([&] {
    await_sleep(name, false);
    pthread_kill(waiting_thread, SIGUSR1);
    EXPECT_EQ(exit_status_of_forked(), 0);
    for (; count > 0; --count) {
      ASSERT_TRUE(rx.read(within(30s)));
      rx.release();
    }
    EXPECT_EQ(copy(rx.read(within(30s)).bytes()), pattern(2000, 7));
    rx.release();
  });
  claim.commit();
  if (is_child) _exit(tx.owes() ? 1 : 0);
  other.join();
  EXPECT_EQ(rx.try_read().status(), status::empty);
}

TEST(Fork, what_once_noted_is_the_parents_alone) {
  scratch_endpoint at;
  auto tx = opened(open_producer(at.at("shm")));
  auto rx = opened(open_consumer(at.at("shm", "once=yes")));
  const auto push_marked = [&](std::uint64_t number) {
    const auto head = bus::head_of({7, number});
    const message parts[] = {head, bytes("marked")};
    ASSERT_EQ(tx.try_push(pieces(parts)), status::ok);
  };
  push_marked(1);
  ASSERT_TRUE(rx.try_read());
  EXPECT_EQ(in_child([&] {
              rx.release();  // would note it for good
              return 0;
            }),
            0);
  rx.close();  // what was read and not released is redelivered
  rx = opened(open_consumer(at.at("shm", "once=yes")));
  EXPECT_EQ(read_one(rx), "marked");
  EXPECT_EQ(rx.repeated(), 0u);
}

TEST(Fork, a_gateway_does_nothing_in_a_child_and_goes_on_in_the_parent) {
  scratch_endpoint from, to;
  auto tx = opened(open_producer(from.at("shm")));
  auto rx = opened(open_consumer(to.at("pipe")));
  const auto parsed = [](const std::string& name) { return opened(bus::parse(name)); };
  auto passing = opened(bus::gateway::open({parsed(from.at("shm"))}, parsed(to.at("pipe"))));
  ASSERT_EQ(tx.try_push(bytes("passed")), status::ok);
  EXPECT_EQ(in_child([&] {
              passing.run();
              const auto told = passing.report().at(0);
              if (told.state != bus::lane_state::failed || told.messages != 0) return 1;
              return told.error.find("another process") != std::string::npos ? 0 : 2;
            }),
            0);
  std::jthread runs([&] { passing.run(); });
  EXPECT_EQ(read_one(rx), "passed");
  passing.stop();
}

INSTANTIATE_TEST_SUITE_P(Fork, ForkOf, ::testing::ValuesIn(kinds),
                         [](const auto& of) { return std::string(of.param.name); });

}  // namespace
}  // namespace annulus::testing
