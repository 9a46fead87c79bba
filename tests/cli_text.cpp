// Parts of the command: sizes and times, flags and names, and what a splitter makes of a file.
#include "cli/endpoint.hpp"
#include "cli/exit_code.hpp"
#include "cli/file.hpp"
#include "cli/splitter.hpp"
#include "cli/text.hpp"
#include "command.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace annulus {
namespace {

using namespace std::chrono_literals;
using cli::exit_code;
using ::testing::HasSubstr;
using namespace annulus::testing;

// Units.

TEST(CliText, sizes_are_read_on_both_sides_of_every_limit) {
  EXPECT_EQ(cli::parse_bytes("0"), 0u);
  EXPECT_EQ(cli::parse_bytes("4096"), 4096u);
  EXPECT_EQ(cli::parse_bytes("32KiB"), 32u << 10);
  EXPECT_EQ(cli::parse_bytes("32k"), 32u << 10);
  EXPECT_EQ(cli::parse_bytes("1M"), mebibyte);
  EXPECT_EQ(cli::parse_bytes("2 gib"), 2048 * mebibyte);
  EXPECT_EQ(cli::parse_bytes("18446744073709551615"), ~std::uint64_t{0});
  EXPECT_EQ(cli::parse_bytes("18446744073709551616"), std::nullopt);
  EXPECT_EQ(cli::parse_bytes("16777215T"), 16777215ull << 40);
  EXPECT_EQ(cli::parse_bytes("16777216T"), std::nullopt);
  for (const auto* bad : {"", "K", "-1", "+1", "1.5M", "1X", "1KiX", "1 2", "0x10", "1KiBB"}) {
    EXPECT_EQ(cli::parse_bytes(bad), std::nullopt) << bad;
  }
}

TEST(CliText, times_are_read_on_both_sides_of_every_limit) {
  EXPECT_EQ(cli::parse_span("0"), 0ns);
  EXPECT_EQ(cli::parse_span("2"), 2s);
  EXPECT_EQ(cli::parse_span("1.5s"), 1500ms);
  EXPECT_EQ(cli::parse_span("250ms"), 250ms);
  EXPECT_EQ(cli::parse_span("3us"), 3us);
  EXPECT_EQ(cli::parse_span("2m"), 2min);
  EXPECT_EQ(cli::parse_span("1 h"), 1h);
  EXPECT_EQ(cli::parse_span("878400h"), 878400h);
  for (const auto* bad : {"", "s", "-1s", "1x", "nan", "inf", "878401h", "1e3"}) {
    EXPECT_EQ(cli::parse_span(bad), std::nullopt) << bad;
  }
}

TEST(CliText, sizes_and_times_are_shown_with_three_digits) {
  EXPECT_EQ(cli::show_bytes(0), "0 B");
  EXPECT_EQ(cli::show_bytes(1023), "1023 B");
  EXPECT_EQ(cli::show_bytes(1024), "1 KiB");
  EXPECT_EQ(cli::show_bytes(1536), "1.50 KiB");
  EXPECT_EQ(cli::show_span(350ns), "350 ns");
  EXPECT_EQ(cli::show_span(1500us), "1.50 ms");
  EXPECT_EQ(cli::show_count(1e6), "1M");
}

TEST(CliEndpoint, flags_say_what_the_options_of_a_name_say) {
  cli::named_endpoint one;
  one.name("pipe:orders?capacity=64KiB");
  one.flag("--max-message", "max_message", "1KiB");
  one.flag("--capacity", "capacity", "65536");
  const auto whole = one.whole();
  EXPECT_EQ(whole.transport, bus::transport::pipe);
  EXPECT_EQ(whole.capacity, 65536u);
  EXPECT_EQ(whole.max_message, 1024u);
  for (const auto* bad : {"", "orders", "shm:", "tcp:orders", "SHM:orders", "shm:x?colour=red"}) {
    EXPECT_THROW(one.name(bad), cli::command_error) << bad;
  }
}

TEST(CliEndpoint, a_flag_and_an_option_that_contradict_each_other_are_both_named) {
  cli::named_endpoint one;
  one.name("shm:orders?wait=spin&mode=0600");
  one.flag("--mode", "mode", "0640");
  try {
    static_cast<void>(one.whole());
    FAIL() << "no error";
  } catch (const cli::command_error& e) {
    EXPECT_EQ(e.code, exit_code::usage);
    EXPECT_THAT(e.message, HasSubstr("--mode 0640 contradicts mode=0600"));
  }
}

// What a splitter makes of a file: each message as text, and the error's code.
struct pieces_of {
  std::vector<std::string> messages;
  std::optional<exit_code> error;
};

pieces_of split(const std::string& text, cli::framing how, std::uint64_t max_message) {
  const place at;
  auto in = cli::file::for_reading(at.write("in", text));
  cli::splitter cut(in, how, {"here", max_message, "send less"}, max_message);
  pieces_of out;
  try {
    for (auto some = cut.next(); !some.empty(); some = cut.next()) {
      for (const auto& one : some) {
        out.messages.emplace_back(reinterpret_cast<const char*>(one.data()), one.size());
      }
    }
  } catch (const cli::command_error& e) {
    out.error = e.code;
  }
  return out;
}

TEST(CliSplitter, chunks_are_full_but_for_the_last) {
  const auto chunks = [](const std::string& text) {
    return split(text, cli::framing::bytes, 3).messages;
  };
  EXPECT_EQ(chunks("abc\nefgh"), (std::vector<std::string>{"abc", "\nef", "gh"}));
  EXPECT_EQ(chunks("abcdef"), (std::vector<std::string>{"abc", "def"}));
  EXPECT_TRUE(chunks("").empty());
}

TEST(CliSplitter, lines_may_be_empty_and_the_last_may_lack_its_end) {
  const auto seen = split("a\n\n\nbc\nlast", cli::framing::lines, 10);
  EXPECT_EQ(seen.messages, (std::vector<std::string>{"a", "", "", "bc", "last"}));
  EXPECT_EQ(seen.error, std::nullopt);
  EXPECT_TRUE(split("", cli::framing::lines, 10).messages.empty());
  EXPECT_EQ(split("\n", cli::framing::lines, 10).messages, std::vector<std::string>{""});
}

TEST(CliSplitter, a_line_of_the_most_bytes_fits_and_one_more_is_an_error) {
  for (const auto* end : {"", "\n"}) {
    const std::string most(10, 'x');
    EXPECT_EQ(split("a\n" + most + end, cli::framing::lines, 10).error, std::nullopt);
    const auto seen = split("a\n" + most + "y" + end, cli::framing::lines, 10);
    EXPECT_EQ(seen.messages, std::vector<std::string>{"a"});
    EXPECT_EQ(seen.error, exit_code::failure);
  }
}

TEST(CliSplitter, lines_and_frames_longer_than_one_read_stay_whole) {
  const auto text = std::string(3 * mebibyte, 'x');
  EXPECT_EQ(split("a\n" + text + "\nb\n", cli::framing::lines, 4 * mebibyte).messages,
            (std::vector<std::string>{"a", text, "b"}));
  EXPECT_EQ(
      split(frame("a") + frame(text) + frame("b"), cli::framing::frames, 4 * mebibyte).messages,
      (std::vector<std::string>{"a", text, "b"}));
}

TEST(CliSplitter, a_frame_too_long_or_cut_off_is_an_error_after_those_before_it) {
  const auto good = frame("abc") + frame("");
  EXPECT_EQ(split(good, cli::framing::frames, 3).messages, (std::vector<std::string>{"abc", ""}));
  EXPECT_EQ(split(good + frame("abcd"), cli::framing::frames, 3).error, exit_code::failure);
  EXPECT_EQ(split(good + "\xff\xff\xff\xff", cli::framing::frames, 3).error, exit_code::failure);
  for (const auto& half : {std::string("\x03\0", 2), std::string("\x03\0\0\0ab", 6)}) {
    const auto seen = split(good + half, cli::framing::frames, 3);
    EXPECT_EQ(seen.messages.size(), 2u);
    EXPECT_EQ(seen.error, exit_code::damaged);
  }
}

}  // namespace
}  // namespace annulus
