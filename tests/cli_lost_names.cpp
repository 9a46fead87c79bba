// The channel's name goes away under `annulus send`, `recv` and `gateway`: each ends with a code of
// its own and an error that names the file; none answers 0 for what nobody will find.
#include "command.hpp"
#include "remover.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include <annulus/pipe/inspect.hpp>
#include <annulus/pipe/named_pipe.hpp>

namespace annulus::testing {
namespace {

using cli::exit_code;
using cli::must;
using ::testing::AllOf;
using ::testing::HasSubstr;

// A transport, and whether its files are renamed; else they are removed.
struct way {
  const char* scheme;
  bool is_renamed;
};

class CommandsUnderALostName : public ::testing::TestWithParam<way> {
 protected:
  ~CommandsUnderALostName() override {
    for (const std::string end : {"", ".roles"}) {
      std::filesystem::remove(file() + ".away" + end);
    }
  }

  [[nodiscard]] bool is_pipe() const { return std::string(GetParam().scheme) == "pipe"; }
  [[nodiscard]] std::string name() const { return GetParam().scheme + (":" + at.ring()); }
  [[nodiscard]] std::string file() const { return at.left(is_pipe() ? ".pipe" : ""); }

  void create() { EXPECT_EQ(annulus_says(at, {"create", name(), "--capacity", "16KiB"}).code, 0); }
  void lose() const {
    for (const std::string end : {"", ".roles"}) {
      const auto one = file() + end;
      if (!std::filesystem::exists(one)) continue;
      if (GetParam().is_renamed)
        std::filesystem::rename(one, file() + ".away" + end);
      else
        std::filesystem::remove(one);
    }
  }
  // Before that a sender whose channel is gone starts over with the one that has the name then.
  [[nodiscard]] bool has_messages() const {
    return is_pipe() ? must(inspect(must(named_pipe::open(at.ring())))).depth != 0
                     : at.seen_of_ring().depth != 0;
  }
  [[nodiscard]] bool has(bool consumer) const {
    if (!is_pipe()) {
      const auto seen = at.seen_of_ring();
      return (consumer ? seen.consumer.state : seen.producers.at(0).state) == presence::attached;
    }
    const auto pipe = named_pipe::open(at.ring());
    const auto seen = pipe ? inspect(*pipe) : result<pipe_report>(pipe.error());
    if (!seen) return false;
    return (consumer ? seen->consumer.state : seen->producers.at(0).state) == presence::attached;
  }

  // What a command opened and others take away before it has a role there.
  void lose_while_attaching(const run& command, const remover& other) const {
    ASSERT_TRUE(eventually([&] { return command.has_mapped(lock_path()); }));
    lose();
    other.done();
  }
  [[nodiscard]] remover held_by_a_remover() const {
    return remover(files::opened(lock_path(), O_RDWR).number());
  }
  [[nodiscard]] std::string lock_path() const { return file() + (is_pipe() ? ".roles" : ""); }

  const place at;
};

INSTANTIATE_TEST_SUITE_P(Ways, CommandsUnderALostName,
                         ::testing::Values(way{"shm", false}, way{"shm", true}, way{"pipe", false},
                                           way{"pipe", true}));

TEST_P(CommandsUnderALostName, recv_ends_with_the_files_name_and_what_came) {
  create();
  run receiver({"recv", name(), "--lines", "--forever"},
               {.out = at.path("out"), .err = at.path("err")});
  ASSERT_TRUE(eventually([&] { return has(true); }));
  EXPECT_EQ(annulus_says(at, {"send", name(), "--lines"}, "hello\n").code, 0);
  ASSERT_TRUE(eventually([&] { return at.read("out") == "hello\n"; }));
  lose();
  EXPECT_EQ(receiver.wait(), code(exit_code::removed));
  EXPECT_THAT(at.read("err"),
              AllOf(HasSubstr(file()), HasSubstr("1 messages"), HasSubstr("start again")));
}

TEST_P(CommandsUnderALostName, recv_that_waits_for_a_first_producer_ends_too) {
  create();
  run receiver({"recv", name()}, {.err = at.path("err")});
  ASSERT_TRUE(eventually([&] { return has(true); }));
  lose();
  EXPECT_EQ(receiver.wait(), code(exit_code::removed));
  EXPECT_THAT(at.read("err"), HasSubstr(file()));
}

// With room for all, and an input that goes on.
TEST_P(CommandsUnderALostName, send_does_not_go_on_into_what_nobody_will_find) {
  create();
  int input[2];
  ASSERT_EQ(pipe2(input, O_CLOEXEC), 0);
  run sender({"send", name(), "--lines"}, {.err = at.path("err"), .in_file = input[0]});
  close(input[0]);
  ASSERT_TRUE(eventually([&] { return has(false); }));
  ASSERT_EQ(write(input[1], "one\n", 4), 4);
  ASSERT_TRUE(eventually([&] { return has_messages(); }));
  lose();
  static_cast<void>(write(input[1], "two\n", 4));
  close(input[1]);
  EXPECT_EQ(sender.wait(), code(exit_code::removed));
  EXPECT_THAT(at.read("err"), AllOf(HasSubstr(file()), HasSubstr("send it anew")));
}

// It goes away between its opening and its attaching: the next of its name is found, or made.
TEST_P(CommandsUnderALostName, send_that_has_not_come_yet_makes_another) {
  create();
  const auto other = held_by_a_remover();
  run sender({"send", name(), "--lines"}, {.in = at.write("in", "one\n"), .err = at.path("err")});
  lose_while_attaching(sender, other);
  EXPECT_EQ(annulus_says(at, {"recv", name(), "--lines", "--timeout", "30s"}).out, "one\n");
  EXPECT_EQ(sender.wait(), 0) << at.read("err");
}

TEST_P(CommandsUnderALostName, recv_that_has_not_come_yet_waits_for_another) {
  create();
  const auto other = held_by_a_remover();
  run receiver({"recv", name(), "--lines", "--timeout", "30s"},
               {.out = at.path("out"), .err = at.path("err")});
  lose_while_attaching(receiver, other);
  EXPECT_EQ(annulus_says(at, {"send", name(), "--lines"}, "one\n").code, 0);
  EXPECT_EQ(receiver.wait(), 0) << at.read("err");
  EXPECT_EQ(at.read("out"), "one\n");
}

TEST_P(CommandsUnderALostName, a_gateway_that_has_not_come_yet_makes_another) {
  create();
  const auto source = "shm:" + at.ring() + "-s";
  ASSERT_EQ(annulus_says(at, {"create", source, "--capacity", "8KiB"}).code, 0);
  const auto other = held_by_a_remover();
  run passing({"gateway", source, name(), "--until-closed"}, {.err = at.path("err")});
  lose_while_attaching(passing, other);
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(lock_path()); }));
  run receiver({"recv", name(), "--lines", "--timeout", "30s"},
               {.out = at.path("out"), .err = at.path("recv.err")});
  EXPECT_EQ(annulus_says(at, {"send", source, "--lines"}, "one\n").code, 0);
  EXPECT_EQ(passing.wait(), 0) << at.read("err");
  EXPECT_EQ(receiver.wait(), 0) << at.read("recv.err");
  EXPECT_EQ(at.read("out"), "one\n");
  for (const auto& one : {source, name()}) {
    EXPECT_EQ(annulus_says(at, {"remove", one, "--force"}).code, 0);
  }
}

TEST_P(CommandsUnderALostName, send_that_waits_for_room_ends) {
  create();
  run sender({"send", name()}, {.in = "/dev/zero", .err = at.path("err")});
  ASSERT_TRUE(eventually([&] { return has_messages(); }));
  lose();
  EXPECT_EQ(sender.wait(), code(exit_code::removed));
  EXPECT_THAT(at.read("err"), HasSubstr(file()));
}

// Who is attached still reads what is there: nothing of it is lost, and send may say so.
TEST_P(CommandsUnderALostName, send_whose_messages_were_all_read_has_done_its_work) {
  create();
  int input[2];
  ASSERT_EQ(pipe2(input, O_CLOEXEC), 0);
  run sender({"send", name(), "--lines"}, {.err = at.path("err"), .in_file = input[0]});
  close(input[0]);
  ASSERT_TRUE(eventually([&] { return has(false); }));
  run receiver({"recv", name(), "--lines"}, {.out = at.path("out"), .err = at.path("recv.err")});
  ASSERT_TRUE(eventually([&] { return has(true); }));
  ASSERT_EQ(write(input[1], "one\n", 4), 4);
  ASSERT_TRUE(eventually([&] { return at.read("out") == "one\n"; }));
  lose();
  EXPECT_EQ(receiver.wait(), code(exit_code::removed));
  close(input[1]);
  EXPECT_EQ(sender.wait(), 0) << at.read("err");
}

TEST_P(CommandsUnderALostName, a_gateway_ends_and_its_source_keeps_what_was_not_taken) {
  create();
  const auto source = "shm:" + at.ring() + "-s";
  ASSERT_EQ(annulus_says(at, {"create", source, "--capacity", "8KiB"}).code, 0);
  run passing({"gateway", source, name()}, {.err = at.path("err")});
  ASSERT_TRUE(eventually([&] { return has(false); }));
  lose();
  EXPECT_EQ(passing.wait(), code(exit_code::removed));
  EXPECT_THAT(at.read("err"), AllOf(HasSubstr(file()), HasSubstr("start the gateway anew")));
  EXPECT_EQ(annulus_says(at, {"send", source, "--lines"}, "kept\n").code, 0);
  EXPECT_EQ(annulus_says(at, {"recv", source, "--lines"}).out, "kept\n");
  EXPECT_EQ(annulus_says(at, {"remove", source, "--force"}).code, 0);
}

}  // namespace
}  // namespace annulus::testing
