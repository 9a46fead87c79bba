// Messages over the pipe: cut into frames and put together, claims that are owed.
#include "bytes.hpp"
#include "child.hpp"
#include "pipes.hpp"
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <thread>
#include <vector>

#include <annulus/pipe/inspect.hpp>
#include <annulus/pipe/pipe.hpp>

namespace annulus::testing {
namespace {

constexpr std::size_t a_frame = pipes::most_payload;  // the longest message that is one frame

using std::chrono::milliseconds;

// Cutting and putting together.

TEST(PipeLong, messages_of_every_size_around_the_frames_arrive) {
  for (const std::uint32_t producers : {1u, 4u}) {
    scratch_pipe pipe(of(1 << 17, producers));
    auto tx = attached<pipe_producer>(*pipe);
    auto rx = attached<pipe_consumer>(*pipe);
    for (std::size_t frames = 1; frames <= 8; ++frames) {
      for (std::size_t off = 0; off < 80; ++off) {
        const auto sent = pattern(frames * a_frame + 40 - off, off);
        ASSERT_EQ(tx.try_push(message(sent)), status::ok) << sent.size();
        const view seen = rx.try_read();
        ASSERT_TRUE(seen) << sent.size();
        ASSERT_TRUE(copy(seen.bytes()) == sent) << sent.size();
        rx.release();
      }
    }
    EXPECT_EQ(inspect(*pipe)->depth, 0u);
  }
}

TEST(PipeLong, batches_of_every_size_arrive_whole_wherever_the_fifo_cuts_them) {
  for (const std::uint32_t producers : {1u, 4u}) {
    scratch_pipe pipe(of(1 << 15, producers));
    auto tx = attached<pipe_producer>(*pipe);
    auto rx = attached<pipe_consumer>(*pipe);
    std::uint64_t sent = 0, read = 0;
    const auto check = [&](message m) {
      ASSERT_TRUE(copy(m) == pattern(read * 37 % 1500, read)) << read;
      ++read;
    };
    for (std::uint64_t round = 0; round < 300; ++round) {
      std::vector<octets> content;
      for (std::uint64_t i = 0; i < 60; ++i) {
        content.push_back(pattern((sent + i) * 37 % 1500, sent + i));
      }
      const std::vector<message> many(content.begin(), content.end());
      sent += tx.try_push_batch(many).count;
      rx.drain(check, 1 + round % 50);
    }
    rx.drain(check, 1000);
    EXPECT_EQ(read, sent);
    EXPECT_GT(sent, 5000u);
    EXPECT_EQ(inspect(*pipe)->consumer.counters.corrupt, 0u);
  }
}

TEST(PipeLong, long_messages_of_several_producers_that_mix_arrive_whole_and_in_order) {
  scratch_pipe pipe(of(1 << 16, 3));
  auto rx = attached<pipe_consumer>(*pipe);
  std::vector<std::jthread> all;
  constexpr std::uint64_t each = 60;
  const auto size = [](std::uint64_t from, std::uint64_t n) {
    return 1 + (from * 7 + n * 977) % 30000;
  };
  for (std::uint64_t from = 0; from < 3; ++from) {
    all.emplace_back([&, from, tx = attached<pipe_producer>(*pipe)]() mutable {
      for (std::uint64_t n = 0; n < each; ++n) {
        auto sent = pattern(size(from, n), from * 1000 + n);
        sent[0] = static_cast<std::byte>(from);
        EXPECT_EQ(tx.push(message(sent), no_deadline), status::ok);
      }
    });
  }
  std::array<std::uint64_t, 3> count{};
  for (view seen = rx.read(no_deadline); seen.status() != status::closed;
       seen = rx.read(no_deadline)) {
    ASSERT_TRUE(seen) << to_string(seen.status());
    const auto from = static_cast<std::uint64_t>(seen.bytes()[0]);
    auto expected = pattern(size(from, count.at(from)), from * 1000 + count.at(from));
    expected[0] = static_cast<std::byte>(from);
    ++count.at(from);
    ASSERT_TRUE(copy(seen.bytes()) == expected);
    rx.release();
  }
  for (const auto one : count) EXPECT_EQ(one, each);
}

TEST(PipeLong, a_message_longer_than_the_fifo_streams_through) {
  scratch_pipe pipe(of(1 << 21, 2));
  ASSERT_EQ(fcntl(pipe->file(), F_SETPIPE_SZ, 1 << 16), 1 << 16);
  auto tx = attached<pipe_producer>(*pipe);
  auto rx = attached<pipe_consumer>(*pipe);
  const auto sent = pattern(tx.max_message(), 1);
  std::jthread pushes([&] { EXPECT_EQ(tx.push(message(sent), no_deadline), status::ok); });
  const view seen = rx.read(no_deadline);
  ASSERT_TRUE(seen);
  EXPECT_TRUE(copy(seen.bytes()) == sent);
}

TEST(PipeLong, an_abandoned_message_is_never_read_and_what_follows_is) {
  for (const std::uint32_t producers : {1u, 2u}) {
    scratch_pipe pipe(of(1 << 14, producers));
    auto tx = attached<pipe_producer>(*pipe);
    auto rx = attached<pipe_consumer>(*pipe);
    const auto filler = pattern(a_frame, 1);
    ASSERT_EQ(tx.try_push(message(filler)), status::ok);
    ASSERT_EQ(tx.try_push(message(filler)), status::ok);
    ASSERT_EQ(tx.try_push(message(filler)), status::ok);
    const auto large = pattern(8000, 2);  // one page of two is there
    EXPECT_EQ(tx.try_push(message(large)), status::full);
    EXPECT_EQ(tx.push(message(large), within(milliseconds(2))), status::timed_out);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(next(rx) == text(filler)) << i;
    EXPECT_EQ(next(rx), "[empty]");
    ASSERT_EQ(tx.try_push(bytes("next")), status::ok);
    EXPECT_EQ(next(rx), "next");
    EXPECT_EQ(next(rx), "[empty]");
    EXPECT_EQ(inspect(*pipe)->consumer.counters.recovered, 0u);
    EXPECT_EQ(inspect(*pipe)->depth, 0u);
  }
}

TEST(PipeLong, wherever_a_message_is_given_up_what_stands_around_it_is_whole) {
  for (const std::uint32_t producers : {1u, 2u}) {
    scratch_pipe pipe(of(1 << 14, producers));
    auto rx = attached<pipe_consumer>(*pipe);
    const auto large = pattern(4500, 2);  // its last frame would fit where its first does not
    for (std::size_t before = 0; before < 80; ++before) {
      auto tx = attached<pipe_producer>(*pipe, {waiting::kind::yield, {}});
      std::uint64_t sent = 0;
      for (std::size_t i = 0; i < before; ++i)
        sent += tx.try_push(bytes("0123456789")) == status::ok;
      const auto filler = pattern(150, 1);
      for (std::size_t i = 0; i < before; ++i) sent += tx.try_push(message(filler)) == status::ok;
      sent += tx.push(message(large), within(std::chrono::microseconds(50))) == status::ok;
      std::uint64_t read = 0;
      batch last;
      while ((last = rx.drain([&](message) { ++read; }, 7)).count > 0) {
      }
      ASSERT_EQ(last.why, status::empty) << before;
      ASSERT_EQ(read, sent) << before;
    }
    EXPECT_EQ(inspect(*pipe)->consumer.counters.corrupt, 0u);
  }
}

TEST(PipeLong, a_try_that_may_not_find_room_for_all_writes_nothing) {
  scratch_pipe pipe(of(1 << 15, 2));
  auto tx = attached<pipe_producer>(*pipe);
  const auto half_a_page = pattern(2100, 1);  // of which a page holds one
  for (int i = 0; i < 6; ++i) ASSERT_EQ(tx.try_push(message(half_a_page)), status::ok);
  const auto before = inspect(*pipe)->depth;
  EXPECT_EQ(tx.try_push(message(pattern(3 * a_frame, 2))), status::full);
  EXPECT_EQ(tx.push(message(pattern(3 * a_frame, 2)), deadline{}), status::timed_out);
  EXPECT_EQ(tx.try_claim(3 * a_frame).status(), status::full);
  EXPECT_EQ(tx.claim(3 * a_frame, within(milliseconds(3))).status(), status::timed_out);
  EXPECT_EQ(inspect(*pipe)->depth, before);
}

TEST(PipeLong, a_live_producer_in_the_middle_is_named_and_others_are_read_past_it) {
  scratch_pipe pipe(of(1 << 14, 2));
  auto slow = attached<pipe_producer>(*pipe);
  auto tx = attached<pipe_producer>(*pipe);
  auto rx = attached<pipe_consumer>(*pipe);
  begin_long(*pipe, bytes("half"));
  EXPECT_EQ(next(rx), "[stalled]");
  ASSERT_TRUE(rx.stalled_by());
  EXPECT_EQ(rx.stalled_by()->producer, 0u);
  EXPECT_EQ(rx.stalled_by()->pid, getpid());
  EXPECT_EQ(inspect(*pipe)->stalled_by->producer, 0u);
  EXPECT_EQ(rx.read(within(milliseconds(3))).status(), status::stalled);
  ASSERT_EQ(tx.try_push(bytes("past")), status::ok);
  EXPECT_EQ(next(rx), "past");
  const auto held = inspect(*pipe)->depth;
  EXPECT_GT(held, 0u);  // for a successor
  slow.close();
  EXPECT_EQ(next(rx), "[empty]");
  EXPECT_FALSE(rx.stalled_by());
  EXPECT_EQ(inspect(*pipe)->depth, 0u);
  EXPECT_EQ(inspect(*pipe)->consumer.counters.recovered, 1u);
}

TEST(PipeLong, a_successor_neither_repeats_what_was_released_nor_loses_what_was_not) {
  scratch_pipe pipe(of(1 << 14, 2));
  const auto slow = attached<pipe_producer>(*pipe);
  auto tx = attached<pipe_producer>(*pipe);
  begin_long(*pipe, bytes("half"));
  {
    auto rx = attached<pipe_consumer>(*pipe);
    ASSERT_EQ(tx.try_push(bytes("released")), status::ok);
    EXPECT_EQ(next(rx), "released");
    ASSERT_EQ(tx.try_push(bytes("read")), status::ok);
    EXPECT_EQ(text(rx.try_read().bytes()), "read");
  }
  auto rx = attached<pipe_consumer>(*pipe);
  EXPECT_EQ(next(rx), "read");
  EXPECT_EQ(next(rx), "[stalled]");
  pipes::frame_header rest;
  rest.incarnation = 1;
  rest.sequence = 7;
  rest.offset = 4;
  rest.is_last = 1;
  put(*pipe, frame_of(*pipe, rest, bytes("+half")));
  EXPECT_EQ(next(rx), "half+half");
  EXPECT_EQ(inspect(*pipe)->depth, 0u);
}

// `again`: the first consumer died after it had kept the bytes, and before it took them.
void lose_the_consumer_of_a_full_fifo(bool again) {
  scratch_pipe pipe(of(1 << 12, 2));
  const auto slow = attached<pipe_producer>(*pipe);
  const auto first = pattern(1000, 1);
  begin_long(*pipe, first);
  auto tx = attached<pipe_producer>(*pipe);
  const auto one = pattern(900, 2);
  while (tx.try_push(message(one)) == status::ok) {
  }
  {
    auto rx = attached<pipe_consumer>(*pipe);
    while (next(rx) == text(one)) {
    }
    EXPECT_EQ(inspect(*pipe)->depth, 0u);
    if (again) begin_long(*pipe, first);
    ASSERT_EQ(tx.try_push(message(one)), status::ok);
  }
  auto rx = attached<pipe_consumer>(*pipe);
  pipes::frame_header rest;
  rest.incarnation = 1;
  rest.sequence = 7;
  rest.offset = first.size();
  rest.is_last = 1;
  put(*pipe, frame_of(*pipe, rest, bytes("and the rest")));
  EXPECT_TRUE(next(rx) == text(one));
  EXPECT_TRUE(next(rx) == text(first) + "and the rest");
  EXPECT_EQ(next(rx), "[empty]");
}

TEST(PipeLong, what_had_to_be_taken_out_of_a_full_fifo_is_not_lost_with_its_consumer) {
  lose_the_consumer_of_a_full_fifo(false);
  lose_the_consumer_of_a_full_fifo(true);
}

TEST(PipeLong, the_unfinished_message_of_the_dead_is_dropped_and_counted_once) {
  scratch_pipe pipe(of(1 << 14, 2));
  {
    lingering slow([&] { return attached<pipe_producer>(*pipe); });
    begin_long(*pipe, bytes("half"));
    slow.kill();
  }
  auto tx = attached<pipe_producer>(*pipe);  // takes the number of the dead
  auto rx = attached<pipe_consumer>(*pipe);
  ASSERT_EQ(tx.try_push(bytes("mine")), status::ok);
  EXPECT_EQ(next(rx), "mine");
  EXPECT_EQ(next(rx), "[empty]");
  EXPECT_EQ(inspect(*pipe)->consumer.counters.recovered, 1u);
  tx.close();
  EXPECT_EQ(rx.read(no_deadline).status(), status::closed);
}

// Claims.

TEST(PipeClaims, a_commit_without_room_or_consumer_is_owed_and_goes_out_first) {
  scratch_pipe pipe(of(1 << 12, 2));
  auto tx = attached<pipe_producer>(*pipe);
  auto other = attached<pipe_producer>(*pipe);
  auto claim = tx.try_claim(2000);
  ASSERT_TRUE(claim);
  const auto mine = pattern(2000, 1);
  const auto theirs = pattern(2000, 2);
  std::ranges::copy(mine, claim.bytes().begin());
  ASSERT_EQ(other.try_push(message(theirs)), status::ok);
  ASSERT_EQ(other.try_push(message(theirs)), status::ok);
  claim.commit();
  EXPECT_TRUE(tx.owes());
  EXPECT_EQ(tx.try_push(bytes("behind")), status::full);
  auto rx = attached<pipe_consumer>(*pipe);
  EXPECT_TRUE(next(rx) == text(theirs));
  EXPECT_TRUE(next(rx) == text(theirs));
  ASSERT_EQ(tx.try_push(bytes("behind")), status::ok);
  EXPECT_FALSE(tx.owes());
  EXPECT_TRUE(next(rx) == text(mine));
  EXPECT_EQ(next(rx), "behind");
}

}  // namespace
}  // namespace annulus::testing
