// Options that contradict each other or make no sense: each is an error that names them.
#include "cli/exit_code.hpp"
#include "command.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace annulus {
namespace {

using cli::exit_code;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace annulus::testing;

struct refusal {
  std::vector<std::string> words;
  const char* names;  // what the message says
};

TEST(CliOptions, what_makes_no_sense_is_2_and_is_named) {
  const place at;
  const auto ring = at.endpoint();
  const std::vector<refusal> all = {
      {{"fsk"}, "there is no subcommand 'fsk'; there are create, send"},
      {{"recv", ring, "--count", "0"}, "'0' is no whole number from 1"},
      {{"recv", ring, "--count", "-1"}, "--count"},
      {{"recv", ring, "--count", "1.5"}, "--count"},
      {{"recv", ring, "--count", "18446744073709551616"}, "--count"},
      {{"recv", ring, "--count", ""}, "--count"},
      {{"recv", ring, "--producers", "0"}, "--producers"},
      {{"recv", ring, "--producers", "2", "--forever"}, "--forever"},
      {{"recv", ring, "--lines", "--frames"}, "--lines"},
      {{"recv", ring, "--file", "a", "--file", "b"}, "--file"},
      {{"send", ring, "--lines", "--frames"}, "--lines"},
      {{"send", ring, "--chunk", "0"}, "--chunk"},
      {{"send", ring, "--chunk", "8", "--lines"}, "--chunk"},
      {{"send", ring, "--resume", "--lines"}, "--resume"},
      {{"send", ring, "--resume", "--on-full", "drop"}, "--resume"},
      {{"send", ring, "--resume", "--topology", "mpsc"}, "--resume"},
      {{"send", ring, "--file", ""}, "--file"},
      {{"recv", ring, "--file", ""}, "--file"},
      {{"send", ring + "?producers=4", "--topology", "spsc"}, "spsc"},
      {{"send", ring + "?wait=nap", "--wait", "spin"}, "--wait spin contradicts wait=nap"},
      {{"create", ring, "--mpsc", "--topology", "spsc"}, "--mpsc"},
      {{"create", ring + "?create=no"}, "create=no"},
      {{"create", ring, "--producers", "2", "--topology", "spsc"}, "spsc"},
      {{"create", ring, "--producers", "0"}, "--producers"},
      {{"create", ring, "--capacity", "5000"}, "5000"},
      {{"create", ring, "--capacity", "0"}, "capacity 0"},
      {{"create", ring, "--max-message", "0"}, "'0'"},
      {{"create", ring + "?max_message=0KiB"}, "max_message=0KiB"},
      {{"choose", "--rate", "-5"}, "--rate"},
      {{"choose", "--rate", "18446744073709551616"}, "--rate"},
      {{"choose", "auto:x?latency=50us", "--latency", "1s"}, "--latency"},
      {{"choose", "auto:x?rate=5", "--rate", "6"}, "--rate"},
      {{"choose", ring}, "leaves nothing to choose"},
      {{"gateway", ring, ring + "2?once=no", "--once"}, "--once contradicts once=no"},
      {{"gateway", ring}, "endpoints"},
      {{"compare", "--quick", "--seconds", "30"}, "--quick"},
      {{"compare", "--quick", "--rounds", "30"}, "--quick"},
      {{"bench", "--topology", "spsc", "--producers", "2"}, "spsc"},
      {{"stat", "--watch"}, "--watch"},
      {{"stat", ring, "--watch", "0"}, "--watch"},
      {{"create", ring + "?dir=/tmp", "--dir", "/"}, "--dir / contradicts dir=/tmp"},
      {{"choose", "auto:x?dir=/tmp", "--dir", "/"}, "--dir / contradicts dir=/tmp"},
      {{"gateway", ring + "?dir=/tmp", ring + "2", "--dir", "/"}, "--dir / contradicts dir=/tmp"},
      {{"gateway", ring, ring, ring + "2"}, "a gateway reads each once"},
  };
  for (const auto& one : all) {
    std::string line;
    for (const auto& word : one.words) line += word + " ";
    const auto said = annulus_says(at, one.words);
    EXPECT_EQ(said.code, code(exit_code::usage)) << line << said.err;
    EXPECT_THAT(said.err, HasSubstr(one.names)) << line;
    EXPECT_LT(said.err.size(), 400u) << line << "is told in a line or two: " << said.err;
  }
  EXPECT_FALSE(at.has_ring()) << "nothing was made";
}

TEST(CliOptions, a_number_with_a_fraction_has_limits_that_no_nan_passes) {
  const place at;
  const std::vector<std::pair<std::string, std::string>> all = {
      {"bench", "--seconds"}, {"compare", "--seconds"}, {"compare", "--rate"}, {"stat", "--watch"}};
  for (const auto& [command, option] : all) {
    for (const auto* number : {"nan", "-nan", "inf", "-inf", "-1", "1e-300", "1e300", "1x"}) {
      const auto said = annulus_says(at, {command, option + "=" + number});
      EXPECT_EQ(said.code, code(exit_code::usage)) << command << option << number;
      EXPECT_THAT(said.err, HasSubstr(option + ": '" + number + "' is no number")) << number;
    }
  }
}

TEST(CliOptions, what_says_the_same_twice_is_taken) {
  const place at;
  EXPECT_EQ(
      annulus_says(at, {"create", at.endpoint() + "?capacity=8KiB", "--capacity", "8192"}).code, 0);
  EXPECT_EQ(annulus_says(
                at, {"choose", "auto:x?rate=5&latency=1ms", "--rate", "5", "--latency", "1000us"})
                .code,
            0);
  const auto here = at.path("");
  EXPECT_EQ(annulus_says(at, {"choose", "auto:x?dir=" + here, "--dir", here + "/."}).code, 0);
}

TEST(CliOptions, remove_leaves_alone_what_is_no_channel_even_by_force) {
  const place at;
  const auto junk = at.write("junk", "this is no channel");
  for (const auto* scheme : {"shm:", "pipe:"}) {
    for (const auto& words : {std::vector<std::string>{"remove", scheme + junk},
                              std::vector<std::string>{"remove", scheme + junk, "--force"}}) {
      const auto said = annulus_says(at, words);
      EXPECT_EQ(said.code, code(exit_code::damaged)) << scheme;
      EXPECT_THAT(said.err, HasSubstr("not ")) << scheme;
      EXPECT_THAT(said.err, HasSubstr(junk)) << scheme;
    }
  }
  EXPECT_EQ(at.read("junk"), "this is no channel");
}

TEST(CliOptions, remove_leaves_alone_what_is_no_decision_even_by_force) {
  const place at;
  std::ofstream(at.left(".auto")) << "my diary";
  for (const auto& words : {std::vector<std::string>{"remove", at.any()},
                            std::vector<std::string>{"remove", at.any(), "--force"}}) {
    const auto said = annulus_says(at, words);
    EXPECT_EQ(said.code, code(exit_code::damaged)) << said.err;
    EXPECT_THAT(said.err, HasSubstr(at.left(".auto") + " is no decision"));
    EXPECT_TRUE(std::filesystem::exists(at.left(".auto")));
  }
}

TEST(CliOptions, the_advice_says_that_a_pipe_ends_at_this_machine) {
  const place at;
  for (const auto& words : {std::vector<std::string>{"choose", "--portable"},
                            std::vector<std::string>{"choose", "--guarded"},
                            std::vector<std::string>{"choose", "--help"}}) {
    const auto said = annulus_says(at, words);
    EXPECT_EQ(said.code, 0);
    EXPECT_THAT(said.out, Not(HasSubstr("remote")));
  }
  EXPECT_THAT(annulus_says(at, {"choose", "--portable"}).out, HasSubstr("on this machine"));
}

}  // namespace
}  // namespace annulus
