// How a stream ends: whole, empty, or cut short, and what recv makes of its file and its deadline.
#include "cli/exit_code.hpp"
#include "command.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include <annulus/pipe/inspect.hpp>
#include <annulus/pipe/named_pipe.hpp>
#include <annulus/ring/inspect.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus {
namespace {

using cli::exit_code;
using ::testing::HasSubstr;
using namespace annulus::testing;

// Each test over each transport.
class CliEnding : public ::testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] std::string endpoint() const { return GetParam() + at.ring(); }
  [[nodiscard]] bool has_reader() const {
    if (GetParam() == std::string("pipe:")) {
      auto pipe = named_pipe::open(at.ring());
      if (!pipe) return false;
      auto seen = inspect(*pipe);
      return seen && seen->consumer.state == presence::attached;
    }
    auto memory = segment::open(at.ring());
    if (!memory) return false;
    auto seen = inspect(*memory);
    return seen && seen->consumer.state == presence::attached;
  }

  place at;
};

INSTANTIATE_TEST_SUITE_P(Transports, CliEnding, ::testing::Values("shm:", "pipe:"),
                         [](const auto& one) {
                           return std::string(one.param,
                                              one.param + std::string(one.param).find(':'));
                         });

TEST_P(CliEnding, empty_input_ends_at_both_sides_whoever_comes_first) {
  EXPECT_EQ(annulus_says(at, {"send", endpoint()}).code, 0);
  EXPECT_EQ(annulus_says(at, {"recv", endpoint(), "--timeout", "20s"}).code, 0) << "afterwards";
  for (int i = 0; i < 5; ++i) {
    run tx({"send", endpoint()}, {});
    run rx({"recv", endpoint(), "--timeout", "20s"}, {});
    EXPECT_EQ(tx.wait(), 0) << "at once";
    EXPECT_EQ(rx.wait(), 0) << "at once";
  }
  run rx({"recv", endpoint(), "--timeout", "20s"}, {});
  EXPECT_EQ(annulus_says(at, {"send", endpoint()}).code, 0);
  EXPECT_EQ(rx.wait(), 0) << "before";
  EXPECT_FALSE(at.has_ring());
  EXPECT_FALSE(std::filesystem::exists(at.left(".pipe")));
}

TEST_P(CliEnding, a_sender_that_a_signal_ended_is_told_from_one_that_sent_all) {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGKILL}) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const auto out = "out" + std::to_string(signal);
    run rx({"recv", endpoint(), "--lines"}, {.out = at.path(out), .err = at.path("err")});
    run tx({"send", endpoint(), "--lines"}, {.in_file = ends[0]});
    ASSERT_EQ(write(ends[1], "one\ntwo\n", 8), 8);
    ASSERT_TRUE(eventually([&] { return at.read(out) == "one\ntwo\n"; }));
    tx.send_signal(signal);
    EXPECT_EQ(tx.wait(), (signal == SIGKILL ? 256 : 128) + signal);
    EXPECT_EQ(rx.wait(), code(exit_code::peer_gone)) << "signal " << signal;
    EXPECT_THAT(at.read("err"), HasSubstr("before the end of its input"));
    EXPECT_EQ(annulus_says(at, {"remove", endpoint()}).code, 0);
    close(ends[0]);
    close(ends[1]);
  }
}

TEST_P(CliEnding, an_input_that_fails_is_told_after_all_that_came_before_it) {
  run rx({"recv", endpoint(), "--lines"}, {.out = at.path("out")});
  const auto too_long = std::string(600000, 'a');
  const auto said =
      annulus_says(at, {"send", endpoint(), "--lines"}, "one\n" + too_long + "\nthree\n");
  EXPECT_EQ(said.code, code(exit_code::failure));
  const auto kind = std::string(endpoint().starts_with("pipe:") ? "pipe" : "ring");
  EXPECT_THAT(said.err, HasSubstr("create the " + kind + " with a larger --max-message"));
  EXPECT_EQ(rx.wait(), code(exit_code::peer_gone));
  EXPECT_EQ(at.read("out"), "one\n");
}

TEST_P(CliEnding, a_frame_that_is_cut_off_is_told_to_both_sides) {
  run rx({"recv", endpoint(), "--frames"}, {.out = at.path("out")});
  const auto said =
      annulus_says(at, {"send", endpoint(), "--frames"}, frame("one") + frame("two").substr(0, 5));
  EXPECT_EQ(said.code, code(exit_code::damaged));
  EXPECT_EQ(rx.wait(), code(exit_code::peer_gone));
  EXPECT_EQ(at.read("out"), frame("one"));
}

TEST_P(CliEnding, the_next_sender_ends_the_stream_for_a_reader_that_keeps_on) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  run rx({"recv", endpoint(), "--lines", "--keep"}, {.out = at.path("out")});
  {
    run tx({"send", endpoint(), "--lines"}, {.in_file = ends[0]});
    ASSERT_EQ(write(ends[1], "one\n", 4), 4);
    ASSERT_TRUE(eventually([&] { return at.read("out") == "one\n"; }));
    tx.send_signal(SIGTERM);
    EXPECT_EQ(tx.wait(), 128 + SIGTERM);
  }
  EXPECT_EQ(annulus_says(at, {"send", endpoint(), "--lines"}, "two\n").code, 0);
  EXPECT_EQ(rx.wait(), 0);
  EXPECT_EQ(at.read("out"), "one\ntwo\n");
  close(ends[0]);
  close(ends[1]);
}

TEST_P(CliEnding, a_file_keeps_its_content_until_the_channel_can_be_read) {
  const auto file = at.write("copy", "precious");
  const auto to = std::vector<std::string>{"recv", endpoint(), "--file", file};
  auto missing = to;
  missing.insert(missing.end(), {"--timeout", "10ms"});
  EXPECT_EQ(annulus_says(at, missing).code, code(exit_code::not_found));
  EXPECT_EQ(at.read("copy"), "precious") << "no such channel";
  EXPECT_EQ(annulus_says(at, {"recv", "shm:bad/name", "--file", file}).code,
            code(exit_code::usage));
  EXPECT_EQ(at.read("copy"), "precious") << "no such name";

  ASSERT_EQ(annulus_says(at, {"create", endpoint()}).code, 0);
  {
    run other({"recv", endpoint(), "--forever"}, {});
    ASSERT_TRUE(eventually([&] { return has_reader(); }));
    EXPECT_EQ(annulus_says(at, to).code, code(exit_code::refused));
    EXPECT_EQ(at.read("copy"), "precious") << "in use";
    EXPECT_EQ(annulus_says(at, {"recv", endpoint(), "--file", at.path("new")}).code,
              code(exit_code::refused));
    EXPECT_FALSE(std::filesystem::exists(at.path("new"))) << "nothing was begun";
  }
  run rx(to, {});
  EXPECT_EQ(annulus_says(at, {"send", endpoint()}, "short").code, 0);
  EXPECT_EQ(rx.wait(), 0);
  EXPECT_EQ(at.read("copy"), "short") << "and is emptied then";
}

TEST(CliEndings, a_file_that_cannot_be_written_is_said_before_anything_is_waited_for) {
  const place at;
  EXPECT_EQ(annulus_says(at, {"recv", at.endpoint(), "--file", at.path("")}).code,
            code(exit_code::failure));
  EXPECT_EQ(annulus_says(at, {"recv", at.endpoint(), "--file", at.path("no/such")}).code,
            code(exit_code::not_found));
}

}  // namespace
}  // namespace annulus
