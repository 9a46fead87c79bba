// Deaths, signals and closed outputs around `annulus send` and `annulus recv`.
#include "cli/exit_code.hpp"
#include "cli/file.hpp"
#include "command.hpp"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <memory>
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

// Deaths.

TEST(CliDeath, a_killed_send_goes_on_where_it_stopped) {
  const place at;
  const auto text = random_text(48 * mebibyte + 321);
  const auto in = at.write("in", text);
  ASSERT_EQ(annulus_says(at, {"create", at.endpoint(), "--capacity", "64KiB"}).code, 0);
  run rx({"recv", at.endpoint(), "--keep"}, {.out = at.path("out"), .err = at.path("err")});
  const std::vector<std::string> words{"send",     at.endpoint(), "--file", in,
                                       "--resume", "--chunk",     "4KiB"};
  for (std::uint64_t kills = 1; kills <= 8; ++kills) {
    run tx(words, {});
    ASSERT_TRUE(eventually([&] { return at.received_from_ring() > 1000 * kills; }));
    tx.send_signal(SIGKILL);
    EXPECT_EQ(tx.wait(), 256 + SIGKILL);
  }
  EXPECT_EQ(run(words, {}).wait(), 0);
  EXPECT_EQ(rx.wait(), 0) << at.read("err");
  EXPECT_TRUE(at.read("out") == text);
}

TEST(CliDeath, resume_refuses_another_chunk_and_another_input) {
  const place at;
  const auto in = at.write("in", random_text(100'000));
  const auto other = at.write("other", random_text(100'000, 2));
  const auto shorter = at.write("shorter", random_text(100'000).substr(0, 50'000));
  run tx({"send", at.endpoint(), "--file", in, "--chunk", "1000", "--resume"}, {});
  ASSERT_EQ(tx.wait(), 0);
  const auto resume = [&](const std::string& file, const std::string& chunk) {
    return annulus_says(at, {"send", at.endpoint(), "--file", file, "--chunk", chunk, "--resume"});
  };
  EXPECT_EQ(resume(in, "1000").code, 0) << "all was sent: there is nothing left to do";
  for (const auto& [file, chunk] : {std::pair{in, "1001"}, std::pair{in, "2000"},
                                    std::pair{other, "1000"}, std::pair{shorter, "1000"}}) {
    const auto seen = resume(file, chunk);
    EXPECT_EQ(seen.code, code(exit_code::failure)) << file << " " << chunk;
    EXPECT_THAT(seen.err, HasSubstr("cannot go on"));
  }
  const auto seen = annulus_says(at, {"recv", at.endpoint()});
  EXPECT_TRUE(seen.out == at.read("in"));
}

TEST(CliDeath, a_dead_producer_is_told_after_all_that_it_committed) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.endpoint()}).code, 0);
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  run tx({"send", at.endpoint(), "--lines"}, {.in_file = pipe_ends[0]});
  ASSERT_EQ(write(pipe_ends[1], "one\ntwo\n", 8), 8);
  run rx({"recv", at.endpoint(), "--lines"}, {.out = at.path("out"), .err = at.path("err")});
  ASSERT_TRUE(eventually([&] { return at.received_from_ring() == 2; }));
  tx.send_signal(SIGKILL);
  EXPECT_EQ(rx.wait(), code(exit_code::peer_gone));
  EXPECT_EQ(at.read("out"), "one\ntwo\n");
  EXPECT_THAT(at.read("err"), HasSubstr("died without closing"));
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

TEST(CliDeath, a_dead_consumer_ends_send_unless_it_keeps_on) {
  const place at;
  const auto text = random_text(8 * mebibyte);
  const auto in = at.write("in", text);
  for (const bool keeps : {false, true}) {
    ASSERT_EQ(annulus_says(at, {"create", at.endpoint(), "--capacity", "64KiB"}).code, 0);
    std::vector<std::string> words{"send", at.endpoint(), "--file", in};
    if (keeps) words.emplace_back("--keep");
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    // Nobody empties the pipe, so it cannot end before it is killed.
    auto rx = std::make_unique<run>(std::vector<std::string>{"recv", at.endpoint()},
                                    run::streams{.out_file = pipe_ends[1]});
    ASSERT_TRUE(eventually([&] { return at.has_ring_consumer(); }));
    run tx(words, {.err = at.path("err")});
    ASSERT_TRUE(eventually([&] { return at.received_from_ring() > 0; }));
    rx->send_signal(SIGKILL);
    rx->wait();
    if (keeps) {
      run next({"recv", at.endpoint()}, {.out = at.path("out")});
      EXPECT_EQ(tx.wait(), 0);
      EXPECT_EQ(next.wait(), 0);
      const auto rest = at.read("out");
      EXPECT_TRUE(text.ends_with(rest) && !rest.empty());
    } else {
      EXPECT_EQ(tx.wait(), code(exit_code::peer_gone));
      EXPECT_THAT(at.read("err"), HasSubstr("died"));
    }
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    ASSERT_EQ(annulus_says(at, {"remove", at.endpoint()}).code, 0);
  }
}

TEST(CliDeath, signals_end_cleanly_and_say_so) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const place at;
    ASSERT_EQ(annulus_says(at, {"create", at.endpoint()}).code, 0);
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    run rx({"recv", at.endpoint(), "--forever"}, {});
    run tx({"send", at.endpoint()}, {.in_file = pipe_ends[0]});
    ASSERT_TRUE(eventually([&] {
      auto memory = segment::open(at.ring());
      return at.has_ring_consumer() && inspect(*memory)->producers[0].state == presence::attached;
    }));
    tx.send_signal(signal);
    EXPECT_EQ(tx.wait(), 128 + signal);
    rx.send_signal(signal);
    EXPECT_EQ(rx.wait(), 128 + signal);
    auto memory = segment::open(at.ring());
    ASSERT_TRUE(memory);
    auto seen = inspect(*memory);
    EXPECT_EQ(seen->consumer.state, presence::closed);
    EXPECT_EQ(seen->producers[0].state, presence::died) << "its input had not ended";
    close(pipe_ends[0]);
    close(pipe_ends[1]);
  }
}

TEST(CliDeath, a_closed_output_ends_recv_cleanly_and_keeps_the_rest) {
  const place at;
  std::string lines;
  for (int i = 0; i < 1000; ++i) lines += std::to_string(i) + "\n";
  ASSERT_EQ(annulus_says(at, {"create", at.endpoint()}).code, 0);
  ASSERT_EQ(annulus_says(at, {"send", at.endpoint(), "--lines"}, lines).code, 0);
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  close(pipe_ends[0]);
  run rx({"recv", at.endpoint(), "--lines"}, {.out_file = pipe_ends[1]});
  EXPECT_EQ(rx.wait(), 0);
  close(pipe_ends[1]);
  const auto rest = annulus_says(at, {"recv", at.endpoint(), "--lines"});
  EXPECT_EQ(rest.out, lines);
}

}  // namespace
}  // namespace annulus
