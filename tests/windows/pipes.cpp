// Pipes on Windows: a named pipe whose ends several processes hold, some of which are killed.
#include "../pipes.hpp"

#include "bytes.hpp"
#include "peer.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include <annulus/pipe/inspect.hpp>
#include <annulus/pipe/windows/ends.hpp>

namespace annulus::testing {
namespace {

using ::testing::HasSubstr;

deadline in_time() { return within(std::chrono::milliseconds(patience)); }

DWORD flags_of(HANDLE end) {
  DWORD flags = 0;
  EXPECT_TRUE(GetNamedPipeInfo(end, &flags, nullptr, nullptr, nullptr));
  return flags;
}

TEST(WindowsPipe, is_asked_for_as_the_first_of_its_name_and_for_this_machine_only) {
  // What wine does not enforce of it is what is asked for. Its owner alone: WindowsSegment.
  EXPECT_NE(pipes::pipe_access & FILE_FLAG_FIRST_PIPE_INSTANCE, 0u);
  EXPECT_NE(pipes::pipe_mode & PIPE_REJECT_REMOTE_CLIENTS, 0u);
  EXPECT_NE(pipes::pipe_mode & PIPE_TYPE_MESSAGE, 0u);
  EXPECT_NE(pipes::pipe_mode & PIPE_NOWAIT, 0u);
  const scratch_pipe pipe;
  const auto ends = pipes::ends::of(pipe->file());
  EXPECT_NE(flags_of(ends->reading()) & PIPE_TYPE_MESSAGE, 0u);
  EXPECT_NE(flags_of(ends->reading()) & PIPE_SERVER_END, 0u);
  EXPECT_EQ(flags_of(ends->writing()) & PIPE_SERVER_END, 0u);
}

TEST(WindowsPipe, takes_as_much_as_it_was_made_for_and_no_byte_of_what_has_no_room) {
  const scratch_pipe pipe(of(1 << 16));
  EXPECT_EQ(pipe->kernel_bytes(), 1u << 16);
  const octets block(pipes::block_bytes);
  for (int i = 0; i < 16; ++i) EXPECT_EQ(pipes::write_blocks(pipe->file(), block), block.size());
  EXPECT_EQ(pipes::write_blocks(pipe->file(), block), 0u);
  EXPECT_EQ(pipes::bytes_in(pipe->file()), 1u << 16);
  EXPECT_FALSE(pipes::has_free_page(pipe->file()));
}

TEST(WindowsPipe, is_the_same_for_all_who_open_it_and_another_when_all_are_gone) {
  const scratch_pipe_name name;
  {
    const auto made = good(named_pipe::create(name.str(), of(1 << 16)));
    const auto same = good(named_pipe::open(name.str()));
    auto tx = attached<pipe_producer>(made);
    auto rx = attached<pipe_consumer>(same);
    ASSERT_EQ(tx.try_push(bytes("to and fro")), status::ok);
    EXPECT_EQ(next(rx), "to and fro");
    for (const char* one : {"lost", "too"}) ASSERT_EQ(tx.try_push(bytes(one)), status::ok);
    ASSERT_TRUE(rx.try_read());
  }
  const auto anew = good(named_pipe::open(name.str()));
  EXPECT_EQ(pipes::bytes_in(anew.file()), 0u);
}

TEST(WindowsPipe, whose_name_is_held_by_a_stranger_is_refused) {
  const scratch_pipe_name name;
  { (void)good(named_pipe::create(name.str(), of(1 << 16))); }
  // As a process of another user has it: its ends are in no slot of the file.
  const auto file = files::existing(name.path(), access::read_write);
  std::uint64_t key[2];
  ASSERT_EQ(files::read_at(file.number(), key, sizeof key, 8), 16);
  wchar_t path[64];
  std::swprintf(path, std::size(path), L"\\\\.\\pipe\\annulus.%016llx%016llx", key[0], key[1]);
  const auto stranger =
      CreateNamedPipeW(path, PIPE_ACCESS_INBOUND, PIPE_TYPE_MESSAGE, 1, 0, 4096, 0, nullptr);
  ASSERT_NE(stranger, INVALID_HANDLE_VALUE);
  const auto refused = named_pipe::open(name.str());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, fault::in_use);
  EXPECT_THAT(refused.error().message, HasSubstr("share it with nobody"));
  CloseHandle(stranger);
  EXPECT_TRUE(named_pipe::open(name.str()));
}

TEST(WindowsPipe, must_not_stand_for_another_file) {
  const scratch_pipe_name name;
  { (void)good(named_pipe::create(name.str())); }
  ASSERT_TRUE(files::remove(name.path()));
  const auto other = files::unnamed(name.path(), 0600);
  ASSERT_EQ(files::write_at(other.number(), "other", 5, 0), 5);
  ASSERT_TRUE(files::publish(other.number(), name.path()));
  EXPECT_EQ(named_pipe::open(name.str()).error().kind, fault::not_a_channel);
  EXPECT_EQ(named_pipe::remove(name.str(), true).error().kind, fault::not_a_channel);
}

TEST(WindowsPipe, is_removed_and_its_name_is_free_at_once_while_roles_are_there) {
  const scratch_pipe pipe;
  auto tx = attached<pipe_producer>(*pipe);
  EXPECT_EQ(named_pipe::remove(pipe.name().str()).error().kind, fault::in_use);
  EXPECT_TRUE(named_pipe::remove(pipe.name().str(), true));
  EXPECT_TRUE(tx.has_lost_name());
  EXPECT_EQ(named_pipe::open(pipe.name().str()).error().kind, fault::not_found);
  const auto again = named_pipe::create(pipe.name().str());
  EXPECT_TRUE(again) << again.error().message;
}

TEST(WindowsPipe, has_once_what_a_consumer_died_over_while_it_moved_it) {
  constexpr std::uint64_t pending_offset = 20480 + 16;
  const scratch_pipe pipe;
  auto tx = attached<pipe_producer>(*pipe);
  ASSERT_EQ(tx.try_push(bytes("a")), status::ok);
  const auto frame = pipes::bytes_in(pipe->file());
  const auto died_over_one = [&] {
    ASSERT_EQ(files::write_at(pipe->file(), &frame, sizeof frame, pending_offset), 8);
  };
  // Copied to the shelf, and in the pipe still.
  const auto ends = pipes::ends::of(pipe->file());
  ASSERT_TRUE(ends->shelf().move(ends->reading()));
  octets copied(frame);
  ASSERT_EQ(ends->shelf().copy(0, copied), frame);
  put(*pipe, copied);
  died_over_one();
  ASSERT_EQ(pipes::bytes_in(pipe->file()), 2 * frame);
  auto rx = attached<pipe_consumer>(*pipe);
  EXPECT_EQ(text(rx.try_read().bytes()), "a");
  EXPECT_EQ(pipes::bytes_in(pipe->file()), frame);
  rx.release();
  EXPECT_EQ(pipes::bytes_in(pipe->file()), 0u);
  // Copied, and taken out: what is first in the pipe is another.
  died_over_one();
  ASSERT_EQ(tx.try_push(bytes("b")), status::ok);
  EXPECT_EQ(next(rx), "b");
  EXPECT_EQ(next(rx), "[empty]");
}

// What a debugger finds in the file, where docs/format.md says.
TEST(WindowsPipe, has_its_shelf_in_the_file_as_the_format_says) {
  constexpr std::uint64_t words_offset = 20480, data_offset = 24576;
  const scratch_pipe pipe(of(1 << 16));
  auto tx = attached<pipe_producer>(*pipe);
  const auto ends = pipes::ends::of(pipe->file());
  struct {
    std::uint64_t start, end, pending;
  } words{};
  const auto look = [&] {
    return files::read_at(pipe->file(), &words, sizeof words, words_offset) == sizeof words;
  };
  ASSERT_TRUE(look());
  EXPECT_EQ(words.start, 0u);
  EXPECT_EQ(words.end, 0u);
  // Over the end of its bytes and around.
  const std::string sent(3000, 'x');
  for (std::uint64_t moved = 0; moved < 3 * ends->capacity() / 2;) {
    ASSERT_EQ(tx.try_push(bytes(sent)), status::ok);
    const auto frame = pipes::bytes_in(pipe->file());
    ASSERT_TRUE(ends->shelf().move(ends->reading()));
    ASSERT_TRUE(look());
    EXPECT_EQ(words.start, moved);
    EXPECT_EQ(words.end, moved + frame);
    EXPECT_EQ(words.pending, 0u);
    octets copied(frame), stands(frame);
    ASSERT_EQ(ends->shelf().copy(0, copied), frame);
    const auto at = moved % ends->capacity();
    const auto first = std::min<std::uint64_t>(frame, ends->capacity() - at);
    const auto rest = frame - first;
    EXPECT_EQ(files::read_at(pipe->file(), stands.data(), first, data_offset + at),
              static_cast<ssize_t>(first));
    if (rest > 0) {
      EXPECT_EQ(files::read_at(pipe->file(), stands.data() + first, rest, data_offset),
                static_cast<ssize_t>(rest));
    }
    EXPECT_EQ(stands, copied);
    EXPECT_THAT(text(copied), HasSubstr(sent));
    ends->shelf().release(frame);
    moved += frame;
  }
}

class WindowsPipeProcesses : public ::testing::Test {
 protected:
  scratch_pipe_name name_;
  std::string event_name_ = name_.str() + ".event";
  signal_event told_{event_name_};
};

TEST_F(WindowsPipeProcesses, messages_pass_in_order_between_two_that_wait_for_each_other) {
  const auto pipe = good(named_pipe::create(name_.str(), of(1 << 16, 1)));
  peer consumer({"pipe:receive", name_.str(), "5000"});
  peer producer({"pipe:send", name_.str(), "5000"});
  EXPECT_EQ(producer.exit_status(), 0u);
  EXPECT_EQ(consumer.exit_status(), 0u);
}

TEST_F(WindowsPipeProcesses, what_a_killed_producer_had_pushed_stays_as_another_has_it_open) {
  peer producer({"pipe:make", name_.str(), event_name_});
  ASSERT_TRUE(told_.wait());
  const auto pipe = good(named_pipe::open(name_.str()));
  producer.kill();
  auto rx = attached<pipe_consumer>(pipe);
  EXPECT_EQ(rx.peer(), presence::died);
  EXPECT_EQ(next(rx), "a");
  EXPECT_EQ(next(rx), "b");
  EXPECT_EQ(rx.read(in_time()).status(), status::peer_gone);
  auto successor = attached<pipe_producer>(pipe);
  EXPECT_EQ(successor.number(), 0u);
  ASSERT_EQ(successor.try_push(bytes("behind")), status::ok);
  EXPECT_EQ(next(rx), "behind");
}

TEST_F(WindowsPipeProcesses, what_a_killed_consumer_had_not_released_comes_again) {
  const auto pipe = good(named_pipe::create(name_.str(), of(1 << 16)));
  auto tx = attached<pipe_producer>(pipe);
  for (const char* one : {"a", "b", "c"}) ASSERT_EQ(tx.try_push(bytes(one)), status::ok);
  peer consumer({"pipe:read", name_.str(), event_name_});
  ASSERT_TRUE(told_.wait());
  EXPECT_EQ(tx.peer(), presence::attached);
  EXPECT_EQ(pipe_consumer::attach(pipe).error().kind, fault::in_use);
  consumer.kill();
  EXPECT_EQ(tx.peer(), presence::died);
  auto rx = attached<pipe_consumer>(pipe);
  EXPECT_EQ(next(rx), "b");
  EXPECT_EQ(next(rx), "c");
}

TEST_F(WindowsPipeProcesses, a_long_message_whose_producer_is_killed_is_dropped_whole) {
  auto shape = of(1 << 16);
  shape.max_message = 1 << 15;
  const auto pipe = good(named_pipe::create(name_.str(), shape));
  auto tx = attached<pipe_producer>(pipe);
  const octets half((1 << 16) - 5 * pipes::block_bytes);
  for (std::size_t i = 0; i < half.size() / pipes::block_bytes; ++i) {
    ASSERT_EQ(tx.try_push(octets(pipes::most_payload)), status::ok);
  }
  peer producer({"pipe:begin", name_.str(), event_name_});
  ASSERT_TRUE(told_.wait());
  while (pipes::has_free_page(pipe.file())) std::this_thread::yield();
  producer.kill();
  ASSERT_EQ(tx.peer(), presence::never_came);
  auto rx = attached<pipe_consumer>(pipe);
  for (std::size_t i = 0; i < half.size() / pipes::block_bytes; ++i) {
    ASSERT_EQ(next(rx).size(), pipes::most_payload);
  }
  EXPECT_EQ(rx.read(within(std::chrono::milliseconds(1))).status(), status::timed_out);
  ASSERT_EQ(tx.try_push(bytes("behind")), status::ok);
  EXPECT_EQ(next(rx), "behind");
  EXPECT_EQ(good(inspect(pipe)).consumer.counters.recovered, 1u);
}

}  // namespace
}  // namespace annulus::testing
