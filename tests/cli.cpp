// The command looks and repairs: stat, recover; and it measures.
#include "child.hpp"
#include "cli/exit_code.hpp"
#include "command.hpp"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <string>
#include <tuple>

#include <annulus/pipe/consumer.hpp>
#include <annulus/pipe/producer.hpp>
#include <annulus/ring/inspect.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus {
namespace {

using namespace std::chrono_literals;
using cli::exit_code;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace annulus::testing;

// Looking and repairing.

TEST(CliStat, json_tells_all_and_disturbs_nobody) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.endpoint(), "--mpsc", "--producers", "3"}).code, 0);
  auto memory = segment::open(at.ring());
  auto one = mpsc_producer::attach(*memory);
  auto two = mpsc_producer::attach(*memory);
  auto open_claim = one->try_claim(100);
  const auto text = annulus_says(at, {"stat", at.endpoint(), "--json"});
  ASSERT_EQ(text.code, 0);
  const auto seen = nlohmann::json::parse(text.out);
  EXPECT_EQ(seen["name"], at.endpoint());
  EXPECT_EQ(seen["topology"], "mpsc");
  EXPECT_EQ(seen["depth"], 112);
  EXPECT_EQ(seen["consumer"]["state"], "never came");
  ASSERT_EQ(seen["producers"].size(), 2u);
  EXPECT_EQ(seen["producers"][0]["state"], "attached");
  EXPECT_EQ(seen["producers"][0]["pid"], getpid());
  EXPECT_EQ(seen["producers"][0]["has_claim"], true);
  EXPECT_THAT(seen["blocked_by"].get<std::string>(), HasSubstr("producer 0"));
  EXPECT_THAT(annulus_says(at, {"stat", at.endpoint()}).out, HasSubstr("BLOCKED"));

  const auto all = nlohmann::json::parse(annulus_says(at, {"stat", "--json"}).out);
  EXPECT_TRUE(std::ranges::any_of(all, [&](const auto& r) { return r["name"] == at.endpoint(); }));
}

std::uint64_t pid_namespace_of(pid_t process) {
  struct stat info {};
  EXPECT_EQ(stat(("/proc/" + std::to_string(process) + "/ns/pid").c_str(), &info), 0);
  return info.st_ino;
}

TEST(CliStat, a_process_of_another_pid_namespace_is_told_as_one) {
  if (!may_number_processes()) return;
  const place at;
  const auto ring = segment::create(at.ring()).value();
  const auto pipe = named_pipe::create(at.ring(), {.producers = 1}).value();
  const auto attach = [&] {
    return std::tuple(spsc_producer::attach(ring).value(), spsc_consumer::attach(ring).value(),
                      pipe_producer::attach(pipe).value(), pipe_consumer::attach(pipe).value());
  };
  const auto star = HasSubstr("* its number in its own pid namespace");
  for (const bool is_apart : {true, false}) {
    SCOPED_TRACE(is_apart);
    const lingering there(attach, is_apart ? CLONE_NEWPID : 0);
    const auto pid = is_apart ? 1 : there.pid();
    const auto where = pid_namespace_of(there.pid());
    for (const auto& name : {at.endpoint(), at.pipe()}) {
      SCOPED_TRACE(name);
      const auto seen = nlohmann::json::parse(annulus_says(at, {"stat", name, "--json"}).out);
      for (const auto& role : {seen["consumer"], seen["producers"][0]}) {
        EXPECT_EQ(role["pid"], pid);
        EXPECT_EQ(role["pid_namespace"], where);
      }
      const auto text = annulus_says(at, {"stat", name}).out;
      if (is_apart) {
        EXPECT_THAT(text, star);
      } else {
        EXPECT_THAT(text, Not(star));
      }
    }
    const auto told = "process " + std::to_string(pid) +
                      (is_apart ? " of pid namespace " + std::to_string(where) : "") + " holds";
    EXPECT_THAT(spsc_producer::attach(ring).error().message, HasSubstr(told));
    EXPECT_THAT(spsc_consumer::attach(ring).error().message, HasSubstr(told));
    EXPECT_THAT(pipe_producer::attach(pipe).error().message, HasSubstr(told));
    EXPECT_THAT(pipe_consumer::attach(pipe).error().message, HasSubstr(told));
  }
}

// Root alone can give a file away; for others, the file stays theirs.
TEST(CliStat, a_ring_of_another_user_is_told_and_not_touched) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.endpoint(), "--mode", "0644"}).code, 0);
  auto memory = segment::open(at.ring());
  const bool is_anothers = fchown(memory->file(), 12345, 12345) == 0;
  EXPECT_EQ(annulus_says(at, {"stat", at.endpoint()}).code, 0);
  if (is_anothers) {
    EXPECT_EQ(annulus_says(at, {"recv", at.endpoint()}).code, code(exit_code::refused));
    EXPECT_EQ(annulus_says(at, {"remove", at.endpoint()}).code, code(exit_code::refused));
  }
  ASSERT_EQ(fchown(memory->file(), geteuid(), getegid()), 0);
}

TEST(CliStat, watch_ends_quietly_when_its_reader_has_gone) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.endpoint()}).code, 0);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  run watch({"stat", at.endpoint(), "--watch", "0.01", "--json"},
            {.err = at.path("err"), .out_file = ends[1]});
  close(ends[1]);
  char first = 0;
  EXPECT_EQ(read(ends[0], &first, 1), 1);
  close(ends[0]);
  EXPECT_EQ(watch.wait(), 0);
  EXPECT_EQ(at.read("err"), "");
}

TEST(CliStat, watch_tells_rates_as_lines_of_json_until_a_signal) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.endpoint()}).code, 0);
  run watch({"stat", at.endpoint(), "--watch", "0.01", "--json"}, {.out = at.path("out")});
  ASSERT_TRUE(eventually([&] { return std::ranges::count(at.read("out"), '\n') >= 3; }));
  watch.send_signal(SIGINT);
  EXPECT_EQ(watch.wait(), 128 + SIGINT);
  std::ifstream in(at.path("out"));
  for (std::string line; std::getline(in, line);) {
    EXPECT_EQ(nlohmann::json::parse(line)["messages_per_second"], 0.0);
  }
}

TEST(CliRecover, skips_what_the_dead_left_and_loses_no_message) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.endpoint(), "--mpsc"}).code, 0);
  auto memory = segment::open(at.ring());
  const auto dies_within_a_claim = [&] {
    const auto child = fork();
    if (child == 0) {
      auto tx = mpsc_producer::attach(*memory);
      auto claim = tx->try_claim(1000);
      _exit(claim ? 0 : 1);
    }
    waitpid(child, nullptr, 0);
  };
  dies_within_a_claim();
  const auto empty = annulus_says(at, {"recover", at.endpoint()});
  EXPECT_EQ(empty.code, 0);
  EXPECT_THAT(empty.out, HasSubstr("1 claims of dead producers"));
  EXPECT_EQ(inspect(*memory)->depth, 0u);

  dies_within_a_claim();
  ASSERT_TRUE(eventually([&] { return inspect(*memory)->producers[0].state == presence::died; }));
  // The consumer that recover was has closed: the next one finds what was sent meanwhile.
  run tx({"send", at.endpoint(), "--lines"}, {.in = at.write("in", "after\n")});
  EXPECT_EQ(tx.wait(), 0);
  const auto seen = annulus_says(at, {"recv", at.endpoint(), "--lines", "--count", "1"});
  EXPECT_EQ(seen.out, "after\n");
}

TEST(CliRecover, drains_only_when_asked) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"send", at.endpoint(), "--lines"}, "a\nb\nc\n").code, 0);
  EXPECT_THAT(annulus_says(at, {"recover", at.endpoint()}).out, HasSubstr("a message stands"));
  EXPECT_EQ(annulus_says(at, {"recv", at.endpoint(), "--count", "1"}).out, "a");
  EXPECT_THAT(annulus_says(at, {"recover", at.endpoint(), "--drain"}).out,
              HasSubstr("2 messages, 2 B, were discarded"));
  auto memory = segment::open(at.ring());
  EXPECT_EQ(inspect(*memory)->depth, 0u);
}

TEST(CliBench, measures_and_tells_what_it_measured) {
  const place at;
  const auto text = annulus_says(at, {"bench", "--seconds", "0.2", "--repeats", "2", "--sizes",
                                      "8,1KiB", "--wait", "yield", "--json"});
  ASSERT_EQ(text.code, 0) << text.err;
  const auto seen = nlohmann::json::parse(text.out);
  ASSERT_EQ(seen["sizes"].size(), 2u);
  EXPECT_GT(seen["sizes"][0]["round_trip"]["p50_ns"], 0);
  EXPECT_GT(seen["sizes"][1]["messages_per_second"]["median"], 0);
  EXPECT_GT(seen["cache_line"]["samples"], 0);
}

TEST(CliCompare, measures_what_it_is_asked_for) {
  const place at;
  const auto text = annulus_says(at, {"compare", "--only", "ring block", "--seconds", "0.2",
                                      "--rounds", "1", "--json", "--plots", at.path("plots")});
  ASSERT_EQ(text.code, 0) << text.err;
  const auto seen = nlohmann::json::parse(text.out);
  ASSERT_EQ(seen["transports"].size(), 1u);
  EXPECT_GT(seen["transports"][0]["throughput"][0]["messages_per_second"]["median"], 0);
  for (const auto* picture : {"plots/latency.svg", "plots/throughput.svg"}) {
    EXPECT_THAT(at.read(picture), HasSubstr("</svg>")) << picture;
  }
}

TEST(CliCompare, an_interrupt_ends_it_cleanly) {
  const place at;
  run compare({"compare", "--seconds", "600"}, {});
  ASSERT_TRUE(eventually([&] { return compare.has_children(); }));
  compare.send_signal(SIGINT);
  EXPECT_EQ(compare.wait(), 128 + SIGINT);
}

}  // namespace
}  // namespace annulus
