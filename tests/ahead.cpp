// Which lines a role asks for before it needs them, and when a consumer does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include <annulus/ring/ahead.hpp>
#include <annulus/ring/pace.hpp>

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
  struct area {
    std::vector<std::uint64_t>* asked;
    void prefetch_for_read(std::uint64_t index) const { asked->push_back(index); }
    void prefetch_for_write(std::uint64_t index) const { asked->push_back(index); }
  };
};

// What a consumer of such a ring asks for when it reads a record at this index.
std::vector<std::uint64_t> asked_by_consumer(bool is_behind, std::uint64_t capacity,
                                             std::uint64_t index, std::uint64_t record) {
  std::vector<std::uint64_t> asked;
  const recording::area data{&asked};
  read_ahead<recording> ahead;
  ahead.ask_if(is_behind, capacity);
  ahead.ask_for_a_line(data, index);
  ahead.ask_for_the_rest(data, index, record);
  return asked;
}

TEST(Ahead, a_consumer_that_is_behind_asks_for_the_line_a_kilobyte_ahead) {
  EXPECT_THAT(asked_by_consumer(true, 64 * KiB, 4096, 16), ElementsAre(5120));
}

TEST(Ahead, of_a_small_ring_a_consumer_asks_for_a_sixteenth_ahead) {
  EXPECT_THAT(asked_by_consumer(true, 4 * KiB, 0, 16), ElementsAre(256));
  EXPECT_THAT(asked_by_consumer(true, 16 * KiB, 0, 16), ElementsAre(1024));
}

TEST(Ahead, for_a_record_of_several_lines_a_consumer_asks_for_each_up_to_a_kilobyte) {
  EXPECT_THAT(asked_by_consumer(true, 64 * KiB, 0, 64), ElementsAre(1024));
  EXPECT_THAT(asked_by_consumer(true, 64 * KiB, 0, 72), ElementsAre(1024, 1088));
  EXPECT_EQ(asked_by_consumer(true, 64 * KiB, 0, 1024).size(), 16U);
  EXPECT_EQ(asked_by_consumer(true, 64 * KiB, 0, 1032).size(), 1U);
}

TEST(Ahead, a_consumer_that_has_caught_up_asks_for_no_line_but_its_own) {
  EXPECT_THAT(asked_by_consumer(false, 64 * KiB, 4096, 256), ElementsAre(4096));
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

// What a producer asks for when it has written the record [end - record, end) of a free ring.
std::vector<std::uint64_t> asked_by_producer(std::uint64_t end, std::uint64_t record,
                                             std::uint64_t room) {
  std::vector<std::uint64_t> asked;
  ask_ahead<recording>(recording::area{&asked}, end, record, room);
  return asked;
}

TEST(Ahead, a_producer_asks_for_the_next_line_when_it_begins_one) {
  EXPECT_THAT(asked_by_producer(1024, 56, 4096), ElementsAre(1536));
  EXPECT_THAT(asked_by_producer(1016, 48, 4096), ElementsAre());
  EXPECT_THAT(asked_by_producer(1024, 56, 512), ElementsAre());
  EXPECT_THAT(asked_by_producer(1024, 56, 513), ElementsAre(1536));
}

TEST(Ahead, a_producer_asks_for_each_line_of_a_record_of_several) {
  EXPECT_THAT(asked_by_producer(1024, 128, 4096), ElementsAre(2944, 3008));
  EXPECT_EQ(asked_by_producer(8192, 4096, 4096).size(), 64U);
  EXPECT_THAT(asked_by_producer(8192, 4104, 8192), ElementsAre());
  EXPECT_THAT(asked_by_producer(1024, 128, 2048), ElementsAre());
}

}  // namespace
}  // namespace annulus
