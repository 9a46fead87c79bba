// The `annulus` command over named pipes, and over auto: names, between real processes.
#include "cli/outbox.hpp"
#include "command.hpp"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <sstream>

#include <annulus/bus/rendezvous.hpp>
#include <annulus/pipe/inspect.hpp>
#include <annulus/pipe/pipe.hpp>

namespace annulus {
namespace {

using namespace annulus::testing;
using cli::exit_code;
using ::testing::HasSubstr;

bool has_pipe(const place& at) {
  return std::filesystem::exists(at.left(".pipe")) ||
         std::filesystem::exists(at.left(".pipe.roles"));
}

// Nothing: there is no such pipe.
std::optional<pipe_report> seen_of(const place& at) {
  auto pipe = named_pipe::open(at.ring());
  if (!pipe) return std::nullopt;
  auto seen = inspect(*pipe);
  if (!seen) return std::nullopt;
  return *seen;
}

bool is_consumer_there(const place& at) {
  const auto seen = seen_of(at);
  return seen && seen->consumer.state == presence::attached;
}

std::uint64_t received_by(const place& at) {
  const auto seen = seen_of(at);
  return seen ? seen->consumer.counters.messages : 0;
}

bool is_unread(const place& at) {
  const auto seen = seen_of(at);
  return seen && seen->depth > 0;
}

std::string numbered(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += std::to_string(i) + "\n";
  return lines;
}

// A pipe of the system's, for a standard stream of a run.
struct ends {
  ends() {
    if (::pipe(of) != 0) std::abort();
  }
  ~ends() {
    for (const int end : of) close(end);
  }
  ends(const ends&) = delete;
  ends& operator=(const ends&) = delete;
  int of[2];
};

// Streams.

struct passage {
  const char* topology;
  bool consumer_first;

  friend void PrintTo(const passage& p, std::ostream* to) {
    *to << p.topology << (p.consumer_first ? ", consumer first" : ", producer first");
  }
};

class CliPipePassage : public ::testing::TestWithParam<passage> {};

TEST_P(CliPipePassage, moves_a_file_whoever_comes_first_and_leaves_nothing) {
  const auto& how = GetParam();
  const place at;
  const auto text = random_text(16 * mebibyte + 12345);
  const run::streams from{.in = at.write("in", text), .err = at.path("tx.err")};
  const run::streams to{.out = at.path("out"), .err = at.path("rx.err")};
  const std::vector<std::string> sends{"send", at.pipe(), "--topology", how.topology};
  std::optional<run> rx;
  if (how.consumer_first) rx.emplace(std::vector<std::string>{"recv", at.pipe()}, to);
  run tx(sends, from);
  if (!how.consumer_first) {
    ASSERT_TRUE(eventually([&] { return is_unread(at); }));
    rx.emplace(std::vector<std::string>{"recv", at.pipe()}, to);
  }
  EXPECT_EQ(tx.wait(), 0) << at.read("tx.err");
  EXPECT_EQ(rx->wait(), 0) << at.read("rx.err");
  EXPECT_TRUE(at.read("out") == text);
  EXPECT_FALSE(has_pipe(at));
}

INSTANTIATE_TEST_SUITE_P(All, CliPipePassage,
                         ::testing::Values(passage{"spsc", false}, passage{"spsc", true},
                                           passage{"mpsc", false}, passage{"mpsc", true}));

TEST(CliNamedPipe, pipes_made_in_passing_follow_each_other_and_lose_nothing) {
  const place at;
  for (int round = 0; round < 30; ++round) {
    const auto text = "round " + std::to_string(round) + "\n";
    run rx({"recv", at.pipe(), "--lines"}, {.out = at.path("out"), .err = at.path("err")});
    run tx({"send", at.pipe(), "--lines"}, {.in = at.write("in", text)});
    ASSERT_EQ(tx.wait(), 0);
    ASSERT_EQ(rx.wait(), 0) << at.read("err");
    ASSERT_EQ(at.read("out"), text);
  }
  EXPECT_FALSE(has_pipe(at));
}

TEST(CliNamedPipe, producers_that_come_while_the_consumer_ends_lose_nothing) {
  const place at;
  for (int round = 0; round < 20; ++round) {
    const std::vector<std::string> sends{"send", at.pipe(), "--lines", "--topology", "mpsc"};
    run one(sends, {.in = at.write("in1", "one\n"), .err = at.path("err1")});
    run two(sends, {.in = at.write("in2", "two\n"), .err = at.path("err2")});
    std::multiset<std::string> received;
    while (received.size() < 2) {
      const auto some = annulus_says(at, {"recv", at.pipe(), "--lines", "--timeout", "30s"});
      ASSERT_EQ(some.code, 0) << some.err;
      std::istringstream lines(some.out);
      for (std::string line; std::getline(lines, line);) received.insert(line);
    }
    EXPECT_EQ(one.wait(), 0) << at.read("err1");
    EXPECT_EQ(two.wait(), 0) << at.read("err2");
    ASSERT_EQ(received, (std::multiset<std::string>{"one", "two"}));
  }
}

TEST(CliNamedPipe, lines_and_frames_come_out_as_they_went_in) {
  const place at;
  const std::string lines = "one\n\n\nfour\n" + std::string(300000, 'x') + "\n\n";
  std::string frames = frame("") + frame("a\n") + frame(std::string("\0b", 2)) + frame("");
  for (std::size_t bytes = 0; bytes < 9000; bytes += 13) frames += frame(std::string(bytes, 'y'));
  for (const auto& [flag, text] : {std::pair{"--lines", lines}, std::pair{"--frames", frames}}) {
    ASSERT_EQ(annulus_says(at, {"create", at.pipe()}).code, 0);
    run rx({"recv", at.pipe(), flag}, {.out = at.path("out")});
    EXPECT_EQ(annulus_says(at, {"send", at.pipe(), flag}, text).code, 0);
    EXPECT_EQ(rx.wait(), 0);
    EXPECT_TRUE(at.read("out") == text) << flag;
    EXPECT_TRUE(has_pipe(at)) << "what was created stays";
    ASSERT_EQ(annulus_says(at, {"remove", at.pipe()}).code, 0);
    EXPECT_FALSE(has_pipe(at));
  }
}

TEST(CliNamedPipe, long_messages_go_on_when_a_stopped_consumer_does) {
  const place at;
  const auto text = random_text(3 * mebibyte);
  ASSERT_EQ(annulus_says(at, {"create", at.pipe(), "--capacity", "64KiB"}).code, 0);
  run rx({"recv", at.pipe()}, {.out = at.path("out")});
  ASSERT_TRUE(eventually([&] { return is_consumer_there(at); }));
  rx.send_signal(SIGSTOP);
  run tx({"send", at.pipe()}, {.in = at.write("in", text), .err = at.path("err")});
  ASSERT_TRUE(eventually([&] {
    return at.read("err").find("the pipe is full, waiting for its consumer") != std::string::npos;
  }));
  rx.send_signal(SIGCONT);
  EXPECT_EQ(tx.wait(), 0);
  EXPECT_EQ(rx.wait(), 0);
  EXPECT_TRUE(at.read("out") == text);
}

TEST(CliNamedPipe, an_interrupt_ends_a_send_that_waits_for_a_stopped_consumer) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.pipe(), "--capacity", "64KiB"}).code, 0);
  run rx({"recv", at.pipe()}, {});
  ASSERT_TRUE(eventually([&] { return is_consumer_there(at); }));
  rx.send_signal(SIGSTOP);
  run tx({"send", at.pipe()}, {.in = at.write("in", random_text(mebibyte))});
  ASSERT_TRUE(eventually([&] { return is_unread(at); }));
  tx.send_signal(SIGINT);
  EXPECT_EQ(tx.wait(), 128 + SIGINT);
}

TEST(CliPipePusher, a_long_message_that_was_cut_short_gets_twice_the_time_and_waits_for_room) {
  const place at;
  const bus::channel to(
      std::move(named_pipe::create(at.ring(), {.capacity = 64 << 10, .producers = 1}).value()));
  auto tx = bus_producer::attach(to);
  auto rx = bus_consumer::attach(to);
  cli::pusher pusher(to);
  const std::vector<std::byte> text(32 << 10);
  const message one(text);
  // Leaves room for a beginning of the next, and for no more.
  const auto fill = [&] {
    ASSERT_EQ(tx->try_push(one), status::ok);
    ASSERT_EQ(tx->try_push(one.first(4000)), status::ok);
  };
  const auto time_of_a_push = [&] {
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(pusher.push(*tx, {&one, 1}).why, status::timed_out);
    return std::chrono::steady_clock::now() - began;
  };
  fill();
  EXPECT_GE(time_of_a_push(), cli::wait_slice);
  while (tx->try_push(one.first(4000)) == status::ok) {
  }
  const auto depth = to.report()->depth;
  // Without room no slice grows: eight that doubled would take 25 s, and no signal be heeded.
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 8; ++i) static_cast<void>(time_of_a_push());
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
  EXPECT_EQ(to.report()->depth, depth);
  while (rx->try_read()) rx->release();
  fill();
  EXPECT_GE(time_of_a_push(), 2 * cli::wait_slice);
}

// What nobody has read.

TEST(CliNamedPipe, send_stays_until_all_is_read_and_says_so) {
  const place at;
  run tx({"send", at.pipe(), "--lines"}, {.in = at.write("in", "a\nb\n"), .err = at.path("err")});
  ASSERT_TRUE(eventually(
      [&] { return at.read("err").find("not all that was sent is read") != std::string::npos; }));
  EXPECT_EQ(annulus_says(at, {"recv", at.pipe(), "--lines", "--count", "1"}).out, "a\n");
  EXPECT_EQ(tx.wait(), code(exit_code::peer_gone));
  EXPECT_THAT(at.read("err"), HasSubstr("has closed; 2 messages, 2 bytes were sent; 40 bytes"));
}

TEST(CliNamedPipe, send_that_keeps_on_stays_for_the_next_consumer) {
  const place at;
  run tx({"send", at.pipe(), "--lines", "--keep"}, {.in = at.write("in", "a\nb\nc\n")});
  for (const auto* line : {"a\n", "b\n"}) {
    EXPECT_EQ(annulus_says(at, {"recv", at.pipe(), "--lines", "--count", "1"}).out, line);
    // Longer than it gives a consumer that is only changing over.
    const auto later = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
    ASSERT_TRUE(eventually([&] { return std::chrono::steady_clock::now() > later; }));
  }
  EXPECT_EQ(annulus_says(at, {"recv", at.pipe(), "--lines"}).out, "c\n");
  EXPECT_EQ(tx.wait(), 0);
}

TEST(CliNamedPipe, an_interrupt_or_a_timeout_tells_what_is_lost) {
  const place at;
  run tx({"send", at.pipe()}, {.in = at.write("in", "text"), .err = at.path("err")});
  ASSERT_TRUE(eventually([&] { return is_unread(at); }));
  tx.send_signal(SIGINT);
  EXPECT_EQ(tx.wait(), 128 + SIGINT);
  EXPECT_THAT(at.read("err"), HasSubstr("40 bytes stand unread in " + at.pipe()));
  const auto late = annulus_says(at, {"send", at.pipe(), "--timeout", "20ms"}, "text");
  EXPECT_EQ(late.code, code(exit_code::timed_out));
  EXPECT_THAT(late.err, HasSubstr("bytes stand unread"));
}

TEST(CliNamedPipe, input_that_fails_takes_nothing_with_it_that_came_before) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.pipe(), "--max-message", "10"}).code, 0);
  run tx({"send", at.pipe(), "--lines"},
         {.in = at.write("in", "one\n12345678901\nthree\n"), .err = at.path("err")});
  ASSERT_TRUE(eventually(
      [&] { return at.read("err").find("not all that was sent is read") != std::string::npos; }));
  EXPECT_EQ(annulus_says(at, {"recv", at.pipe(), "--lines", "--producers", "1"}).out, "one\n");
  EXPECT_EQ(tx.wait(), code(exit_code::failure));
  EXPECT_THAT(at.read("err"), HasSubstr("line 2"));
}

TEST(CliNamedPipe, a_stream_that_nobody_read_is_over_for_the_next_consumer) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.pipe()}).code, 0);
  ASSERT_EQ(annulus_says(at, {"send", at.pipe(), "--timeout", "1ms"}, "lost").code,
            code(exit_code::timed_out));
  run rx({"recv", at.pipe()}, {.out = at.path("out")});
  ASSERT_TRUE(eventually([&] { return is_consumer_there(at); }));
  ASSERT_EQ(annulus_says(at, {"send", at.pipe()}, "read").code, 0);
  EXPECT_EQ(rx.wait(), 0);
  EXPECT_EQ(at.read("out"), "read");
}

// Deaths.

TEST(CliNamedPipe, a_dead_consumer_loses_nothing_while_its_producer_keeps_on) {
  const place at;
  const auto text = numbered(200'000);
  ASSERT_EQ(annulus_says(at, {"create", at.pipe(), "--capacity", "64KiB"}).code, 0);
  const ends to;
  run first({"recv", at.pipe(), "--lines"}, {.out_file = to.of[1]});
  run tx({"send", at.pipe(), "--lines", "--keep"}, {.in = at.write("in", text)});
  // It stands before its full output, which holds all that it has released.
  ASSERT_TRUE(eventually([&] { return received_by(at) > 0; }));
  first.send_signal(SIGKILL);
  EXPECT_EQ(first.wait(), 256 + SIGKILL);
  const auto rest = annulus_says(at, {"recv", at.pipe(), "--lines"}).out;
  EXPECT_EQ(tx.wait(), 0);
  std::string before(mebibyte, '\0');
  ASSERT_EQ(fcntl(to.of[0], F_SETFL, O_NONBLOCK), 0);
  const auto got = std::max<ssize_t>(read(to.of[0], before.data(), before.size()), 0);
  before.resize(static_cast<std::size_t>(got));
  // What was released was written: the rest begins there, or before.
  const auto overlap = before.size() + rest.size();
  EXPECT_GE(overlap, text.size());
  EXPECT_TRUE(text.starts_with(before) && text.ends_with(rest));
}

TEST(CliNamedPipe, a_dead_consumer_ends_send) {
  const place at;
  const ends to;
  run rx({"recv", at.pipe()}, {.out_file = to.of[1]});
  run tx({"send", at.pipe()},
         {.in = at.write("in", random_text(4 * mebibyte)), .err = at.path("err")});
  ASSERT_TRUE(eventually([&] { return received_by(at) > 0; }));
  rx.send_signal(SIGKILL);
  rx.wait();
  EXPECT_EQ(tx.wait(), code(exit_code::peer_gone));
  EXPECT_THAT(at.read("err"), HasSubstr("died"));
}

TEST(CliNamedPipe, a_dead_producer_is_told_after_all_that_it_sent) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.pipe()}).code, 0);
  const ends from;
  run tx({"send", at.pipe(), "--lines"}, {.in_file = from.of[0]});
  ASSERT_EQ(write(from.of[1], "one\ntwo\n", 8), 8);
  run rx({"recv", at.pipe(), "--lines"}, {.out = at.path("out"), .err = at.path("err")});
  ASSERT_TRUE(eventually([&] { return received_by(at) == 2; }));
  tx.send_signal(SIGKILL);
  EXPECT_EQ(rx.wait(), code(exit_code::peer_gone));
  EXPECT_EQ(at.read("out"), "one\ntwo\n");
  EXPECT_THAT(at.read("err"), HasSubstr("died without closing"));
}

// Refusals.

TEST(CliNamedPipe, what_makes_no_sense_over_a_pipe_is_2_and_says_why) {
  const place at;
  const auto pipe = at.pipe();
  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong{
      {{"create", pipe + "?capacity=1MiB", "--capacity", "64KiB"}, "contradicts capacity=1MiB"},
      {{"create", pipe + "?producers=2", "--topology", "spsc"}, "spsc means one producer"},
      {{"create", pipe, "--integrity", "crc32c"}, "--integrity"},
      {{"create", pipe, "--huge-pages"}, "--huge-pages"},
      {{"create", pipe, "--no-reserve"}, "--no-reserve"},
      {{"create", pipe, "--capacity", "5000"}, "power of two"},
      {{"create", pipe, "--mode", "0444"}, "--mode"},
      {{"send", pipe + "?wait=spin", "--wait", "nap"}, "--wait nap contradicts wait=spin"},
      {{"send", pipe, "--resume"}, "--resume"},
      {{"send", pipe, "--chunk", "1TiB"}, "capacity"},
      {{"recv", pipe + "?once=yes"}, "once"},
      {{"recv", "pipe:a/b"}, "pipe name"},
      {{"recv", pipe + "?colour=red"}, "no option 'colour'"},
  };
  for (const auto& [words, why] : wrong) {
    const auto seen = annulus_says(at, words);
    EXPECT_EQ(seen.code, code(exit_code::usage)) << ::testing::PrintToString(words);
    EXPECT_THAT(seen.err, HasSubstr(why));
    EXPECT_FALSE(has_pipe(at));
  }
}

TEST(CliNamedPipe, not_found_is_3) {
  const place at;
  for (const auto* command : {"stat", "remove", "recover"}) {
    EXPECT_EQ(annulus_says(at, {command, at.pipe()}).code, code(exit_code::not_found)) << command;
    EXPECT_EQ(annulus_says(at, {command, at.any()}).code, code(exit_code::not_found)) << command;
  }
  EXPECT_EQ(annulus_says(at, {"recv", at.pipe(), "--timeout", "10ms"}).code,
            code(exit_code::not_found));
  EXPECT_EQ(annulus_says(at, {"send", at.pipe() + "?create=no"}).code, code(exit_code::not_found));
}

TEST(CliNamedPipe, a_name_or_a_role_that_is_taken_is_4) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.pipe()}).code, 0);
  EXPECT_EQ(annulus_says(at, {"create", at.pipe()}).code, code(exit_code::refused));
  auto pipe = named_pipe::open(at.ring());
  const auto tx = pipe_producer::attach(*pipe);
  const auto rx = pipe_consumer::attach(*pipe);
  for (const auto* command : {"send", "recv", "remove"}) {
    const auto seen = annulus_says(at, {command, at.pipe()});
    EXPECT_EQ(seen.code, code(exit_code::refused)) << command;
    EXPECT_THAT(seen.err, HasSubstr("alive")) << command;
  }
  EXPECT_EQ(annulus_says(at, {"remove", at.pipe(), "--force"}).code, 0);
}

TEST(CliNamedPipe, what_is_in_the_way_is_told_and_left_alone) {
  const place at;
  const auto path = at.left(".pipe");
  const auto refuses = [&](const char* what) {
    for (const auto* command : {"create", "send", "recv", "stat", "remove"}) {
      const auto seen = annulus_says(at, {command, at.pipe()});
      EXPECT_EQ(seen.code, code(exit_code::damaged)) << command << ": " << seen.err;
      EXPECT_THAT(seen.err, HasSubstr(what)) << command;
    }
    struct stat info {};
    EXPECT_EQ(lstat(path.c_str(), &info), 0);
    unlink(path.c_str());
  };
  std::ofstream(path) << "mine";
  refuses("a plain file");
  ASSERT_EQ(symlink(at.path("elsewhere").c_str(), path.c_str()), 0);
  refuses("a symbolic link");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  refuses("no roles file");
}

TEST(CliNamedPipe, rights_that_were_widened_are_4) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.pipe(), "--mode", "0640"}).code, 0);
  struct stat info {};
  ASSERT_EQ(stat(at.left(".pipe").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
  ASSERT_EQ(chmod(at.left(".pipe").c_str(), 0666), 0);
  for (const auto* command : {"send", "recv"}) {
    const auto seen = annulus_says(at, {command, at.pipe()});
    EXPECT_EQ(seen.code, code(exit_code::refused)) << command;
    EXPECT_THAT(seen.err, HasSubstr("0666")) << command;
  }
}

TEST(CliNamedPipe, damage_is_6_and_what_is_whole_is_read) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.pipe()}).code, 0);
  {
    auto pipe = named_pipe::open(at.ring());
    auto tx = pipe_producer::attach(*pipe);
    const std::string text = "abcdefg";
    ASSERT_EQ(tx->try_push(std::as_bytes(std::span(text))), status::ok);
    ASSERT_EQ(write(pipe->file(), "garbage!", 8), 8);
    ASSERT_EQ(tx->try_push(std::as_bytes(std::span(text))), status::ok);
    tx->close();
    const auto seen = annulus_says(at, {"recv", at.pipe()});
    EXPECT_EQ(seen.code, code(exit_code::damaged));
    EXPECT_EQ(seen.out, "abcdefgabcdefg");
    EXPECT_THAT(seen.err, HasSubstr("8 bytes at position 40"));
  }
  ASSERT_EQ(truncate(at.left(".pipe.roles").c_str(), 4096), 0);
  for (const auto* command : {"send", "recv", "stat", "remove"}) {
    EXPECT_EQ(annulus_says(at, {command, at.pipe()}).code, code(exit_code::damaged)) << command;
  }
  EXPECT_EQ(annulus_says(at, {"remove", at.pipe(), "--force"}).code, 0);
}

TEST(CliNamedPipe, a_full_pipe_is_8_when_asked_and_drops_are_told) {
  for (const bool drops : {false, true}) {
    const place at;
    ASSERT_EQ(annulus_says(at, {"create", at.pipe(), "--capacity", "4KiB"}).code, 0);
    run tx({"send", at.pipe(), "--lines", "--on-full", drops ? "drop" : "refuse"},
           {.in = at.write("in", numbered(1000)), .err = at.path("err")});
    // Nobody reads before it has no room.
    ASSERT_TRUE(eventually(
        [&] { return at.read("err").find("not all that was sent is read") != std::string::npos; }));
    const auto got = annulus_says(at, {"recv", at.pipe(), "--lines"}).out;
    EXPECT_TRUE(!got.empty() && numbered(1000).starts_with(got));
    EXPECT_EQ(tx.wait(), drops ? 0 : code(exit_code::full));
    EXPECT_THAT(at.read("err"), HasSubstr(drops ? "messages were dropped" : "is full"));
  }
}

// Looking.

TEST(CliNamedPipe, stat_tells_roles_depth_and_the_audit_log) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.pipe(), "--producers", "3"}).code, 0);
  auto pipe = named_pipe::open(at.ring());
  auto one = pipe_producer::attach(*pipe);
  { const auto two = pipe_producer::attach(*pipe); }
  ASSERT_EQ(one->try_push(message{}), status::ok);
  const auto seen = nlohmann::json::parse(annulus_says(at, {"stat", at.pipe(), "--json"}).out);
  EXPECT_EQ(seen["name"], at.pipe());
  EXPECT_EQ(seen["depth"], 32);
  EXPECT_EQ(seen["kernel_bytes"], pipe->kernel_bytes());
  EXPECT_EQ(seen["consumer"]["state"], "never came");
  EXPECT_EQ(seen["producers"][0]["state"], "attached");
  EXPECT_EQ(seen["producers"][0]["uid"], geteuid());
  EXPECT_EQ(seen["producers"][1]["state"], "closed");
  ASSERT_EQ(seen["audit_log"].size(), 3u);
  EXPECT_EQ(seen["audit_log"][0]["what"], "attached");
  EXPECT_EQ(seen["audit_log"][2]["what"], "closed");
  EXPECT_EQ(seen["audit_log"][2]["number"], 1);
  EXPECT_EQ(seen["audit_log"][2]["pid"], getpid());
  EXPECT_THAT(seen["blocked_by"].get<std::string>(), HasSubstr("there is no consumer"));
  const auto table = annulus_says(at, {"stat", at.pipe()}).out;
  EXPECT_THAT(table, HasSubstr("BLOCKED"));
  EXPECT_THAT(table, HasSubstr("audit log"));
  EXPECT_THAT(annulus_says(at, {"stat"}).out, HasSubstr(at.pipe()));
}

TEST(CliNamedPipe, stat_watches_until_a_signal) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.pipe()}).code, 0);
  run watch({"stat", at.pipe(), "--watch", "0.01", "--json"}, {.out = at.path("out")});
  ASSERT_TRUE(eventually([&] { return std::ranges::count(at.read("out"), '\n') >= 3; }));
  watch.send_signal(SIGINT);
  EXPECT_EQ(watch.wait(), 128 + SIGINT);
}

TEST(CliNamedPipe, recover_says_that_there_is_nothing_to_do) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.pipe()}).code, 0);
  const auto seen = annulus_says(at, {"recover", at.pipe()});
  EXPECT_EQ(seen.code, 0);
  EXPECT_THAT(seen.out, HasSubstr("nothing to recover by hand"));
  EXPECT_EQ(annulus_says(at, {"recover", at.pipe(), "--drain"}).code, code(exit_code::usage));
}

// auto:

TEST(CliAuto, both_sides_meet_where_the_first_was_led) {
  for (const auto* needs : {"", "?latency=50us"}) {
    const place at;
    run rx({"recv", at.any() + needs}, {.out = at.path("out"), .err = at.path("err")});
    ASSERT_TRUE(eventually(
        [&] { return static_cast<bool>(bus::decision_of(bus::parse(at.any()).value())); }));
    // Whatever it needs itself.
    EXPECT_EQ(annulus_says(at, {"send", at.any() + "?rate=20000"}, "text").code, 0);
    EXPECT_EQ(rx.wait(), 0);
    EXPECT_EQ(at.read("out"), "text");
    const auto where = *needs == '\0' ? at.pipe() : at.endpoint();
    EXPECT_THAT(at.read("err"), HasSubstr(at.any() + " leads to " + where));
    EXPECT_THAT(annulus_says(at, {"remove", at.any()}).out, HasSubstr("which led to " + where));
    EXPECT_EQ(annulus_says(at, {"remove", at.any()}).code, code(exit_code::not_found));
  }
}

TEST(CliAuto, stat_says_where_it_leads_and_why_and_remove_takes_both_away) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.any() + "?latency=50us"}).code, 0);
  EXPECT_TRUE(at.has_ring());
  EXPECT_THAT(annulus_says(at, {"stat", at.any()}).out,
              HasSubstr("leads to " + at.endpoint() + ": less than 0.1 ms is needed"));
  const auto seen = nlohmann::json::parse(annulus_says(at, {"stat", at.any(), "--json"}).out);
  EXPECT_EQ(seen["name"], at.endpoint());
  EXPECT_EQ(seen["asked_for"], at.any());
  EXPECT_EQ(annulus_says(at, {"remove", at.any()}).code, 0);
  EXPECT_FALSE(at.has_ring());
  EXPECT_FALSE(bus::decision_of(bus::parse(at.any()).value()));
}

TEST(CliAuto, a_decision_in_use_stays_and_a_damaged_one_goes_by_force) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.any()}).code, 0);
  {
    auto pipe = named_pipe::open(at.ring());
    const auto tx = pipe_producer::attach(*pipe);
    EXPECT_EQ(annulus_says(at, {"remove", at.any()}).code, code(exit_code::refused));
    EXPECT_TRUE(bus::decision_of(bus::parse(at.any()).value()));
  }
  ASSERT_EQ(annulus_says(at, {"remove", at.any()}).code, 0);
  std::ofstream(at.left(".auto")) << "annulus auto 1\nnonsense";
  for (const auto* command : {"send", "stat", "remove"}) {
    EXPECT_EQ(annulus_says(at, {command, at.any()}).code, code(exit_code::damaged)) << command;
  }
  EXPECT_EQ(annulus_says(at, {"remove", at.any(), "--force"}).code, 0);
  EXPECT_FALSE(bus::decision_of(bus::parse(at.any()).value()));
}

}  // namespace
}  // namespace annulus
