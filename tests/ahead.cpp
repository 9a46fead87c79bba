// Which lines a role asks for before it needs them, and when a consumer does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <annulus/ring/ahead.hpp>
#include <annulus/ring/pace.hpp>
#include <annulus/ring/spsc_straight.hpp>

namespace annulus {
namespace {

using ::testing::ElementsAre;

constexpr std::uint64_t KiB = 1024;

// Remembers what it is asked for.
struct recording {
  static constexpr std::uint64_t cache_line_bytes = 64;
  static constexpr std::uint32_t polls_until_starved = 16;
  template <class T>
  struct word {};
  static bool is_far(const word<std::uint64_t>&) { return false; }
  static void relax() {}
  using bytes = std::span<std::byte>;
  using const_bytes = std::span<const std::byte>;
  struct witness {};
  struct area {
    std::vector<std::uint64_t>* asked = nullptr;
    std::uint64_t start = 0;
    [[nodiscard]] area starting_at(std::uint64_t at) const { return {asked, start + at}; }
    void prefetch_for_read(std::uint64_t index) const { asked->push_back(index); }
    void prefetch_for_write(std::uint64_t index) const { asked->push_back(index - start); }
  };
};

// What a consumer of such a ring asks for when it reads a record at this index.
std::vector<std::uint64_t> asked_by_consumer(bool is_behind, std::uint64_t capacity,
                                             std::uint64_t index, std::uint64_t record) {
  std::vector<std::uint64_t> asked;
  const recording::area data{&asked};
  read_ahead<recording> ahead;
  ahead.ask_if(is_behind, capacity);
  ahead.ask(data, index, record);
  return asked;
}

TEST(Ahead, a_consumer_that_is_behind_asks_for_the_line_a_kilobyte_ahead) {
  EXPECT_THAT(asked_by_consumer(true, 64 * KiB, 4096, 16), ElementsAre(5120));
}

TEST(Ahead, of_a_small_ring_a_consumer_asks_for_a_sixteenth_ahead) {
  EXPECT_THAT(asked_by_consumer(true, 4 * KiB, 0, 16), ElementsAre(256));
  EXPECT_THAT(asked_by_consumer(true, 16 * KiB, 0, 16), ElementsAre(1024));
}

TEST(Ahead, of_a_large_ring_a_consumer_asks_for_short_records_too) {
  EXPECT_THAT(asked_by_consumer(true, 1024 * KiB, 0, 16), ElementsAre(1024));
  EXPECT_THAT(asked_by_consumer(true, 64 * 1024 * KiB, 0, 16), ElementsAre(1024));
}

TEST(Ahead, for_a_record_of_several_lines_a_consumer_asks_for_each_up_to_a_kilobyte) {
  EXPECT_THAT(asked_by_consumer(true, 64 * KiB, 0, 64), ElementsAre(1024));
  EXPECT_THAT(asked_by_consumer(true, 64 * KiB, 0, 72), ElementsAre(1024, 1088));
  EXPECT_EQ(asked_by_consumer(true, 64 * KiB, 0, 1024).size(), 16U);
  EXPECT_EQ(asked_by_consumer(true, 64 * KiB, 0, 1032).size(), 1U);
}

TEST(Ahead, a_consumer_that_has_caught_up_asks_for_no_line) {
  EXPECT_THAT(asked_by_consumer(false, 64 * KiB, 4096, 256), ElementsAre());
}

TEST(Ahead, a_consumer_is_behind_once_it_found_messages_for_64_kilobytes) {
  const recording::word<std::uint64_t> word;
  pace<recording> of;
  EXPECT_FALSE(of.is_behind(64 * KiB));
  EXPECT_TRUE(of.is_behind(64 * KiB + 8));
  (void)of.ran_dry(word, 64 * KiB, 16);  // the stretch before the dry moment was as long
  EXPECT_FALSE(of.is_behind(64 * KiB));
  (void)of.ran_dry(word, 128 * KiB + 8, 16);
  EXPECT_TRUE(of.is_behind(128 * KiB + 8));
  (void)of.ran_dry(word, 129 * KiB, 16);
  EXPECT_FALSE(of.is_behind(129 * KiB));
}

TEST(Ahead, only_in_a_small_ring_a_producer_asks_in_steps) {
  EXPECT_EQ(step_of_asking<recording>(512), 64U);
  EXPECT_EQ(step_of_asking<recording>(4 * KiB), 256U);
  EXPECT_EQ(step_of_asking<recording>(128 * KiB), 512U);
  EXPECT_EQ(step_of_asking<recording>(128 * KiB + 1), 0U);
}

// What a producer asks for that writes the record [end - record, end) of a free ring.
std::vector<std::uint64_t> asked_by_producer(std::uint64_t end, std::uint64_t record,
                                             std::uint64_t room) {
  std::vector<std::uint64_t> asked;
  ask_ahead<recording>({recording::area{&asked}, end, record, room});
  return asked;
}

TEST(Ahead, a_producer_asks_for_the_next_line_when_it_begins_one) {
  EXPECT_THAT(asked_by_producer(1024, 56, 4096), ElementsAre(1536));
  EXPECT_THAT(asked_by_producer(1088, 64, 4096), ElementsAre(1600));
  EXPECT_THAT(asked_by_producer(1016, 48, 4096), ElementsAre());
  EXPECT_THAT(asked_by_producer(1024, 56, 512), ElementsAre());
  EXPECT_THAT(asked_by_producer(1024, 56, 513), ElementsAre(1536));
}

TEST(Ahead, a_producer_asks_for_each_line_of_a_record_of_several) {
  EXPECT_THAT(asked_by_producer(1024, 128, 4096), ElementsAre(2944, 3008));
  EXPECT_EQ(asked_by_producer(8192, 4096, 4096).front(), 4096U + 2048);
  EXPECT_EQ(asked_by_producer(8192, 4104, 4096).front(), 4088U + 1024);
  EXPECT_EQ(asked_by_producer(128 * KiB, 64 * KiB, 4096).size(), 1024U);
  EXPECT_THAT(asked_by_producer(128 * KiB, 64 * KiB + 8, 4096), ElementsAre());
  EXPECT_THAT(asked_by_producer(1024, 128, 2048), ElementsAre());
}

// A lone producer at `pos`, to whom all up to `limit` is free.
class producer {
 public:
  explicit producer(std::uint64_t capacity, integrity kind = integrity::structure) {
    ring_.data.asked = &asked;
    ring_.geometry.capacity = capacity;
    ring_.geometry.integrity = kind;
  }
  void begin(std::uint64_t at, std::uint64_t limit, std::uint64_t record) {
    pos = at;
    room_.begin(ring_, at, limit, record);
  }
  // As many records as the stretch holds. Returns how often it went by the slow path.
  int push(std::uint64_t record) {
    int slow = 0;
    for (;; pos += record) {
      if (room_.reaches(pos + record)) continue;
      if (!room_.goes_on(ring_, pos, record)) return slow;
      ++slow;
    }
  }

  std::uint64_t pos = 0;
  std::vector<std::uint64_t> asked;

 private:
  ring_memory<recording> ring_;
  straight_room<recording> room_{0};
};

TEST(StraightRoom, goes_to_the_end_of_the_room_and_keeps_place_for_the_terminator) {
  producer one(256 * KiB);
  one.begin(0, 1024, 16);
  EXPECT_EQ(one.push(16), 0);
  EXPECT_EQ(one.pos, 1008U);
}

TEST(StraightRoom, goes_to_the_end_of_the_data) {
  producer one(256 * KiB);
  one.begin(255 * KiB, 400 * KiB, 16);
  EXPECT_EQ(one.push(16), 0);
  EXPECT_EQ(one.pos, 256 * KiB - 16);
}

TEST(StraightRoom, with_a_checksum_has_every_record_go_by_the_slow_path) {
  producer one(64 * KiB, integrity::crc32c);
  one.begin(0, 1024, 16);
  EXPECT_EQ(one.push(16), 1008 / 16);
  EXPECT_EQ(one.pos, 1008U);
  EXPECT_THAT(one.asked, ElementsAre());
}

// A step of 512 bytes and the record that asks make 528. Where less than two of them are left, the
// stretch goes to its end, and nothing is asked for.
TEST(StraightRoom, of_a_small_ring_goes_on_in_steps_and_asks_for_no_line_outside_it) {
  producer one(64 * KiB);
  one.begin(0, 32 * KiB, 16);
  EXPECT_EQ(one.push(16), 61);
  EXPECT_EQ(one.pos, 32 * KiB - 16);
  EXPECT_THAT(one.asked, ::testing::Each(::testing::Lt(32 * KiB)));
  EXPECT_EQ(one.asked.front(), 528U);
  EXPECT_EQ(one.asked.size(), 61U * 9);
}

// Its push asks (copy.hpp).
TEST(StraightRoom, behind_a_record_of_32_bytes_has_no_step) {
  producer one(64 * KiB);
  one.begin(0, 32 * KiB, 32);
  EXPECT_EQ(one.push(32), 0);
  EXPECT_THAT(one.asked, ElementsAre());
  producer other(64 * KiB);
  other.begin(0, 32 * KiB, 24);
  EXPECT_GT(other.push(24), 0);
}

TEST(StraightRoom, holds_no_record_that_ends_behind_it) {
  producer one(64 * KiB);
  one.begin(0, 2 * KiB, 16);
  one.push(16);
  const ring_memory<recording> ring;
  straight_room<recording> none(one.pos);
  EXPECT_FALSE(none.reaches(one.pos + 16));
  EXPECT_FALSE(none.goes_on(ring, one.pos, 16));
}

}  // namespace
}  // namespace annulus
