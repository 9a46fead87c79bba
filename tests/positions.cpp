// A damaged position or a damaged header beside a death: no role follows it, and the roles find
// each other again. What is lost is told; what is pushed afterwards is delivered.
#include "open_ring.hpp"
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <annulus/ring/ring.hpp>

namespace annulus::testing {
namespace {

template <class T>
class Positions : public ::testing::Test {};
using kinds = ::testing::Types<open_ring<topology::spsc>, open_ring<topology::mpsc>>;
struct name_of {
  template <class T>
  static std::string GetName(int) {
    return T::is_mpsc ? "mpsc" : "spsc";
  }
};
TYPED_TEST_SUITE(Positions, kinds, name_of);

TYPED_TEST(Positions, a_bit_of_write_pos_that_flips_and_flips_back_costs_no_message) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    TypeParam it;
    typename TypeParam::producer_core tx(it.words(), 0);
    typename TypeParam::consumer_core rx(it.words());
    seen all;
    for (int i = 0; i < 10; ++i) ASSERT_EQ(tx.try_push(bytes("before")), status::ok);
    read_into(all, rx);
    ASSERT_EQ(all.messages.size(), 10u);
    flip(it.write_pos(), bit);
    read_into(all, rx);
    ASSERT_LE(all.corrupt, 1) << bit;  // told once, not at each look
    flip(it.write_pos(), bit);
    read_into(all, rx);
    for (int i = 0; i < 200; ++i) {
      const auto one = std::to_string(i);
      ASSERT_EQ(tx.try_push(bytes(one)), status::ok) << bit << " " << i;
      read_into(all, rx, 4);
      ASSERT_EQ(all.messages.back(), one) << bit;
    }
    ASSERT_EQ(all.messages.size(), 210u) << bit;
  }
}

TYPED_TEST(Positions, a_bit_of_write_pos_that_stays_flipped_is_survived_or_told) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const bool is_full : {false, true}) {
      TypeParam it;
      std::optional<typename TypeParam::producer_core> tx(std::in_place, it.words(), 0);
      typename TypeParam::consumer_core rx(it.words());
      std::size_t pushed = 0;
      do {
        pushed += tx->try_push(bytes("one of many")) == status::ok;
      } while (is_full && pushed < capacity / 24 - 2);
      flip(it.write_pos(), bit);
      seen all;
      tx.emplace(it.words(), 0);  // a successor has nothing but that word
      for (int i = 0; i < 20; ++i) {
        const auto why = tx->try_push(bytes("after"));
        pushed += why == status::ok;
        all.corrupt += why == status::corrupt;
        read_into(all, rx, 200);
      }
      EXPECT_TRUE(all.messages.size() == pushed || all.corrupt > 0) << bit << is_full;
      if (TypeParam::is_mpsc) continue;  // its producers have no other word to go by: they say so
      EXPECT_EQ(all.messages.back(), "after") << bit << is_full;
    }
  }
}

TYPED_TEST(Positions, a_bit_of_read_pos_or_freed_that_flips_is_mended_by_its_consumer) {
  for (unsigned bit = 0; bit < 128; ++bit) {
    TypeParam it;
    typename TypeParam::producer_core tx(it.words(), 0);
    typename TypeParam::consumer_core rx(it.words());
    seen all;
    ASSERT_EQ(tx.try_push(bytes("before")), status::ok);
    read_into(all, rx);
    auto& word = bit < 64 ? it.read_pos() : it.freed();
    const auto was = value(word);
    flip(word, bit % 64);
    (void)rx.examine();
    ASSERT_EQ(value(word), was) << bit;
    for (int i = 0; i < 400; ++i) {
      ASSERT_EQ(tx.try_push(bytes("after")), status::ok) << bit << " " << i;
      read_into(all, rx, 2);
    }
    EXPECT_EQ(all.messages.size(), 401u) << bit;
    EXPECT_EQ(all.corrupt, 0) << bit;
  }
}

// Room, where positions are as they should be.

TYPED_TEST(Positions, what_was_released_holds_exactly_the_record_that_fits) {
  const std::size_t fitting = TypeParam::is_mpsc ? 56 : 48;  // a lone producer's needs a terminator
  for (const auto& [count, expected] :
       {std::pair{fitting, status::ok}, std::pair{fitting + 1, status::full}}) {
    TypeParam it(ring_options{});
    typename TypeParam::producer_core tx(it.words(), 0);
    typename TypeParam::consumer_core rx(it.words());
    int pushed = 0;
    while (tx.try_push(pattern(48, 1)) == status::ok) ++pushed;
    ASSERT_EQ(pushed, 73);  // 4088 bytes
    ASSERT_TRUE(rx.examine());
    rx.release();
    rx.publish_all();  // one record is less than a chunk
    EXPECT_EQ(tx.try_push(pattern(count, 1)), expected);
  }
}

TEST(ManyPositions, a_bit_of_either_of_the_consumers_positions_at_rest_costs_no_message) {
  using many = open_ring<topology::mpsc>;
  const std::string one(20, '1');  // 32 bytes with header and checksum
  for (const std::uint64_t first_pos : {std::uint64_t{0}, 0xa5a5a5a5a5a5a5a8u}) {
    for (unsigned bit = 0; bit < 192; ++bit) {
      for (const std::size_t left : {std::size_t{3}, capacity / 32}) {  // a few, or to the brim
        many it({.integrity = integrity::crc32c, .first_pos = first_pos});
        many::producer_core tx(it.words(), 0);
        seen all;
        {
          many::consumer_core rx(it.words());
          for (int i = 0; i < 20; ++i) ASSERT_EQ(tx.try_push(bytes("before")), status::ok);
          read_into(all, rx, 25);
        }
        for (std::size_t i = 0; i < left; ++i) ASSERT_EQ(tx.try_push(bytes(one)), status::ok);
        flip(bit < 64 ? it.read_pos() : bit < 128 ? it.releasing() : it.freed(), bit % 64);
        many::consumer_core rx(it.words());
        all = {};
        read_into(all, rx, 200);
        EXPECT_EQ(all.messages, std::vector<std::string>(left, one)) << bit << " " << first_pos;
        ASSERT_EQ(tx.try_push(bytes("last")), status::ok);
        read_into(all, rx);
        EXPECT_EQ(all.messages.back(), "last") << bit;
      }
    }
  }
}

// A producer that died between its last commit and its copy of write_pos.

using lone = open_ring<topology::spsc>;

struct cut_short : lone {
  std::uint64_t last = 0;  // where the record stands whose commit was the last

  explicit cut_short(int others) {
    producer_core first(words(), 0);
    for (int i = 0; i < others; ++i) EXPECT_EQ(first.try_push(bytes("a")), status::ok);
    last = write_pos().load<edge::own>(relaxed);
    EXPECT_EQ(first.try_push(bytes("the last one of a dead producer")), status::ok);
    write_pos().store<edge::own>(last, relaxed);
  }
  [[nodiscard]] std::byte& byte(std::uint64_t at) const {
    return memory.bytes()[ring.geometry().data_offset + words().index_of(last) + at];
  }
};

TEST(SuccessorOfTheDead, goes_on_where_the_consumer_can_find_it_whatever_bit_was_hit) {
  for (unsigned bit = 0; bit < 43 * 8; ++bit) {
    for (const int read_before : {0, 1, 2}) {  // before the bit flips; nothing is released
      cut_short it(1);
      lone::consumer_core rx(it.words());
      seen all;
      read_into(all, rx, read_before, false);
      it.byte(bit / 8) ^= std::byte{1} << (bit % 8);
      lone::producer_core second(it.words(), 0);
      read_into(all, rx, 3, false);
      ASSERT_EQ(second.try_push(bytes("x")), status::ok) << bit;
      read_into(all, rx, 3);
      ASSERT_EQ(second.try_push(bytes("y")), status::ok) << bit;
      read_into(all, rx);
      ASSERT_GE(all.messages.size(), 3u) << bit << " " << read_before;
      EXPECT_EQ(all.messages.front(), "a");
      EXPECT_EQ(all.messages[all.messages.size() - 2], "x") << bit << " " << read_before;
      EXPECT_EQ(all.messages.back(), "y");
      EXPECT_TRUE(all.messages.size() == 4 || all.corrupt > 0) << bit << " " << read_before;
    }
  }
}

TEST(SuccessorOfTheDead, shows_the_damage_without_another_push) {
  cut_short it(0);
  it.byte(0) ^= std::byte{4};
  lone::consumer_core rx(it.words());
  EXPECT_EQ(rx.examine().status(), status::empty);  // nobody has said yet that more was here
  lone::producer_core second(it.words(), 0);
  EXPECT_EQ(rx.examine().status(), status::corrupt);
}

TEST(SuccessorOfTheDead, finds_the_rest_of_a_batch_behind_its_damaged_first_header) {
  lone it;
  std::optional<lone::producer_core> first(std::in_place, it.words(), 0);
  const octets one = copy(bytes("one")), two = copy(bytes("two"));
  const message many[] = {one, two};
  ASSERT_EQ(first->try_push_batch(many).count, 2u);
  it.write_pos().store<edge::own>(0, relaxed);
  flip(it.words().header(0), 9);
  lone::producer_core second(it.words(), 0);
  lone::consumer_core rx(it.words());
  seen all;
  read_into(all, rx);
  EXPECT_EQ(all.messages, std::vector<std::string>{"two"});
  EXPECT_EQ(all.corrupt, 1);
}

TEST(SuccessorOfTheDead, leaves_nothing_behind_its_end_that_poses_as_a_loss) {
  cut_short it(0);
  const auto end = it.last + it.words().record_bytes(31);
  flip(it.words().header(end), 17);
  { lone::producer_core second(it.words(), 0); }
  const auto told = value(it.write_pos());
  EXPECT_EQ(value(it.words().header(told)), 0u);
  lone::producer_core third(it.words(), 0);
  EXPECT_EQ(value(it.write_pos()), told);
}

// The word at the end is the terminator's. A capacity past what was freed it would be the header of
// the oldest record.
TEST(SuccessorOfTheDead, clears_no_header_of_what_is_unread_whatever_the_end_was_said_to_be) {
  for (std::uint64_t said = 0; said <= 2 * capacity; said += record_align) {
    lone it;
    std::optional<lone::producer_core> first(std::in_place, it.words(), 0);
    ASSERT_EQ(first->try_push(bytes("oldest")), status::ok);
    const auto end = value(it.write_pos());
    set(it.write_pos(), said);
    for (std::uint64_t pos = end; pos < capacity; pos += record_align) {
      set(it.words().header(pos), ~pos);  // no header anywhere: the search goes to its limit
    }
    lone::producer_core second(it.words(), 0);
    lone::consumer_core rx(it.words());
    seen all;
    read_into(all, rx, 1);
    ASSERT_EQ(all.messages, std::vector<std::string>{"oldest"}) << said;
  }
}

TEST(SuccessorOfTheDead, never_goes_past_its_room_whatever_headers_stand_there) {
  for (const std::uint64_t bytes_of_each : {4u, 116u, 2036u}) {  // they tile the ring
    for (const bool is_told : {true, false}) {                   // of what was released
      lone it;
      const auto& key = it.ring.geometry().key;
      const auto step = it.words().record_bytes(bytes_of_each);
      if (!is_told) it.words().control->consumer.read_pos.store<edge::own>(step, relaxed);
      for (std::uint64_t pos = 0; pos < 2 * capacity; pos += step) {
        it.words().header(pos).store<edge::own>(record_header::committed(bytes_of_each, pos, key),
                                                relaxed);
        if (pos + step > capacity) break;
      }
      lone::producer_core tx(it.words(), 0);
      const auto end = value(it.write_pos());
      EXPECT_LE(end, capacity) << bytes_of_each;
      EXPECT_NE(tx.try_push(bytes("over what nobody has read")), status::ok) << bytes_of_each;
    }
  }
}

// Zeros where a record should be are no proof: of the record's damage, or of write_pos's.

TEST(ZeroedHeaders, in_a_full_ring_make_room_once_the_producer_says_that_it_is_full) {
  lone it;
  lone::producer_core tx(it.words(), 0);
  lone::consumer_core rx(it.words());
  std::vector<std::uint64_t> at;
  const auto one = pattern(500, 1);
  for (auto pos = value(it.write_pos()); tx.try_push(message(one)) == status::ok;
       pos = value(it.write_pos())) {
    at.push_back(pos);
  }
  ASSERT_GE(at.size(), 7u);
  for (const auto pos : at) it.words().header(pos).store<edge::own>(0, relaxed);
  seen all;
  read_into(all, rx, 3);
  EXPECT_GE(all.corrupt, 1);
  EXPECT_EQ(tx.try_push(message(one)), status::ok);
  read_into(all, rx, 3);
  EXPECT_EQ(all.messages.size(), 1u);
}

TEST(ZeroedHeaders, that_were_told_are_passed_when_the_producer_says_that_it_is_full) {
  lone it;
  lone::producer_core tx(it.words(), 0);
  lone::consumer_core rx(it.words());
  for (int i = 0; i < 73; ++i) ASSERT_EQ(tx.try_push(pattern(44, 1)), status::ok);  // to the brim
  for (std::uint64_t pos = 0; pos < 73 * 56; pos += 56) set(it.words().header(pos), 0);
  seen all;
  read_into(all, rx);
  EXPECT_EQ(all.corrupt, 1);
  EXPECT_EQ(rx.cursor(), 0u);
  ASSERT_EQ(tx.try_push(bytes("more")), status::full);
  read_into(all, rx);
  EXPECT_EQ(all.corrupt, 2);
  EXPECT_EQ(tx.try_push(bytes("more")), status::ok);
}

TEST(ZeroedHeaders, at_the_end_are_told_once_and_passed_by_the_next_message) {
  lone it;
  lone::producer_core tx(it.words(), 0);
  lone::consumer_core rx(it.words());
  ASSERT_EQ(tx.try_push(bytes("hit")), status::ok);
  it.words().header(0).store<edge::own>(0, relaxed);
  seen all;
  read_into(all, rx);
  EXPECT_EQ(all.corrupt, 1);
  ASSERT_EQ(tx.try_push(bytes("next")), status::ok);
  read_into(all, rx);
  EXPECT_EQ(all.messages, std::vector<std::string>{"next"});
}

}  // namespace
}  // namespace annulus::testing
