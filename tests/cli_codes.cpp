// What the command refuses: each case ends with its documented code.
#include "cli/exit_code.hpp"
#include "cli/file.hpp"
#include "command.hpp"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include <annulus/ring/inspect.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus {
namespace {

using namespace std::chrono_literals;
using cli::exit_code;
using ::testing::HasSubstr;
using namespace annulus::testing;

// Refusals.

TEST(CliCode, usage_is_2) {
  const place at;
  const std::vector<std::vector<std::string>> wrong{
      {},
      {"sing"},
      {"create"},
      {"create", "orders"},
      {"create", at.endpoint(), "--capacity", "5000"},
      {"create", at.endpoint(), "--capacity", "2KiB"},
      {"create", at.endpoint(), "--capacity", "much"},
      {"create", at.endpoint(), "--producers", "1025"},
      {"create", at.endpoint(), "--topology", "spsc", "--producers", "2"},
      {"create", at.endpoint(), "--mode", "0444"},
      {"create", "shm:a/b"},
      {"send", at.endpoint(), "--lines", "--frames"},
      {"send", at.endpoint(), "--lines", "--resume"},
      {"send", at.endpoint(), "--chunk", "0"},
      {"send", at.endpoint(), "--on-full", "panic"},
      {"recv", at.endpoint(), "--count", "many"},
      {"recv", at.endpoint(), "--count", "-1"},
      {"recv", at.endpoint(), "--producers", "-1"},
      {"recv", at.endpoint(), "--timeout", "soon"},
      {"stat", "--watch"},
      {"bench", "--sizes", "0"},
      {"bench", "--cpus", "100000"},
      {"compare", "--cpus", "100000"},
      {"compare", "--bytes", "12"},
      {"compare", "--only", "carrier pigeons"},
      {"compare", "--rate", "0"},
  };
  for (const auto& words : wrong) {
    const auto seen = annulus_says(at, words);
    EXPECT_EQ(seen.code, code(exit_code::usage)) << ::testing::PrintToString(words);
    EXPECT_THAT(seen.err, ::testing::StartsWith("annulus: ")) << ::testing::PrintToString(words);
    EXPECT_EQ(seen.out, "");
  }
}

TEST(CliCode, help_and_version_are_0) {
  const place at;
  for (const auto* command :
       {"create", "send", "recv", "stat", "recover", "remove", "bench", "compare"}) {
    const auto seen = annulus_says(at, {command, "--help"});
    EXPECT_EQ(seen.code, 0);
    EXPECT_THAT(seen.out, HasSubstr("xample")) << command;
  }
  EXPECT_THAT(annulus_says(at, {"--help"}).out, HasSubstr("Exit codes"));
  EXPECT_THAT(annulus_says(at, {"--version"}).out, ::testing::StartsWith("annulus "));
}

TEST(CliCode, no_line_of_help_is_wider_than_92_columns) {
  const place at;
  std::vector<std::vector<std::string>> all{{"--help"}, {"--help-all"}};
  for (const auto* command : {"create", "send", "recv", "stat", "recover", "remove", "dump", "fsck",
                              "bench", "compare", "gateway", "choose"}) {
    all.push_back({command, "--help"});
  }
  for (const auto& words : all) {
    std::istringstream help(annulus_says(at, words).out);
    for (std::string line; std::getline(help, line);) EXPECT_LE(line.size(), 92) << line;
  }
}

TEST(CliCode, not_found_is_3) {
  const place at;
  EXPECT_EQ(annulus_says(at, {"stat", at.endpoint()}).code, code(exit_code::not_found));
  EXPECT_EQ(annulus_says(at, {"remove", at.endpoint()}).code, code(exit_code::not_found));
  EXPECT_EQ(annulus_says(at, {"recover", at.endpoint()}).code, code(exit_code::not_found));
  EXPECT_EQ(annulus_says(at, {"recv", at.endpoint(), "--timeout", "10ms"}).code,
            code(exit_code::not_found));
  EXPECT_EQ(annulus_says(at, {"send", at.endpoint(), "--file", at.path("none")}).code,
            code(exit_code::not_found));
  EXPECT_FALSE(at.has_ring());
}

TEST(CliCode, a_name_or_a_role_that_is_taken_is_4) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.endpoint()}).code, 0);
  EXPECT_EQ(annulus_says(at, {"create", at.endpoint()}).code, code(exit_code::refused));
  auto memory = segment::open(at.ring());
  {
    const auto rx = spsc_consumer::attach(*memory);
    for (const auto* command : {"recv", "recover", "remove"}) {
      const auto seen = annulus_says(at, {command, at.endpoint()});
      EXPECT_EQ(seen.code, code(exit_code::refused)) << command;
      EXPECT_THAT(seen.err, HasSubstr("alive")) << command;
    }
  }
  const auto tx = spsc_producer::attach(*memory);
  EXPECT_EQ(annulus_says(at, {"send", at.endpoint()}).code, code(exit_code::refused));
  EXPECT_EQ(annulus_says(at, {"remove", at.endpoint(), "--force"}).code, 0);
}

TEST(CliCode, damage_is_6) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.endpoint()}).code, 0);
  auto memory = segment::open(at.ring());
  {
    auto tx = spsc_producer::attach(*memory);
    const std::string text = "abcdefg";
    for (int i = 0; i < 3; ++i) {
      ASSERT_EQ(tx->try_push(std::as_bytes(std::span(text))), status::ok);
    }
  }
  // The second record's header.
  const auto at_byte = static_cast<off_t>(memory->geometry().data_offset + 16);
  ASSERT_EQ(pwrite(memory->file(), "\x55", 1, at_byte), 1);
  const auto seen = annulus_says(at, {"recv", at.endpoint()});
  EXPECT_EQ(seen.code, code(exit_code::damaged));
  EXPECT_EQ(seen.out, "abcdefgabcdefg");
  EXPECT_THAT(seen.err, HasSubstr("16 bytes at position 16"));

  ASSERT_EQ(ftruncate(memory->file(), 8192), 0);
  EXPECT_EQ(annulus_says(at, {"stat", at.endpoint()}).code, code(exit_code::damaged));
  EXPECT_EQ(annulus_says(at, {"send", at.endpoint()}).code, code(exit_code::damaged));
  EXPECT_EQ(annulus_says(at, {"remove", at.endpoint(), "--force"}).code, 0);
  EXPECT_EQ(annulus_says(at, {"send", at.endpoint(), "--frames"}, "\x05").code,
            code(exit_code::damaged));
}

TEST(CliCode, a_segment_cut_off_under_a_reader_is_6) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.endpoint()}).code, 0);
  run rx({"recv", at.endpoint()}, {.err = at.path("err")});
  ASSERT_TRUE(eventually([&] { return at.has_ring_consumer(); }));
  auto memory = segment::open(at.ring());
  ASSERT_EQ(ftruncate(memory->file(), 0), 0);
  EXPECT_EQ(rx.wait(), code(exit_code::damaged));
  EXPECT_THAT(at.read("err"), HasSubstr("cut off"));
  unlink(memory->path().c_str());
}

TEST(CliCode, a_time_that_has_passed_is_7) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.endpoint(), "--capacity", "4KiB"}).code, 0);
  EXPECT_EQ(annulus_says(at, {"recv", at.endpoint(), "--timeout", "20ms"}).code,
            code(exit_code::timed_out));
  auto memory = segment::open(at.ring());
  const auto rx = spsc_consumer::attach(*memory);  // never reads
  EXPECT_EQ(annulus_says(at, {"send", at.endpoint(), "--timeout", "20ms"}, random_text(10000)).code,
            code(exit_code::timed_out));
}

TEST(CliCode, a_full_ring_is_8_when_asked_and_drops_are_told) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.endpoint(), "--capacity", "4KiB"}).code, 0);
  std::string lines;
  for (int i = 0; i < 1000; ++i) lines += "12345678\n";
  const auto refused =
      annulus_says(at, {"send", at.endpoint(), "--lines", "--on-full", "refuse"}, lines);
  EXPECT_EQ(refused.code, code(exit_code::full));
  EXPECT_THAT(refused.err, HasSubstr("255 messages"));
  const auto dropped =
      annulus_says(at, {"send", at.endpoint(), "--lines", "--on-full", "drop"}, lines);
  EXPECT_EQ(dropped.code, 0);
  EXPECT_THAT(dropped.err, HasSubstr("1000 messages were dropped, 0 sent"));
  const auto seen = nlohmann::json::parse(annulus_says(at, {"stat", at.endpoint(), "--json"}).out);
  EXPECT_EQ(seen["producers"][0]["counters"]["dropped"], 1000);
}

TEST(CliCode, input_that_cannot_be_read_or_never_fits_is_1_and_nothing_before_it_is_lost) {
  const place at;
  EXPECT_EQ(annulus_says(at, {"send", at.endpoint(), "--file", "/"}).code,
            code(exit_code::failure));
  EXPECT_EQ(annulus_says(at, {"recv", at.endpoint(), "--file", "/"}).code,
            code(exit_code::failure));
  ASSERT_EQ(annulus_says(at, {"create", at.endpoint(), "--max-message", "10"}).code, 0);
  const auto line =
      annulus_says(at, {"send", at.endpoint(), "--lines"}, "one\n12345678901\nthree\n");
  EXPECT_EQ(line.code, code(exit_code::failure));
  EXPECT_THAT(line.err, HasSubstr("line 2"));
  EXPECT_EQ(annulus_says(at, {"recv", at.endpoint(), "--lines"}).out, "one\n");
  EXPECT_EQ(annulus_says(at, {"send", at.endpoint(), "--chunk", "11"}).code,
            code(exit_code::usage));
  run disk({"stat", at.endpoint()}, {.out = "/dev/full", .err = at.path("err")});
  EXPECT_EQ(disk.wait(), code(exit_code::failure));
}

}  // namespace
}  // namespace annulus
