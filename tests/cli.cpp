// The `annulus` command: its parts, and the command itself between real processes.
#include "cli/endpoint.hpp"
#include "cli/exit_code.hpp"
#include "cli/file.hpp"
#include "cli/place.hpp"
#include "cli/splitter.hpp"
#include "cli/text.hpp"
#include "command.hpp"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <thread>
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

bool is_consumer_there(const place& at) {
  auto memory = segment::open(at.ring());
  if (!memory) return false;
  auto seen = inspect(*memory);
  return seen && seen->consumer.state == presence::attached;
}

std::uint64_t received_by(const place& at) {
  auto memory = segment::open(at.ring());
  if (!memory) return 0;
  auto seen = inspect(*memory);
  return seen ? seen->consumer.counters.messages : 0;
}

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
  EXPECT_EQ(whole.scheme, bus::scheme::pipe);
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
  cli::splitter cut(in, how, max_message);
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
    run tx({"send", at.endpoint(), "--lines"}, {.in = at.write("in", text)});
    ASSERT_EQ(tx.wait(), 0);
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
      run tx({"send", at.endpoint(), "--lines"}, {.in = at.write("in", text)});
      ASSERT_EQ(tx.wait(), 0);
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
    ASSERT_TRUE(eventually([&] { return is_consumer_there(at); }));
    ASSERT_EQ(annulus_says(at, {"send", at.endpoint(), "--timeout", "20s"}, text).code, 0);
    EXPECT_EQ(rx.wait(), 0);
    EXPECT_EQ(at.read("out"), text);
  }
}

TEST(CliPipe, many_producers_each_keep_their_order) {
  const place at;
  constexpr int producers = 4;
  constexpr int each = 5000;
  ASSERT_EQ(annulus_says(at, {"create", at.endpoint(), "--producers", "4"}).code, 0);
  run rx({"recv", at.endpoint(), "--lines", "--producers", "4"}, {.out = at.path("out")});
  std::vector<std::unique_ptr<run>> all;
  for (int p = 0; p < producers; ++p) {
    std::string text;
    for (int i = 0; i < each; ++i) text += std::to_string(p) + " " + std::to_string(i) + "\n";
    const auto in = at.write("in" + std::to_string(p), text);
    all.push_back(std::make_unique<run>(std::vector<std::string>{"send", at.endpoint(), "--lines"},
                                        run::streams{.in = in}));
  }
  for (auto& one : all) EXPECT_EQ(one->wait(), 0);
  EXPECT_EQ(rx.wait(), 0);
  std::ifstream in(at.path("out"));
  std::vector<int> next(producers, 0);
  for (int p = 0, i = 0; in >> p >> i;) ASSERT_EQ(i, next.at(static_cast<std::size_t>(p))++);
  EXPECT_EQ(next, std::vector<int>(producers, each));
}

// The end of a ring made in passing. Each time its consumer has closed.

class CliPlace : public ::testing::Test {
 protected:
  CliPlace() : ring_(made()) { static_cast<void>(spsc_consumer::attach(ring_.channel())); }

  cli::ring_place made() const {
    return cli::ring_place(std::move(segment::create(at_.ring(), {})).value());
  }

  const place at_;
  cli::ring_place ring_;
};

TEST_F(CliPlace, a_ring_that_is_over_is_removed) {
  EXPECT_TRUE(ring_.remove_if_over());
  EXPECT_FALSE(at_.has_ring());
}

TEST_F(CliPlace, a_ring_with_a_live_producer_is_not_over) {
  const auto tx = spsc_producer::attach(ring_.channel());
  EXPECT_FALSE(ring_.remove_if_over());
  EXPECT_TRUE(at_.has_ring());
}

TEST_F(CliPlace, a_ring_with_a_message_is_not_over) {
  {
    auto rx = spsc_consumer::attach(ring_.channel());
    auto tx = spsc_producer::attach(ring_.channel());
    ASSERT_EQ(tx->try_push(message{}), status::ok);
  }
  EXPECT_FALSE(ring_.remove_if_over());
  EXPECT_TRUE(at_.has_ring());
}

TEST_F(CliPlace, a_ring_that_another_consumer_holds_is_that_ones_to_end) {
  const auto rx = spsc_consumer::attach(ring_.channel());
  EXPECT_TRUE(ring_.remove_if_over());
  EXPECT_TRUE(at_.has_ring());
}

TEST_F(CliPlace, another_ring_of_the_same_name_stays) {
  ASSERT_TRUE(segment::remove(at_.ring()));
  const auto next = made();
  EXPECT_FALSE(ring_.is_still_named());
  EXPECT_TRUE(ring_.remove_if_over());
  EXPECT_TRUE(next.is_still_named());
}

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
    ASSERT_TRUE(eventually([&] { return received_by(at) > 1000 * kills; }));
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
  ASSERT_TRUE(eventually([&] { return received_by(at) == 2; }));
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
    ASSERT_TRUE(eventually([&] { return is_consumer_there(at); }));
    run tx(words, {.err = at.path("err")});
    ASSERT_TRUE(eventually([&] { return received_by(at) > 0; }));
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
      return is_consumer_there(at) && inspect(*memory)->producers[0].state == presence::attached;
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
  ASSERT_TRUE(eventually([&] { return is_consumer_there(at); }));
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
