// The command in odd surroundings: what its starter, a sandbox or a limit made of them.
#include "child.hpp"
#include "command.hpp"
#include "forbidding.hpp"
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace annulus {
namespace {

using namespace testing;
using cli::exit_code;

// A run of the command in a process that was prepared for it; silent.
class prepared {
 public:
  prepared(const std::vector<std::string>& words, const std::function<bool()>& prepare)
      : process_([&] {
          std::vector<char*> argv{const_cast<char*>("annulus")};
          for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
          argv.push_back(nullptr);
          const int nowhere = open("/dev/null", O_RDWR);
          for (int stream = 0; stream <= STDERR_FILENO; ++stream) dup2(nowhere, stream);
          if (!prepare()) return 125;
          execv(ANNULUS_COMMAND, argv.data());
          return 126;
        }) {}

  // Whether it has begun to hear this signal itself.
  [[nodiscard]] bool hears(int number) const {
    std::ifstream status("/proc/" + std::to_string(process_.pid()) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (!line.starts_with("SigCgt:")) continue;
      return (std::stoull(line.substr(7), nullptr, 16) >> (number - 1) & 1) != 0;
    }
    return false;
  }
  void send_signal(int number) const { kill(process_.pid(), number); }
  int wait() { return process_.exit_status(); }
  // The same, after a minute by force.
  int wait_in_time() {
    siginfo_t ended{};
    const bool has_ended = eventually([&] {
      return waitid(P_PID, static_cast<id_t>(process_.pid()), &ended,
                    WEXITED | WNOHANG | WNOWAIT) == 0 &&
             ended.si_pid != 0;
    });
    return has_ended ? process_.exit_status() : process_.killed();
  }

 private:
  child process_;
};

// Services, threads of Python and others start it so.
TEST(CliSurroundings, a_signal_that_its_starter_has_blocked_ends_it_all_the_same) {
  const place at;
  ASSERT_TRUE(segment::create(at.ring()));
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    prepared rx({"recv", at.endpoint(), "--forever"}, [] {
      sigset_t all;
      return sigfillset(&all) == 0 && sigprocmask(SIG_BLOCK, &all, nullptr) == 0;
    });
    ASSERT_TRUE(eventually([&] { return at.has_ring_consumer(); }));
    rx.send_signal(number);
    EXPECT_EQ(rx.wait_in_time(), 128 + number);
  }
}

TEST(CliSurroundings, a_ring_cut_off_where_every_signal_is_blocked_is_damage_and_no_death) {
  const place at;
  ASSERT_TRUE(segment::create(at.ring()));
  prepared rx({"recv", at.endpoint(), "--forever"}, [] {
    sigset_t all;
    return sigfillset(&all) == 0 && sigprocmask(SIG_BLOCK, &all, nullptr) == 0;
  });
  ASSERT_TRUE(eventually([&] { return at.has_ring_consumer(); }));
  ASSERT_EQ(truncate(at.left("").c_str(), 0), 0);
  EXPECT_EQ(rx.wait_in_time(), code(exit_code::damaged));
}

// As on a machine with more of them than a cpu_set_t holds, or in a sandbox.
TEST(CliSurroundings, no_command_needs_to_know_which_processors_there_are) {
  for (const int error : {EINVAL, EPERM, ENOSYS}) {
    const place at;
    EXPECT_EQ(
        prepared({"create", at.endpoint()}, [&] { return forbid(SYS_sched_getaffinity, error); })
            .wait(),
        0);
    EXPECT_TRUE(at.has_ring());
  }
}

TEST(CliSurroundings, one_that_waits_for_the_other_end_of_a_fifo_is_ended_by_a_signal) {
  const place at;
  ASSERT_TRUE(segment::create(at.ring()));
  ASSERT_EQ(mkfifo(at.path("fifo").c_str(), 0600), 0);
  for (const std::string what : {"send", "recv"}) {
    prepared one({what, at.endpoint(), "--file", at.path("fifo")}, [] { return true; });
    ASSERT_TRUE(eventually([&] { return one.hears(SIGBUS); }));  // the last that it begins to hear
    one.send_signal(SIGTERM);
    EXPECT_EQ(one.wait_in_time(), 128 + SIGTERM) << what;
  }
}

TEST(CliSurroundings, the_other_end_of_a_fifo_is_waited_for_no_longer_than_the_timeout) {
  const place at;
  ASSERT_TRUE(segment::create(at.ring()));
  ASSERT_EQ(mkfifo(at.path("fifo").c_str(), 0600), 0);
  for (const std::string what : {"send", "recv"}) {
    for (const std::string limit : {"0s", "20ms"}) {
      prepared one({what, at.endpoint(), "--file", at.path("fifo"), "--timeout", limit},
                   [] { return true; });
      EXPECT_EQ(one.wait_in_time(), code(exit_code::timed_out)) << what << " " << limit;
    }
  }
}

TEST(CliSurroundings, a_fifo_that_was_opened_in_time_may_be_silent_for_as_long_as_it_likes) {
  const place at;
  ASSERT_TRUE(segment::create(at.ring()));
  ASSERT_EQ(mkfifo(at.path("fifo").c_str(), 0600), 0);
  const int both_ends = open(at.path("fifo").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(both_ends, 0);
  prepared one({"send", at.endpoint(), "--file", at.path("fifo"), "--timeout", "0s"},
               [] { return true; });
  ASSERT_TRUE(eventually([&] { return at.seen_of_ring().producers.at(0).attached_at != 0; }));
  ASSERT_EQ(write(both_ends, "late", 4), 4);
  close(both_ends);
  EXPECT_EQ(one.wait_in_time(), 0);
}

// Room for the decision, and none for a channel.
TEST(CliSurroundings, what_cannot_be_made_leaves_no_decision_of_its_auto_name) {
  const auto little = [] {
    const rlimit most{1000, 1000};
    return setrlimit(RLIMIT_FSIZE, &most) == 0;
  };
  const place at;
  EXPECT_EQ(prepared({"create", at.any()}, little).wait(), code(exit_code::failure));
  EXPECT_NE(::access(at.left(".auto").c_str(), F_OK), 0);
  EXPECT_EQ(prepared({"gateway", at.any(), "shm:" + at.path("to")}, little).wait(),
            code(exit_code::failure));
  EXPECT_NE(::access(at.left(".auto").c_str(), F_OK), 0);
  EXPECT_EQ(prepared({"send", at.any()}, little).wait(), code(exit_code::failure));
  EXPECT_NE(::access(at.left(".auto").c_str(), F_OK), 0);
}

TEST(CliSurroundings, what_is_refused_leaves_no_decision_of_its_auto_name) {
  const place at;
  const std::vector<std::vector<std::string>> all = {{"create", at.any(), "--no-reserve"},
                                                     {"create", at.any(), "--huge-pages"},
                                                     {"create", at.any(), "--integrity", "crc32c"},
                                                     {"send", at.any(), "--resume"}};
  for (const auto& words : all) {
    EXPECT_EQ(prepared(words, [] { return true; }).wait(), code(exit_code::usage)) << words.back();
    EXPECT_NE(::access(at.left(".auto").c_str(), F_OK), 0) << words.back();
  }
}

}  // namespace
}  // namespace annulus
