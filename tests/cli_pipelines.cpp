// `annulus send` and `annulus recv` over rings, between real processes.
#include "cli/endpoint.hpp"
#include "cli/exit_code.hpp"
#include "command.hpp"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <annulus/ring/inspect.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus {
namespace {

using namespace std::chrono_literals;
using cli::exit_code;
using ::testing::HasSubstr;
using namespace annulus::testing;

// Pipelines.

struct pipeline {
  const char* topology;
  const char* wait;
  bool consumer_first;

  friend void PrintTo(const pipeline& p, std::ostream* to) {
    *to << p.topology << ' ' << p.wait << (p.consumer_first ? ", consumer first" : "");
  }
};

class CliPipeline : public ::testing::TestWithParam<pipeline> {
 protected:
  static void SetUpTestSuite() {
    files_ = new place;
    files_->write("in", random_text(64 * mebibyte + 12345));
  }
  static void TearDownTestSuite() { delete files_; }

  inline static place* files_ = nullptr;
};

TEST_P(CliPipeline, moves_a_file_whoever_comes_first_and_leaves_nothing) {
  const auto& how = GetParam();
  const place at;
  const auto in = files_->path("in");
  const std::vector<std::string> send_words{"send",   at.endpoint(), "--wait",
                                            how.wait, "--topology",  how.topology};
  const std::vector<std::string> recv_words{"recv", at.endpoint(), "--wait", how.wait};
  const run::streams from{.in = in};
  const run::streams to{.out = at.path("out")};
  std::optional<run> tx;
  std::optional<run> rx;
  if (how.consumer_first) {
    rx.emplace(recv_words, to);
    tx.emplace(send_words, from);
  } else {
    tx.emplace(send_words, from);
    ASSERT_TRUE(eventually([&] { return at.has_ring(); }));
    rx.emplace(recv_words, to);
  }
  EXPECT_EQ(tx->wait(), 0);
  EXPECT_EQ(rx->wait(), 0);
  EXPECT_TRUE(at.read("out") == files_->read("in"));
  EXPECT_FALSE(at.has_ring());
}

INSTANTIATE_TEST_SUITE_P(
    All, CliPipeline,
    ::testing::Values(pipeline{"spsc", "spin", false}, pipeline{"spsc", "yield", true},
                      pipeline{"spsc", "block", false}, pipeline{"spsc", "block", true},
                      pipeline{"mpsc", "spin", true}, pipeline{"mpsc", "yield", false},
                      pipeline{"mpsc", "block", false}, pipeline{"mpsc", "block", true}),
    [](const auto& one) {
      return std::string(one.param.topology) + "_" + one.param.wait +
             (one.param.consumer_first ? "_consumer_first" : "_producer_first");
    });

TEST(CliPipe, standard_streams_that_are_pipes_work) {
  const place at;
  const auto text = random_text(5 * mebibyte + 7);
  at.write("in", text);
  const auto script = "cat " + at.path("in") + " | " + ANNULUS_COMMAND + " send " + at.endpoint() +
                      " & " + ANNULUS_COMMAND + " recv " + at.endpoint() + " | cat >" +
                      at.path("out") + "; wait";
  ASSERT_EQ(std::system(script.c_str()), 0);
  EXPECT_TRUE(at.read("out") == text);
}

TEST(CliPipe, rings_made_in_passing_follow_each_other_and_lose_nothing) {
  const place at;
  for (int round = 0; round < 50; ++round) {
    const auto text = "round " + std::to_string(round) + "\n";
    run rx({"recv", at.endpoint(), "--lines"}, {.out = at.path("out"), .err = at.path("err")});
    run tx({"send", at.endpoint(), "--lines"},
           {.in = at.write("in", text), .err = at.path("send.err")});
    ASSERT_EQ(tx.wait(), 0) << at.read("send.err");
    ASSERT_EQ(rx.wait(), 0) << at.read("err");
    ASSERT_EQ(at.read("out"), text);
  }
}

TEST(CliPipe, producers_that_come_while_the_consumer_ends_lose_nothing) {
  const place at;
  std::string sent;
  std::string received;
  std::optional<run> rx;
  const auto collect = [&] {
    EXPECT_EQ(rx->wait(), 0) << at.read("err");
    received += at.read("out");
    rx.reset();
  };
  for (int round = 0; round < 30; ++round) {
    const auto text = "message " + std::to_string(round) + "\n";
    if (!rx)
      rx.emplace(std::vector<std::string>{"recv", at.endpoint(), "--lines"},
                 run::streams{.out = at.path("out"), .err = at.path("err")});
    // Two in a row: the second may come just when the consumer has seen the first one's end.
    for (int i = 0; i < 2; ++i) {
      run tx({"send", at.endpoint(), "--lines"},
             {.in = at.write("in", text), .err = at.path("send.err")});
      ASSERT_EQ(tx.wait(), 0) << at.read("send.err");
      sent += text;
    }
    collect();
    if (at.has_ring()) {  // the second made a ring of its own
      rx.emplace(std::vector<std::string>{"recv", at.endpoint(), "--lines"},
                 run::streams{.out = at.path("out"), .err = at.path("err")});
      collect();
    }
  }
  EXPECT_EQ(received, sent);
}

TEST(CliPipe, a_ring_made_in_passing_has_room_for_the_chunks_that_were_asked_for) {
  const place at;
  const auto file = at.write("in", random_text(5 * mebibyte));
  run tx({"send", at.endpoint(), "--file", file, "--chunk", "2MiB"}, {.err = at.path("err")});
  EXPECT_EQ(annulus_says(at, {"recv", at.endpoint(), "--timeout", "30s"}).out, at.read("in"));
  EXPECT_EQ(tx.wait(), 0) << at.read("err");
  EXPECT_EQ(annulus_says(at, {"send", at.endpoint(), "--chunk", "1TiB"}).code,
            code(exit_code::usage));
  EXPECT_FALSE(at.has_ring());
}

TEST(CliPipe, lines_and_frames_come_out_as_they_went_in) {
  const place at;
  const std::string lines = "one\n\n\nfour\n" + std::string(300000, 'x') + "\n\n";
  std::string frames = frame("") + frame("a\n") + frame(std::string("\0b", 2)) + frame("");
  for (std::size_t bytes = 0; bytes < 1000; ++bytes) frames += frame(std::string(bytes, 'y'));
  for (const auto& [flag, text] : {std::pair{"--lines", lines}, std::pair{"--frames", frames}}) {
    ASSERT_EQ(annulus_says(at, {"create", at.endpoint()}).code, 0);
    run rx({"recv", at.endpoint(), flag}, {.out = at.path("out")});
    EXPECT_EQ(annulus_says(at, {"send", at.endpoint(), flag}, text).code, 0);
    EXPECT_EQ(rx.wait(), 0);
    EXPECT_TRUE(at.read("out") == text) << flag;
    ASSERT_EQ(annulus_says(at, {"remove", at.endpoint()}).code, 0);
  }
}

TEST(CliPipe, a_stream_that_was_read_is_not_taken_for_the_next_one) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.endpoint()}).code, 0);
  for (int stream = 0; stream < 20; ++stream) {  // a producer may come just when it was found gone
    const auto text = std::to_string(stream);
    run rx({"recv", at.endpoint()}, {.out = at.path("out")});
    ASSERT_TRUE(eventually([&] { return at.has_ring_consumer(); }));
    ASSERT_EQ(annulus_says(at, {"send", at.endpoint(), "--timeout", "20s"}, text).code, 0);
    EXPECT_EQ(rx.wait(), 0);
    EXPECT_EQ(at.read("out"), text);
  }
}

class CliProducers : public ::testing::TestWithParam<const char*> {};

TEST_P(CliProducers, each_keep_their_order) {
  const place at;
  const auto endpoint = GetParam() + at.ring();
  constexpr int producers = 4;
  constexpr int each = 5000;
  ASSERT_EQ(annulus_says(at, {"create", endpoint, "--producers", "4"}).code, 0);
  run rx({"recv", endpoint, "--lines", "--producers", "4"}, {.out = at.path("out")});
  std::vector<std::unique_ptr<run>> all;
  for (int p = 0; p < producers; ++p) {
    std::string text;
    for (int i = 0; i < each; ++i) text += std::to_string(p) + " " + std::to_string(i) + "\n";
    const auto in = at.write("in" + std::to_string(p), text);
    all.push_back(std::make_unique<run>(std::vector<std::string>{"send", endpoint, "--lines"},
                                        run::streams{.in = in}));
  }
  for (auto& one : all) EXPECT_EQ(one->wait(), 0);
  EXPECT_EQ(rx.wait(), 0);
  std::ifstream in(at.path("out"));
  std::vector<int> next(producers, 0);
  for (int p = 0, i = 0; in >> p >> i;) ASSERT_EQ(i, next.at(static_cast<std::size_t>(p))++);
  EXPECT_EQ(next, std::vector<int>(producers, each));
}

INSTANTIATE_TEST_SUITE_P(All, CliProducers, ::testing::Values("shm:", "pipe:"),
                         [](const auto& one) {
                           return std::string(one.param, std::strlen(one.param) - 1);
                         });

}  // namespace
}  // namespace annulus
