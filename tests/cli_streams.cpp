// The command's standard streams: closed, full, unread; and what strangers' names put on them.
#include "bytes.hpp"
#include "child.hpp"
#include "cli/console.hpp"
#include "cli/exit_code.hpp"
#include "command.hpp"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include <annulus/ring/inspect.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus {
namespace {

using cli::exit_code;
using cli::shown;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace annulus::testing;

// Runs a line of shell, in which $A is the command and $N the channel's name. The exit code.
answer shell(const place& at, const std::string& line) {
  setenv("A", ANNULUS_COMMAND, 1);
  setenv("N", at.ring().c_str(), 1);
  setenv("D", at.path("").c_str(), 1);
  const auto all =
      "ulimit -c 0; exec 2>" + at.path("shell.err") + " >" + at.path("shell.out") + "; " + line;
  const int how = std::system(("bash -c '" + all + "'").c_str());
  return {WIFEXITED(how) ? WEXITSTATUS(how) : 256 + WTERMSIG(how), at.read("shell.out"),
          at.read("shell.err")};
}

bool is_sound(const place& at) {
  auto memory = segment::open(at.ring());
  return memory && inspect(*memory);
}

// Closed from the start.

TEST(CliStreams, no_channel_gets_the_number_of_a_stream_that_is_closed) {
  for (const auto* closed : {"<&-", ">&-", "2>&-", "<&- >&- 2>&-"}) {
    const place at;
    ASSERT_TRUE(segment::create(at.ring(), {.capacity = 4096}));
    // The ring is full, so send says that it waits, on whatever its stderr is.
    const auto said = shell(at,
                            "head -c 100000 /dev/zero >${D}in; $A send shm:$N --file ${D}in "
                            "--timeout 1200ms " +
                                std::string(closed));
    EXPECT_EQ(said.code, code(exit_code::timed_out)) << closed;
    EXPECT_TRUE(is_sound(at)) << closed;
  }
}

TEST(CliStreams, a_gateway_without_stdout_writes_its_reports_into_no_channel) {
  for (const auto* closed : {">&-", "2>&-", "<&- >&- 2>&-"}) {
    const place at;
    ASSERT_TRUE(segment::create(at.ring()));
    ASSERT_TRUE(segment::create(at.path("to")));
    {
      auto tx = spsc_producer::attach(*segment::open(at.ring()));
      ASSERT_TRUE(tx);
      ASSERT_EQ(tx->try_push(bytes("one")), status::ok);
    }
    const auto said = shell(at, "$A gateway shm:$N shm:${D}to --until-closed --json --health 1ms " +
                                    std::string(closed));
    EXPECT_TRUE(is_sound(at)) << closed;
    auto to = segment::open(at.path("to"));
    ASSERT_TRUE(to) << to.error().message;
    EXPECT_EQ(inspect(*to)->producers[0].counters.messages, 1u) << closed;
  }
}

TEST(CliStreams, a_stream_that_is_closed_is_an_error_where_it_is_needed) {
  const place at;
  EXPECT_EQ(shell(at, "$A send shm:$N <&-").code, code(exit_code::failure));
  EXPECT_EQ(shell(at, "$A choose >&-").code, code(exit_code::failure));
  EXPECT_EQ(shell(at, "$A --help >&-").code, code(exit_code::failure));
  EXPECT_EQ(shell(at, "$A choose <&- 2>&-").code, code(exit_code::ok));
}

// That cannot be written.

TEST(CliStreams, the_exit_code_is_the_documented_one_whatever_stderr_is) {
  for (const auto* err : {"2>/dev/full", "2>&-", "2> >(true)"}) {
    const place at;
    EXPECT_EQ(shell(at, "$A stat shm:$N " + std::string(err)).code, code(exit_code::not_found))
        << err;
    EXPECT_EQ(shell(at, "$A nonsense " + std::string(err)).code, code(exit_code::usage)) << err;
  }
}

TEST(CliStreams, a_transfer_is_not_ended_by_its_own_remark) {
  const place at;
  ASSERT_TRUE(segment::create(at.ring(), {.capacity = 4096}));
  const auto text = random_text(20000);
  at.write("in", text);
  const int full = open("/dev/full", O_WRONLY);
  run sender({"send", at.endpoint(), "--file", at.path("in"), "--progress"}, {.err = "/dev/full"});
  // It has waited for a second, and said so, when its bell has rung for long enough.
  ASSERT_TRUE(eventually([&] {
    auto seen = inspect(*segment::open(at.ring()));
    return seen && seen->producers_wait;
  }));
  const auto since = std::chrono::steady_clock::now();
  ASSERT_TRUE(eventually(
      [&] { return std::chrono::steady_clock::now() - since > std::chrono::milliseconds(1300); }));
  EXPECT_EQ(annulus_says(at, {"recv", at.endpoint()}).out, text);
  EXPECT_EQ(sender.wait(), 0);
  close(full);
}

TEST(CliStreams, a_reader_of_stderr_that_stands_still_holds_nothing_up) {
  const place at;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_GT(fcntl(ends[1], F_SETPIPE_SZ, 4096), 0);
  const std::string page(4096, 'x');
  ASSERT_EQ(write(ends[1], page.data(), page.size()), 4096);
  const auto err = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(ends[1]);
  run one({"stat", at.endpoint()}, {.err = err});
  EXPECT_EQ(one.wait(), code(exit_code::not_found));
  close(ends[0]);
  close(ends[1]);
}

TEST(CliStreams, what_stdout_did_not_take_is_a_failure) {
  const place at;
  ASSERT_TRUE(segment::create(at.ring()));
  for (const auto* command : {"stat", "stat shm:$N", "stat shm:$N --json", "choose", "--help",
                              "send --help", "--version"}) {
    const auto said = shell(at, "$A " + std::string(command) + " >/dev/full");
    EXPECT_EQ(said.code, code(exit_code::failure)) << command;
    EXPECT_THAT(said.err, HasSubstr("standard output")) << command;
  }
  at.write("in", "text");
  ASSERT_EQ(annulus_says(at, {"send", at.endpoint(), "--file", at.path("in")}).code, 0);
  EXPECT_EQ(shell(at, "$A recv shm:$N >/dev/full").code, code(exit_code::failure));
  EXPECT_EQ(shell(at, "$A recv shm:$N >&-").code, code(exit_code::failure));
  EXPECT_EQ(annulus_says(at, {"recv", at.endpoint()}).out, "text") << "nothing was released";
}

TEST(CliStreams, a_create_that_could_not_say_so_leaves_nothing) {
  for (const auto* out : {">/dev/full", ">&-"}) {
    const place at;
    for (const auto* kind : {"shm", "pipe", "auto"}) {
      const auto line = std::string("$A create ") + kind + ":$N ";
      const auto said = shell(at, line + out);
      EXPECT_EQ(said.code, code(exit_code::failure)) << kind;
      EXPECT_THAT(said.err, HasSubstr("is removed again")) << kind;
      for (const auto* end : {"", ".pipe", ".pipe.roles", ".auto"}) {
        EXPECT_NE(::access(at.left(end).c_str(), F_OK), 0) << kind << end;
      }
    }
    // A reader that has gone has not failed.
    EXPECT_EQ(shell(at, "$A create shm:$N > >(true)").code, 0);
    EXPECT_TRUE(at.has_ring());
  }
}

TEST(CliStreams, an_account_that_nobody_takes_is_told_once_and_messages_are_passed_on) {
  const place at;
  ASSERT_TRUE(segment::create(at.path("to")));
  ASSERT_TRUE(segment::create(at.ring()));
  {
    auto tx = spsc_producer::attach(*segment::open(at.ring()));
    ASSERT_TRUE(tx);
    ASSERT_EQ(tx->try_push(bytes("one")), status::ok);
  }
  const std::string passes = "$A gateway shm:$N shm:${D}to --json --health 1ms ";
  const auto said = shell(at, passes + "--until-closed >/dev/full");
  EXPECT_EQ(said.code, code(exit_code::failure));
  const std::string complaint = "account cannot be written";
  EXPECT_THAT(said.err, HasSubstr(complaint));
  EXPECT_EQ(said.err.find(complaint), said.err.rfind(complaint));
  EXPECT_EQ(inspect(*segment::open(at.path("to")))->producers[0].counters.messages, 1u);
  const auto stopped = shell(at, "timeout -s INT 0.3 " + passes + ">/dev/full; exit $?");
  EXPECT_THAT(stopped.err, HasSubstr("cannot write to standard output"));
}

TEST(CliStreams, a_file_that_may_not_grow_is_an_error_and_no_death) {
  const place at;
  ASSERT_TRUE(segment::create(at.ring()));
  const auto text = random_text(1 << 16);
  at.write("in", text);
  ASSERT_EQ(annulus_says(at, {"send", at.endpoint(), "--file", at.path("in")}).code, 0);
  EXPECT_EQ(shell(at, "ulimit -f 8; $A recv shm:$N --file ${D}out").code, code(exit_code::failure));
}

// In 1 MiB a ring of 4 MiB that took no memory is filled and read; with more memory it goes on.
std::string script_of_scarce_memory(const std::string& kind, const std::string& way) {
  const std::string dir = " --dir ${D}m ";
  std::string script = "mkdir ${D}m && mount -t tmpfs -o size=1m none ${D}m && ";
  script += "$A create shm:x --capacity 4MiB --no-reserve" + dir + kind + " >${D}made && ";
  script += "$A send shm:x --file ${D}in" + dir + way + "; echo code $?; ";
  script += "$A recv shm:x --keep --timeout 100ms" + dir + way + " >${D}out; echo code $?; ";
  script += "mount -o remount,size=8m ${D}m; ";
  script += "echo more | $A send shm:x" + dir + way + "; echo code $?; ";
  return script + "$A recv shm:x --count 1" + dir + way;
}

TEST(CliStreams, a_ring_whose_memory_ran_out_keeps_what_was_sent_and_goes_on) {
  if (!may_mount()) return;
  std::string all;
  while (all.size() < 3'000'000) all += std::to_string(all.size()) + '\n';
  for (const auto* kind : {"", "--mpsc"}) {
    for (const auto* way : {"", "--lines"}) {
      SCOPED_TRACE(std::string(kind) + way);
      const place at;
      at.write("in", all);
      at.write("script", script_of_scarce_memory(kind, way));
      const auto said = shell(at, "unshare -m bash ${D}script");
      EXPECT_EQ(said.out, "code 1\ncode 7\ncode 0\nmore\n") << said.err;
      EXPECT_THAT(said.err, HasSubstr("no memory for more of it: free some"));
      const auto out = at.read("out");
      EXPECT_GT(out.size(), 300'000u);
      EXPECT_EQ(out, all.substr(0, out.size()));
      const auto ends = *way == 0 ? 0 : std::ranges::count(out, '\n');
      const auto sent = out.size() - static_cast<std::size_t>(ends);
      EXPECT_THAT(said.err, HasSubstr(std::to_string(sent) + " bytes were sent"));
    }
  }
}

// What is shown.

TEST(CliStreams, text_is_shown_and_what_a_terminal_would_obey_is_escaped) {
  EXPECT_EQ(shown("plain text, 'quoted'"), "plain text, 'quoted'");
  EXPECT_EQ(shown("größe ✓ 名"), "größe ✓ 名");
  EXPECT_EQ(shown("\033[2J\007\n\t\x7f"), "\\x1b[2J\\x07\\x0a\\x09\\x7f");
  EXPECT_EQ(shown("\xc2\x9b"
                  "2J"),
            "\\xc2\\x9b2J")
      << "the same as ESC [, in one character";
  EXPECT_EQ(shown("a\u202e"
                  "b"),
            "a\\xe2\\x80\\xaeb")
      << "turns the direction of writing";
  EXPECT_EQ(shown("bad\xff"), "bad\\xff");
  EXPECT_EQ(shown("cut\xe2\x82"), "cut\\xe2\\x82");
  EXPECT_EQ(shown("long\xc0\xaf\xe0\x80\x80\xed\xa0\x80\xf4\x90\x80\x80"),
            "long\\xc0\\xaf\\xe0\\x80\\x80\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80")
      << "overlong, a surrogate, past the last";
  EXPECT_EQ(shown("\U0010ffff\u00a0"), "\U0010ffff\u00a0");
}

TEST(CliStreams, a_strangers_file_name_neither_spoils_the_list_nor_reaches_the_terminal) {
  const place at;
  ASSERT_TRUE(segment::create(at.ring()));
  std::vector<std::string> odd;
  for (const auto* end : {"bad\xff", "x\033]0;owned\007\033[2J", "line\nbreak",
                          "c1\xc2\x9b"
                          "2J"}) {
    odd.push_back(files::directory() + "/annulus." + at.ring() + end);
    close(open(odd.back().c_str(), O_CREAT | O_WRONLY, 0600));
  }
  const auto text = annulus_says(at, {"stat"});
  const auto as_json = annulus_says(at, {"stat", "--json"});
  for (const auto& path : odd) unlink(path.c_str());
  EXPECT_EQ(text.code, 0);
  EXPECT_THAT(text.out, HasSubstr(at.ring() + "x\\x1b]0;owned\\x07\\x1b[2J"));
  EXPECT_THAT(text.out, HasSubstr("line\\x0abreak"));
  for (const auto& said : {text.out, as_json.out}) {
    EXPECT_THAT(said, Not(HasSubstr("\033")));
    EXPECT_THAT(said, Not(HasSubstr("\xc2\x9b")));
    EXPECT_THAT(said, Not(HasSubstr("\xff")));
  }
  ASSERT_EQ(as_json.code, 0);
  const auto all = nlohmann::json::parse(as_json.out);
  int found = 0;
  int errors = 0;
  for (const auto& one : all) {
    const auto name = one["name"].get<std::string>();
    found += name == at.endpoint() ? 1 : 0;
    errors += name.starts_with(at.endpoint()) && one.contains("error") ? 1 : 0;
  }
  EXPECT_EQ(found, 1);
  EXPECT_EQ(errors, 4);
}

TEST(CliStreams, an_error_shows_what_it_names) {
  const place at;
  const std::vector<std::vector<std::string>> lines = {{"stat", "shm:/tmp/\033[2J"},
                                                       {"stat", "shm:x\033y"},
                                                       {"send", "shm:x", "--file", "\033no"},
                                                       {"non\033sense"},
                                                       {"recv", "shm:x", "\033"},
                                                       {"remove", "pipe:/tmp/\033[2J"},
                                                       {"create", "shm:/no\033where/x"}};
  for (const auto& words : lines) {
    const auto said = annulus_says(at, words);
    EXPECT_NE(said.code, 0) << words[0];
    EXPECT_THAT(said.err, HasSubstr("\\x1b")) << words[0];
    EXPECT_THAT(said.err, Not(HasSubstr("\033"))) << words[0];
  }
}

TEST(CliStreams, the_files_of_a_channel_are_not_its_own_input_or_output) {
  const place at;
  const auto file = at.left("");
  const auto refused = [&](std::vector<std::string> words) {
    const auto said = annulus_says(at, words);
    EXPECT_EQ(said.code, code(exit_code::usage)) << words[0] << " " << words[1] << said.err;
    EXPECT_THAT(said.err, HasSubstr("of the channel"));
  };
  for (const auto& endpoint : {at.endpoint(), at.any()}) {
    refused({"recv", endpoint, "--file", file, "--timeout", "1s"});
    EXPECT_NE(::access(file.c_str(), F_OK), 0) << "what was refused leaves no file";
  }
  ASSERT_EQ(annulus_says(at, {"create", at.endpoint()}).code, 0);
  ASSERT_EQ(annulus_says(at, {"send", at.endpoint(), "--lines"}, "a\nb\n").code, 0);
  refused({"recv", at.endpoint(), "--file", file, "--timeout", "1s"});
  refused({"send", at.endpoint(), "--file", file, "--timeout", "1s"});
  EXPECT_EQ(annulus_says(at, {"recv", at.endpoint(), "--lines"}).out, "a\nb\n");
  ASSERT_EQ(annulus_says(at, {"create", at.pipe()}).code, 0);
  refused({"recv", at.pipe(), "--file", at.left(".pipe.roles"), "--timeout", "1s"});
  EXPECT_EQ(annulus_says(at, {"stat", at.pipe()}).code, 0);
}

}  // namespace
}  // namespace annulus
