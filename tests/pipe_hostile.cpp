// Hostile bytes in a pipe and in its roles file.
#include "bytes.hpp"
#include "child.hpp"
#include "pipes.hpp"
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <fstream>
#include <string>
#include <vector>

#include <annulus/pipe/inspect.hpp>
#include <annulus/pipe/pipe.hpp>

namespace annulus::testing {
namespace {

// Hostile bytes.

TEST(PipeHostile, a_frame_that_goes_on_behind_the_end_is_no_frame) {
  scratch_pipe pipe(of(1 << 14));
  auto tx = attached<pipe_producer>(*pipe);
  auto rx = attached<pipe_consumer>(*pipe);
  pipes::frame_header header;
  header.incarnation = 1;
  header.sequence = 1;
  header.is_last = 1;
  auto frame = frame_of(*pipe, header, pattern(500, 1));
  frame.resize(300);
  put(*pipe, frame);
  EXPECT_EQ(next(rx), "[corrupt]");
  ASSERT_TRUE(rx.last_damage());
  EXPECT_EQ(rx.last_damage()->bytes, 300u);
  ASSERT_EQ(tx.try_push(bytes("next")), status::ok);
  EXPECT_EQ(next(rx), "next");
}

TEST(PipeHostile, a_forged_long_message_ends_at_the_limit) {
  auto shape = of(1 << 16);
  shape.max_message = 5000;
  scratch_pipe pipe(shape);
  const auto tx = attached<pipe_producer>(*pipe);
  auto rx = attached<pipe_consumer>(*pipe);
  pipes::frame_header header;
  header.incarnation = 1;
  header.sequence = 1;
  for (std::uint64_t i = 0; i < 8; ++i) {
    header.offset = i * 1000;
    put(*pipe, frame_of(*pipe, header, pattern(1000, i)));
  }
  EXPECT_EQ(next(rx), "[empty]");
  EXPECT_EQ(inspect(*pipe)->consumer.counters.corrupt, 1u);
  EXPECT_EQ(inspect(*pipe)->depth, 0u);
}

TEST(PipeHostile, a_message_with_a_hole_is_never_read) {
  scratch_pipe pipe(of(1 << 14));
  auto tx = attached<pipe_producer>(*pipe);
  auto rx = attached<pipe_consumer>(*pipe);
  begin_long(*pipe, bytes("beginning"));
  pipes::frame_header end;
  end.incarnation = 1;
  end.sequence = 7;
  end.offset = 5000;
  end.is_last = 1;
  put(*pipe, frame_of(*pipe, end, bytes("end")));
  EXPECT_EQ(next(rx), "[empty]");
  EXPECT_EQ(inspect(*pipe)->consumer.counters.corrupt, 1u);
  EXPECT_EQ(inspect(*pipe)->depth, 0u);
}

TEST(PipeHostile, messages_that_somebody_else_took_are_missed_and_the_rest_is_read) {
  scratch_pipe pipe(of(1 << 14));
  auto tx = attached<pipe_producer>(*pipe);
  auto rx = attached<pipe_consumer>(*pipe);
  ASSERT_EQ(tx.try_push(bytes("stolen in part")), status::ok);
  ASSERT_EQ(tx.try_push(bytes("whole")), status::ok);
  std::array<char, 20> loot{};
  ASSERT_EQ(read(pipe->file(), loot.data(), loot.size()), 20);
  EXPECT_EQ(next(rx), "[corrupt]");
  EXPECT_EQ(next(rx), "whole");
  EXPECT_EQ(next(rx), "[empty]");
}

// Says, in place of a consumer that died, that so much of producer 0's message was kept.
void forge_kept(const named_pipe& of, std::uint64_t count) {
  const auto held =
      good(pipes::roles::map(of.roles_file(), of.geometry(), false, of.name(), of.places()));
  auto& words = held.producer(0);
  words.kept_sequence.store<pipes::edge::own>(7, std::memory_order_relaxed);
  words.kept_incarnation.store<pipes::edge::own>(1, std::memory_order_relaxed);
  words.kept_bytes.store<pipes::edge::kept>(count, std::memory_order_release);
}

// What the next consumer reads when the kept bytes are said to be so many, and the rest comes.
std::string after_recall(std::uint64_t count, std::uint64_t hole_at, std::uint64_t capacity) {
  scratch_pipe pipe(of(capacity, 2));
  const auto slow = attached<pipe_producer>(*pipe);
  struct stat info {};
  EXPECT_EQ(fstat(pipe->roles_file(), &info), 0);
  const auto room = info.st_size;  // of producer 0: the first behind the words
  EXPECT_EQ(ftruncate(pipe->roles_file(), room + static_cast<off_t>(count)), 0);
  for (std::uint64_t at = 0; at < std::min<std::uint64_t>(count, 16 * pipes::page_bytes);
       at += pipes::page_bytes) {
    const auto some = std::min<std::uint64_t>(pipes::page_bytes, count - at);
    if (at == hole_at) continue;
    EXPECT_EQ(pwrite(pipe->roles_file(), std::string(some, 'k').data(), some,
                     room + static_cast<off_t>(at)),
              static_cast<ssize_t>(some));
  }
  forge_kept(*pipe, count);
  auto rx = attached<pipe_consumer>(*pipe);
  pipes::frame_header rest;
  rest.incarnation = 1;
  rest.sequence = 7;
  rest.offset = count;
  rest.is_last = 1;
  put(*pipe, frame_of(*pipe, rest, bytes("rest")));
  return next(rx);
}

TEST(PipeHostile, what_is_said_to_be_kept_is_taken_up_only_if_all_of_it_stands_in_the_file) {
  constexpr auto page = std::uint64_t{pipes::page_bytes};
  constexpr auto nowhere = UINT64_MAX;
  EXPECT_EQ(after_recall(4 * page, nowhere, 1 << 20), std::string(4 * page, 'k') + "rest");
  EXPECT_EQ(after_recall(4 * page - 9, nowhere, 1 << 20), std::string(4 * page - 9, 'k') + "rest");
  EXPECT_EQ(after_recall(4 * page, 0, 1 << 20), "[empty]");
  EXPECT_EQ(after_recall(4 * page, 3 * page, 1 << 20), "[empty]");
  // More than this machine has, in a file that costs nothing; and more than a message may have.
  EXPECT_EQ(after_recall(std::uint64_t{1} << 37, nowhere, std::uint64_t{1} << 38), "[empty]");
  EXPECT_EQ(after_recall((1 << 19) + 1, nowhere, 1 << 20), "[empty]");
}

// No more memory from here on than so much beyond what there is.
void allow_only(std::uint64_t more) {
  std::ifstream from("/proc/self/status");
  std::uint64_t kib = 0;
  for (std::string word; from >> word;) {
    if (word == "VmData:") from >> kib;
  }
  const rlimit most{kib * 1024 + more, RLIM_INFINITY};
  if (kib == 0 || setrlimit(RLIMIT_DATA, &most) != 0) std::abort();
}

// Not under sanitizers, whose own memory the limit would take: CMakePresets.json leaves it out.
TEST(PipeHostile, a_long_message_that_finds_no_memory_is_told_as_damage_and_what_follows_is_read) {
  const auto shape = of(std::uint64_t{1} << 28, 2);
  const auto outcome = [&](std::uint64_t memory) {
    scratch_pipe pipe(shape);
    auto tx = attached<pipe_producer>(*pipe);
    child reader([&] {
      auto rx = attached<pipe_consumer>(*pipe);
      allow_only(memory);
      const view first = rx.read(within(std::chrono::seconds(20)));
      const auto answer = first.status();
      if (answer == status::ok && first.bytes().size() != 96u << 20) return 1;
      if (answer != status::ok && !rx.last_damage()) return 2;
      rx.release();
      return text(rx.read(within(std::chrono::seconds(20))).bytes()) == "next"
                 ? 10 + static_cast<int>(answer)
                 : 3;
    });
    const std::vector<std::byte> large(96u << 20);
    EXPECT_EQ(tx.push(message(large), within(std::chrono::seconds(20))), status::ok);
    EXPECT_EQ(tx.push(bytes("next"), within(std::chrono::seconds(20))), status::ok);
    return reader.exit_status() - 10;
  };
  EXPECT_EQ(outcome(std::uint64_t{1} << 30), static_cast<int>(status::ok));
  EXPECT_EQ(outcome(std::uint64_t{1} << 24), static_cast<int>(status::corrupt));
}

TEST(PipeHostile, no_flipped_bit_of_a_header_is_taken_for_it) {
  scratch_pipe pipe(of(1 << 14));
  pipes::frame_header header;
  header.incarnation = 1;
  header.sequence = 1;
  header.is_last = 1;
  const auto whole = frame_of(*pipe, header, bytes("payload"));
  const auto key = pipe->geometry().key;
  ASSERT_TRUE(pipes::read_header(whole.data(), key, 4, header));
  EXPECT_FALSE(pipes::read_header(whole.data(), key ^ 1, 4, header));
  for (std::size_t bit = 0; bit < 8 * pipes::header_bytes; ++bit) {
    auto flipped = whole;
    flipped[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    EXPECT_FALSE(pipes::read_header(flipped.data(), key, 4, header)) << bit;
  }
}

// Between whole messages anybody may write anything: bytes of his own, or frames with flipped bits.
RC_GTEST_PROP(PipeHostile, every_message_between_foreign_bytes_is_read_and_nothing_else, ()) {
  scratch_pipe pipe(of(1 << 17));
  auto tx = attached<pipe_producer>(*pipe);
  auto rx = attached<pipe_consumer>(*pipe);
  std::vector<octets> expected, seen;
  std::uint64_t damaged = 0;
  const auto steps = *rc::gen::inRange(1, 30);
  for (int i = 0; i < steps; ++i) {
    const auto size = *rc::gen::inRange<std::size_t>(0, 3000);
    const auto what = pattern(size, static_cast<std::uint64_t>(i));
    switch (*rc::gen::inRange(0, 4)) {
      case 0: {
        auto noise =
            *rc::gen::container<std::vector<std::uint8_t>>(rc::gen::arbitrary<std::uint8_t>());
        if (noise.empty()) break;
        put(*pipe, copy(std::as_bytes(std::span(noise))));
        ++damaged;
        break;
      }
      case 1: {
        pipes::frame_header header;
        header.incarnation = 1;
        header.sequence = 1'000'000;
        header.is_last = 1;
        auto frame = frame_of(*pipe, header, what);
        const auto bit = *rc::gen::inRange<std::size_t>(0, 8 * pipes::header_bytes);
        frame[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
        put(*pipe, frame);
        ++damaged;
        break;
      }
      default: RC_ASSERT(tx.try_push(message(what)) == status::ok); expected.push_back(what);
    }
    if (*rc::gen::inRange(0, 3) != 0) continue;
    for (view one = rx.try_read(); one.status() != status::empty; one = rx.try_read()) {
      if (one) seen.push_back(copy(one.bytes()));
    }
    rx.release();
  }
  for (view one = rx.try_read(); one.status() != status::empty; one = rx.try_read()) {
    if (one) seen.push_back(copy(one.bytes()));
  }
  rx.release();
  RC_ASSERT(seen == expected);
  RC_ASSERT(inspect(*pipe)->depth == 0u);
  RC_ASSERT(rx.last_damage().has_value() == (damaged > 0));
}

// Frames with good checks, in any order and with any numbers: what a peer gone mad can write.
RC_GTEST_PROP(PipeHostile, no_order_of_good_frames_leads_out_of_bounds_or_into_a_loop, ()) {
  auto shape = of(1 << 16, 2);
  shape.max_message = *rc::gen::inRange<std::uint64_t>(1, 9000);
  scratch_pipe pipe(shape);
  auto rx = attached<pipe_consumer>(*pipe);
  const auto steps = *rc::gen::inRange(1, 40);
  for (int i = 0; i < steps; ++i) {
    pipes::frame_header header;
    header.producer = *rc::gen::inRange<std::uint16_t>(0, 3);
    header.incarnation = *rc::gen::inRange<std::uint32_t>(0, 3);
    header.sequence = *rc::gen::inRange<std::uint64_t>(0, 5);
    header.is_last = *rc::gen::inRange<std::uint16_t>(0, 2);
    header.offset = *rc::gen::element<std::uint64_t>(0, 0, 100, 200, 300, ~std::uint64_t{0});
    put(*pipe, frame_of(*pipe, header, pattern(*rc::gen::element<std::size_t>(0, 100), 1)));
    if (*rc::gen::inRange(0, 4) != 0) continue;
    for (int reads = 0; rx.try_read().status() != status::empty; ++reads) RC_ASSERT(reads < 100);
    rx.release();
  }
  for (int reads = 0; rx.try_read().status() != status::empty; ++reads) RC_ASSERT(reads < 100);
  rx.release();
  (void)rx.try_read();
  RC_ASSERT(inspect(*pipe)->depth == 0u);
}

}  // namespace
}  // namespace annulus::testing
