// The header word: what it says, and what it is not taken for.
#include <gtest/gtest.h>

#include <annulus/ring/record.hpp>
// RapidCheck's adapter wants GoogleTest before it.
#include <rapidcheck/gtest.h>

#include <cstdint>

namespace annulus::testing {
namespace {

rc::Gen<std::uint64_t> positions() {
  return rc::gen::map(rc::gen::arbitrary<std::uint64_t>(),
                      [](std::uint64_t n) { return n & ~std::uint64_t{7}; });
}
rc::Gen<std::uint64_t> lengths() {
  return rc::gen::map(rc::gen::arbitrary<std::uint64_t>(), [](std::uint64_t n) {
    return n % 64 == 0 ? largest_payload : n % (1 << 20);
  });
}

TEST(Record, its_size_is_header_payload_and_trailer_to_a_multiple_of_8) {
  for (std::uint64_t payload = 0; payload < 100; ++payload) {
    for (const std::uint64_t trailer : {std::uint64_t{0}, crc_bytes}) {
      const auto size = record_bytes(payload, trailer);
      EXPECT_EQ(size % 8, 0u);
      EXPECT_GE(size, 8 + payload + trailer);
      EXPECT_LT(size, 8 + payload + trailer + 8);
    }
  }
}

TEST(Record, an_empty_word_is_no_record_anywhere) {
  for (std::uint64_t pos = 0; pos < 80000; pos += 8) {
    const record_header none(0);
    EXPECT_FALSE(none.is_committed(pos, 0) || none.is_aborted(pos, 0) ||
                 none.is_busy(pos, 0, max_producers));
  }
}

TEST(Record, positions_are_compared_across_their_wrap) {
  EXPECT_TRUE(is_before(0, 8));
  EXPECT_FALSE(is_before(8, 0));
  EXPECT_FALSE(is_before(8, 8));
  EXPECT_TRUE(is_before(~std::uint64_t{7}, 0));
  EXPECT_TRUE(is_before(~std::uint64_t{7}, 4096));
  EXPECT_FALSE(is_before(4096, ~std::uint64_t{7}));
}

RC_GTEST_PROP(Record, a_header_says_what_it_was_made_of, ()) {
  const auto pos = *positions();
  const auto key = *positions();
  const auto count = *lengths();
  const auto producer = *rc::gen::inRange<std::uint32_t>(0, max_producers);
  const record_header committed(record_header::committed(count, pos, key));
  RC_ASSERT(committed.is_committed(pos, key));
  RC_ASSERT(!committed.is_aborted(pos, key));
  RC_ASSERT(!committed.is_busy(pos, key, max_producers));
  RC_ASSERT(committed.bytes() == count);
  const record_header aborted(record_header::aborted(count, pos, key));
  RC_ASSERT(aborted.is_aborted(pos, key));
  RC_ASSERT(!aborted.is_committed(pos, key));
  RC_ASSERT(aborted.bytes() == count);
  const record_header busy(record_header::busy(count, pos, key, producer));
  RC_ASSERT(busy.is_busy(pos, key, producer + 1));
  RC_ASSERT(!busy.is_busy(pos, key, producer));
  RC_ASSERT(!busy.is_committed(pos, key));
  RC_ASSERT(busy.bytes() == count);
  RC_ASSERT(busy.producer(pos, key) == producer);
}

TEST(Record, only_a_word_of_zeros_is_an_empty_header) {
  EXPECT_TRUE(record_header(0).is_empty());
  for (unsigned bit = 0; bit < 64; ++bit) {
    EXPECT_FALSE(record_header(std::uint64_t{1} << bit).is_empty());
  }
}

TEST(Record, a_busy_header_names_one_of_so_many_producers) {
  const auto busy = [](std::uint32_t number) {
    return record_header(record_header::busy(8, 64, 7, number));
  };
  EXPECT_TRUE(busy(max_producers - 1).is_busy(64, 7, max_producers));
  EXPECT_FALSE(busy(max_producers).is_busy(64, 7, max_producers));
}

RC_GTEST_PROP(Record, a_header_with_any_bit_flipped_is_none, ()) {
  const auto pos = *positions();
  const auto key = *positions();
  const auto count = *lengths();
  for (const auto word :
       {record_header::committed(count, pos, key), record_header::aborted(count, pos, key)}) {
    for (unsigned bit = 0; bit < 64; ++bit) {
      const record_header hit(word ^ (std::uint64_t{1} << bit));
      RC_ASSERT(!hit.is_committed(pos, key));
      RC_ASSERT(!hit.is_aborted(pos, key));
      RC_ASSERT(!hit.is_busy(pos, key, max_producers));
    }
  }
}

RC_GTEST_PROP(Record, a_header_is_none_one_lap_later, ()) {
  const auto pos = *positions();
  const auto key = *positions();
  const auto word = record_header::committed(*lengths(), pos, key);
  for (unsigned lap = 12; lap < 39; ++lap) {
    const auto later = pos + (std::uint64_t{1} << lap);
    RC_ASSERT(!record_header(word).is_committed(later, key));
  }
}

}  // namespace
}  // namespace annulus::testing
