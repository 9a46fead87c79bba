// `annulus gateway` and `annulus choose`, as they are run.
#include "endpoints.hpp"
#include "own_directory.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <annulus/channel/typed.hpp>
#include <annulus/ring/inspect.hpp>

namespace annulus::testing {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

const own_directory all_channels;

// A run of the command, its two streams kept; killed at the latest with this object.
class command {
 public:
  explicit command(const std::vector<std::string>& words)
      : out_(std::tmpfile()), err_(std::tmpfile()), pid_(fork()) {
    if (pid_ != 0) return;
    std::vector<char*> argv{const_cast<char*>("annulus")};
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    dup2(fileno(out_), STDOUT_FILENO);
    dup2(fileno(err_), STDERR_FILENO);
    execv(ANNULUS_COMMAND, argv.data());
    _exit(126);
  }
  command(const command&) = delete;
  command& operator=(const command&) = delete;
  ~command() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    std::fclose(out_);
    std::fclose(err_);
  }

  void signal(int number) const { kill(pid_, number); }
  // The exit code; a death by a signal is its number, negated.
  int end() {
    int how = 0;
    waitpid(std::exchange(pid_, 0), &how, 0);
    return WIFEXITED(how) ? WEXITSTATUS(how) : -WTERMSIG(how);
  }
  [[nodiscard]] std::string out() const { return content(out_); }
  [[nodiscard]] std::string err() const { return content(err_); }

 private:
  static std::string content(std::FILE* of) {
    std::string all(1 << 16, '\0');
    const auto got = pread(fileno(of), all.data(), all.size(), 0);
    all.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return all;
  }

  std::FILE *out_, *err_;
  pid_t pid_;
};

struct answer {
  int code;
  std::string out, err;
};
answer annulus_says(const std::vector<std::string>& words) {
  command one(words);
  const int code = one.end();
  return {code, one.out(), one.err()};
}

// Pushes so many numbers, as soon as the gateway is there.
void push_numbers(const std::string& to, int count) {
  auto tx = opened(open_producer(to));
  for (int i = 0; i < count; ++i) {
    ASSERT_EQ(annulus::push(tx, i, within(30s)), status::ok);
  }
}

TEST(GatewayCommand, passes_on_until_the_sources_have_closed_and_tells_the_totals) {
  const scratch_endpoint a, b, to;
  auto rx = opened(open_consumer(to.at("shm", "producers=2")));
  command one({"gateway", a.at("shm"), b.at("pipe"), to.at("shm"), "--until-closed", "--json"});
  for (const auto& from : {a.at("shm"), b.at("pipe")}) {
    auto keep = opened(open_producer(from + "?producers=1"));
    for (int i = 0; i < 500; ++i) ASSERT_EQ(annulus::push(keep, i, within(30s)), status::ok);
    int seen = 0;
    while (seen < 500) {
      const auto got = annulus::read<int>(rx, within(30s));
      ASSERT_EQ(got.status, status::ok);
      ASSERT_EQ(got.value, seen++);
    }
  }
  EXPECT_EQ(one.end(), 0) << one.err();
  const auto told = json::parse(one.out());
  EXPECT_EQ(told["final"], true);
  EXPECT_EQ(told["messages"], 1000);
  EXPECT_EQ(told["bytes"], 4000);
  EXPECT_EQ(told["dropped"], 0);
  ASSERT_EQ(told["lanes"].size(), 2u);
  EXPECT_EQ(told["lanes"][0]["from"], a.at("shm"));
  EXPECT_EQ(told["lanes"][1]["messages"], 500);
  EXPECT_EQ(told["lanes"][1]["state"], "ended");
}

TEST(GatewayCommand, a_signal_stops_it_cleanly_with_its_code) {
  for (const int number : {SIGINT, SIGTERM}) {
    const scratch_endpoint from, to;
    auto rx = opened(open_consumer(to.at("pipe", "capacity=2MiB")));
    command one({"gateway", from.at("shm"), to.at("pipe"), "--once"});
    push_numbers(from.at("shm"), 100);
    for (int i = 0; i < 100; ++i) {
      ASSERT_EQ(rx.read(within(30s)).bytes().size(), bus::mark_bytes + sizeof i);
      rx.release();
    }
    one.signal(number);
    EXPECT_EQ(one.end(), 128 + number);
    EXPECT_THAT(one.err(), HasSubstr("100 messages, 400 B"));
    EXPECT_EQ(opened(inspect(opened(segment::open(from.str())))).depth, 0u);
  }
}

TEST(GatewayCommand, one_that_is_stopped_says_how_much_of_a_pipe_it_leaves_unread) {
  const scratch_endpoint from, to;
  command one({"gateway", from.at("shm"), to.at("pipe"), "--until-closed", "--health", "1ms"});
  push_numbers(from.at("shm"), 3);
  const auto until = within(30s);
  while (one.err().find("not all read") == std::string::npos) {
    ASSERT_LT(std::chrono::steady_clock::now(), until) << one.err();
    std::this_thread::yield();
  }
  one.signal(SIGTERM);
  EXPECT_EQ(one.end(), 128 + SIGTERM);
  EXPECT_THAT(one.err(), HasSubstr("bytes stand unread in " + to.at("pipe")));
}

TEST(GatewayCommand, a_channel_is_not_passed_on_into_itself_however_it_is_spelled) {
  const scratch_endpoint from;
  auto made = opened(segment::create(from.str()));
  for (const auto& alias :
       {made.path(), "/" + made.path(), files::directory() + "/./annulus." + from.str()}) {
    const auto said = annulus_says({"gateway", from.at("shm"), "shm:" + alias});
    EXPECT_EQ(said.code, 2) << alias;
    EXPECT_THAT(said.err, HasSubstr("the same channel")) << alias;
  }
  EXPECT_EQ(opened(inspect(made)).producers[0].state, presence::never_came);
}

TEST(GatewayCommand, one_that_is_refused_leaves_behind_only_what_was_there) {
  const scratch_endpoint from, to;
  const auto is_there = [](const bus::endpoint& e) {
    return ::access(bus::path_of(e).c_str(), F_OK) == 0;
  };
  const auto a = opened(bus::parse(from.at("shm")));
  const auto b = opened(bus::parse(to.at("pipe")));
  EXPECT_NE(annulus_says({"gateway", from.at("shm"), from.at("shm")}).code, 0);
  EXPECT_NE(annulus_says({"gateway", from.at("shm"), "shm:/no/such/folder"}).code, 0);
  EXPECT_NE(
      annulus_says({"gateway", from.at("shm", "max_message=1000"), to.at("pipe", "max_message=10")})
          .code,
      0);
  EXPECT_FALSE(is_there(a));
  EXPECT_FALSE(is_there(b));
  // auto: its decision goes too.
  EXPECT_NE(annulus_says({"gateway", from.at("auto"), "shm:/no/such/folder"}).code, 0);
  EXPECT_NE(::access(from.decision_path().c_str(), F_OK), 0);

  const auto kept = opened(segment::create(from.str()));
  EXPECT_NE(annulus_says({"gateway", from.at("shm"), "shm:/no/such/folder"}).code, 0);
  EXPECT_TRUE(is_there(a));
}

TEST(GatewayCommand, its_health_is_told_as_often_as_asked) {
  const scratch_endpoint from, to;
  command one({"gateway", from.at("shm"), to.at("shm"), "--health", "1ms"});
  const auto until = within(30s);
  while (one.err().find('\n') == std::string::npos && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  EXPECT_THAT(one.err(), HasSubstr(from.at("shm") + " idle"));
}

TEST(GatewayCommand, what_makes_no_sense_is_told) {
  const scratch_endpoint a, b;
  EXPECT_EQ(annulus_says({"gateway", a.at("shm")}).code, 2);
  const auto code_and_words = [&](const std::string& from, const std::string& to) {
    const auto got = annulus_says({"gateway", from, to});
    return std::to_string(got.code) + " " + got.err;
  };
  EXPECT_THAT(code_and_words(a.at("shm"), a.at("shm")), HasSubstr("2 annulus: shm:"));
  EXPECT_THAT(code_and_words("orders", a.at("shm")), HasSubstr("is no endpoint"));
  EXPECT_THAT(code_and_words(a.at("shm"), b.at("shm", "size=4")), HasSubstr("no option 'size'"));
  EXPECT_THAT(code_and_words(a.at("shm"), b.at("pipe", "create=no")), HasSubstr("3 annulus:"));
  const auto taken = opened(open_consumer(a.at("shm")));
  EXPECT_THAT(code_and_words(a.at("shm"), b.at("shm")), HasSubstr("4 annulus:"));
  EXPECT_EQ(annulus_says({"gateway", a.at("shm"), b.at("shm"), "--on-full", "cry"}).code, 2);
  EXPECT_EQ(annulus_says({"gateway", a.at("shm"), b.at("shm"), "--batch", "0"}).code, 2);
}

TEST(ChooseCommand, follows_the_tree_and_says_why) {
  EXPECT_THAT(annulus_says({"choose"}).out, HasSubstr("pipe: nothing asks for more"));
  EXPECT_THAT(annulus_says({"choose", "--latency", "99us"}).out,
              AllOf(HasSubstr("shm: less than 0.1 ms"), HasSubstr("shared memory is to be had")));
  EXPECT_THAT(annulus_says({"choose", "--rate", "10001", "--portable"}).out,
              HasSubstr("pipe: it must work where shared memory does not"));
  EXPECT_THAT(annulus_says({"choose", "--guarded"}).out, HasSubstr("pipe: the system is to guard"));
}

TEST(ChooseCommand, tells_what_was_decided_and_what_would_be) {
  const scratch_endpoint at, other;
  const auto rx = opened(open_consumer(at.at("auto", "rate=20000")));
  const auto seen = annulus_says({"choose", at.at("auto"), other.at("auto"), "--json"});
  EXPECT_EQ(seen.code, 0) << seen.err;
  const auto told = json::parse(seen.out);
  EXPECT_EQ(told[0]["endpoint"], at.at("auto"));
  EXPECT_EQ(told[0]["transport"], "shm");
  EXPECT_EQ(told[0]["decided"], "shm");
  EXPECT_EQ(told[0]["chosen"], "pipe");
  EXPECT_EQ(told[1]["transport"], "pipe");
  EXPECT_FALSE(told[1].contains("decided"));
  EXPECT_EQ(refusal_of(bus::decision_of(other.automatic())).kind,
            fault::not_found);  // it only looks
  EXPECT_THAT(annulus_says({"choose", at.at("auto")}).out,
              HasSubstr("to have it decided anew: annulus remove " + at.at("auto")));
}

TEST(ChooseCommand, what_leaves_nothing_to_choose_is_refused) {
  const auto seen = annulus_says({"choose", "shm:x"});
  EXPECT_EQ(seen.code, 2);
  EXPECT_THAT(seen.err, HasSubstr("leaves nothing to choose"));
}

}  // namespace
}  // namespace annulus::testing
