// Words that no role writes so: a peer forged them, or damage did. Whatever they say, what was read
// is not read again, what was not read is not lost, and no end is passed.
#include "open_ring.hpp"
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include <annulus/ring/ring.hpp>

namespace annulus::testing {
namespace {

using strings = std::vector<std::string>;
using lone = open_ring<topology::spsc>;
using many = open_ring<topology::mpsc>;

// Many producers: a peer that moves write_pos just before each claim.

struct contended : std_atomics {
  static inline int losses = 0;

  template <class T>
  struct word : std_atomics::word<T> {
    template <auto edge>
    [[nodiscard]] bool compare_exchange(T& expected, T desired, std::memory_order success,
                                        std::memory_order failure) noexcept {
      if (losses > 0) return --losses, false;
      return std_atomics::word<T>::template compare_exchange<edge>(expected, desired, success,
                                                                   failure);
    }
  };
};

TEST(Claim, that_loses_its_word_4096_times_is_full_and_announces_nothing) {
  many at;
  ring_memory<contended> words;
  words.control = reinterpret_cast<control_words<contended>*>(at.words().control);
  words.producers = reinterpret_cast<producer_words<contended>*>(at.words().producers);
  words.geometry = at.words().geometry;
  words.witness = at.words().witness;
  words.data = at.words().data;
  basic_mpsc_producer<contended> tx(words, 0);
  const auto& announcement = at.words().producers[0].announcement;

  contended::losses = 4096;
  EXPECT_EQ(tx.try_push(bytes("late")), status::full);
  EXPECT_EQ(value(announcement), 0u);

  contended::losses = 4095;
  EXPECT_EQ(tx.try_push(bytes("in time")), status::ok);
  many::consumer_core rx(at.words());
  seen all;
  read_into(all, rx);
  EXPECT_EQ(all.messages, strings{"in time"});
}

// Many producers: an end that is too far ahead, within a capacity, looks like claims of the dead.

struct zeros_passed : many {
  producer_core tx{words(), 0};
  consumer_core rx{words()};
  std::uint64_t end = 0;  // of what was pushed

  explicit zeros_passed(bool releases) {
    EXPECT_EQ(tx.try_push(bytes("before")), status::ok);
    EXPECT_TRUE(rx.examine());
    if (releases) rx.release();
    end = value(write_pos());
    set(write_pos(), end + 64);
    EXPECT_EQ(rx.examine().status(), status::empty);
    EXPECT_EQ(rx.cursor(), end + 64);
  }
};

TEST(PassedZeros, are_handed_back_at_once) {
  const zeros_passed it(true);
  EXPECT_EQ(value(it.read_pos()), it.end + 64);
  EXPECT_EQ(value(it.releasing()), it.end + 64);
  EXPECT_EQ(it.rx.unreleased_bytes(), 0u);
}

TEST(PassedZeros, are_taken_back_when_the_end_is_back_where_it_was) {
  zeros_passed it(true);
  set(it.write_pos(), it.end);
  EXPECT_EQ(it.rx.examine().status(), status::corrupt);
  EXPECT_EQ(it.rx.cursor(), it.end);
  EXPECT_EQ(it.rx.unreleased_bytes(), 0u);
  EXPECT_EQ(value(it.read_pos()), it.end);
  EXPECT_EQ(value(it.releasing()), it.end);
  ASSERT_EQ(it.tx.try_push(bytes("after")), status::ok);
  it.rx.release();
  seen all;
  read_into(all, it.rx);
  EXPECT_EQ(all.messages, strings{"after"});
}

TEST(PassedZeros, behind_what_is_unreleased_release_nothing_when_they_are_taken_back) {
  zeros_passed it(false);
  const auto released = value(it.read_pos());
  ASSERT_LT(released, it.end);
  set(it.write_pos(), it.end);
  EXPECT_EQ(it.rx.examine().status(), status::corrupt);
  EXPECT_EQ(it.rx.cursor(), it.end);
  EXPECT_EQ(value(it.read_pos()), released);
  it.rx.release();
  EXPECT_EQ(value(it.read_pos()), it.end);
}

TEST(PassedZeros, are_kept_when_the_end_is_anywhere_else) {
  const auto beyond = std::uint64_t{1} << 40;
  for (const bool is_behind : {false, true}) {
    zeros_passed it(true);
    set(it.write_pos(), is_behind ? it.end - 8 : it.end + beyond);
    EXPECT_EQ(it.rx.examine().status(), status::corrupt);
    EXPECT_EQ(it.rx.cursor(), it.end + 64);
  }
  zeros_passed it(true);
  ASSERT_EQ(it.tx.try_push(bytes("behind them")), status::ok);
  EXPECT_TRUE(it.rx.examine());
  const auto cursor = it.rx.cursor();
  set(it.write_pos(), it.end + 8);
  EXPECT_EQ(it.rx.examine().status(), status::corrupt);
  EXPECT_EQ(it.rx.cursor(), cursor);
}

// What a dead consumer was zeroing.

TEST(Releasing, that_was_begun_outside_of_what_is_claimed_is_not_done_again) {
  for (const std::int64_t off : {-4096, -24, -8, 40, 48, 4096}) {
    many it({.first_pos = 1 << 20});
    many::producer_core tx(it.words(), 0);
    ASSERT_EQ(tx.try_push(bytes("read")), status::ok);
    {
      many::consumer_core rx(it.words());
      ASSERT_TRUE(rx.examine());
      rx.release();
    }
    ASSERT_EQ(tx.try_push(bytes("1")), status::ok);
    ASSERT_EQ(tx.try_push(bytes("2")), status::ok);
    set(it.releasing(), value(it.read_pos()) + static_cast<std::uint64_t>(off) + 1);
    many::consumer_core rx(it.words());
    seen all;
    read_into(all, rx);
    EXPECT_EQ(all.messages, (strings{"1", "2"})) << off;
    EXPECT_EQ(all.corrupt, 0) << off;
    EXPECT_EQ(value(it.words().control->consumer.counters.recovered), 0u) << off;
  }
}

// Claims and their headers.

TEST(Claims, an_end_below_what_was_read_brings_nothing_again) {
  many it;
  many::producer_core tx(it.words(), 0);
  many::consumer_core rx(it.words());
  const auto first = value(it.write_pos());
  for (const char* one : {"1", "2", "3"}) ASSERT_EQ(tx.try_push(bytes(one)), status::ok);
  seen all;
  read_into(all, rx, 3, false);
  set(it.write_pos(), first + 16);
  EXPECT_EQ(rx.examine().status(), status::corrupt);
  read_into(all, rx, 4, false);
  EXPECT_EQ(all.messages, (strings{"1", "2", "3"}));
  EXPECT_EQ(rx.unreleased_bytes(), 3 * 16u);
}

TEST(Claims, an_end_before_what_was_released_or_between_two_words_gives_nobody_room) {
  for (const std::int64_t off : {-4096, -24, -16, -8, 1, 4, 7}) {
    many it({.first_pos = 1 << 20});
    const auto end = value(it.write_pos()) + static_cast<std::uint64_t>(off);
    set(it.write_pos(), end);
    many::producer_core tx(it.words(), 0);
    for (const std::size_t count : {0u, 8u, 16u, 2000u}) {
      EXPECT_NE(tx.try_push(pattern(count, 1)), status::ok) << off << " " << count;
      EXPECT_EQ(value(it.write_pos()), end) << off;
    }
  }
}

TEST(Claims, more_than_a_capacity_of_them_is_damage_to_the_producers) {
  for (const std::uint64_t end : {capacity, capacity + 8, std::uint64_t{1} << 40}) {
    many it;
    set(it.write_pos(), end);
    many::producer_core tx(it.words(), 0);
    EXPECT_EQ(tx.try_push(bytes("one")), end > capacity ? status::corrupt : status::full) << end;
  }
}

TEST(Claims, a_header_longer_than_any_is_passed_as_damage) {
  const auto longest = many().ring.geometry().max_message;
  constexpr auto all_of_it = capacity - header_bytes;
  for (const int forged : {0, 1, 2}) {
    many it;
    many::producer_core tx(it.words(), 0);
    many::consumer_core rx(it.words());
    const auto key = it.ring.geometry().key;
    const auto pos = value(it.write_pos());
    ASSERT_EQ(tx.try_push(bytes("hit")), status::ok);
    ASSERT_EQ(tx.try_push(bytes("next")), status::ok);
    const std::uint64_t words[] = {record_header::committed(longest + 1, pos, key),
                                   record_header::aborted(all_of_it + 1, pos, key),
                                   record_header::busy(all_of_it + 1, pos, key, 0)};
    set(it.words().header(pos), words[forged]);
    seen all;
    read_into(all, rx);
    EXPECT_EQ(all.messages, strings{"next"}) << forged;
    EXPECT_EQ(all.corrupt, 1) << forged;
  }
}

TEST(Claims, a_dead_claim_whose_header_says_more_than_was_claimed_ends_where_the_claims_end) {
  many it;
  many::producer_core tx(it.words(), 0);
  many::consumer_core rx(it.words());
  ASSERT_EQ(tx.try_push(bytes("hit")), status::ok);
  const auto key = it.ring.geometry().key;
  set(it.words().header(0), record_header::busy(80, 0, key, 0));
  seen all;
  read_into(all, rx);
  EXPECT_EQ(rx.cursor(), value(it.write_pos()));
  ASSERT_EQ(tx.try_push(bytes("next")), status::ok);
  read_into(all, rx);
  EXPECT_EQ(all.messages, strings{"next"});
}

TEST(Claims, a_batch_that_fills_the_ring_and_dies_is_skipped_as_one_claim) {
  many it;
  const auto pos = value(it.write_pos());
  const auto& words = it.words();
  set(words.header(pos), words.busy(capacity, pos, 0));
  set(words.header(pos + 64), 0x1234567);  // of its payload
  set(it.write_pos(), pos + capacity);
  many::consumer_core rx(words);
  seen all;
  read_into(all, rx);
  EXPECT_EQ(all.corrupt, 0);
  EXPECT_EQ(value(words.control->consumer.counters.recovered), 1u);
  many::producer_core tx(words, 0);
  ASSERT_EQ(tx.try_push(bytes("next")), status::ok);
  read_into(all, rx);
  EXPECT_EQ(all.messages, strings{"next"});
}

TEST(Claims, a_claim_of_the_whole_ring_that_was_given_up_is_passed) {
  many it;
  const auto& words = it.words();
  set(words.header(0), words.aborted(capacity, 0));
  set(it.write_pos(), capacity);
  many::consumer_core rx(words);
  EXPECT_EQ(rx.examine().status(), status::empty);
  EXPECT_EQ(rx.cursor(), capacity);
  EXPECT_EQ(value(words.control->consumer.counters.recovered), 0u);
}

TEST(Claims, a_roll_that_nobody_called_closes_nothing) {
  lone one;
  many more;
  set(one.words().control->roll, 1);
  set(more.words().control->roll, 1);
  EXPECT_EQ(lone::consumer_core(one.words()).examine().status(), status::empty);
  EXPECT_EQ(many::consumer_core(more.words()).examine().status(), status::empty);
}

// A lone producer that comes after one that died.

TEST(LoneSuccessor, takes_no_claim_of_many_producers_for_a_record) {
  lone it;
  {
    lone::producer_core first(it.words(), 0);
    ASSERT_EQ(first.try_push(bytes("one")), status::ok);
  }
  const auto end = value(it.write_pos());
  const auto key = it.ring.geometry().key;
  for (const auto word :
       {record_header::aborted(8, end, key), record_header::busy(8, end, key, 0)}) {
    set(it.words().producers[0].role.owner, owner_word(1, tenure::attached));
    set(it.words().header(end), word);
    const lone::producer_core second(it.words(), 0);
    EXPECT_EQ(value(it.write_pos()), end);
  }
}

TEST(LoneSuccessor, goes_on_at_read_pos_where_a_record_of_any_length_ends_there) {
  for (const std::uint64_t count : {0u, 1u, 4u, 5u, 12u, 100u, 2047u, 2048u}) {
    lone it;
    {
      lone::producer_core first(it.words(), 0);
      lone::consumer_core rx(it.words());
      ASSERT_EQ(first.try_push(pattern(count, 1)), status::ok);
      ASSERT_TRUE(rx.examine());
      rx.release();
    }
    const auto end = value(it.read_pos());
    flip(it.write_pos(), 40);
    const lone::producer_core second(it.words(), 0);
    EXPECT_EQ(value(it.write_pos()), end) << count;
  }
}

TEST(LoneSuccessor, goes_on_at_write_pos_where_no_record_ends_at_read_pos) {
  for (const std::uint64_t before : {0u, 8u, 16u, 32u, 40u}) {  // a header that ends elsewhere
    lone it;
    {
      lone::producer_core first(it.words(), 0);
      lone::consumer_core rx(it.words());
      ASSERT_EQ(first.try_push(bytes("before")), status::ok);
      ASSERT_EQ(first.try_push(pattern(100, 1)), status::ok);
      ASSERT_TRUE(rx.examine());
      ASSERT_TRUE(rx.examine());
      rx.release();
    }
    const auto end = value(it.write_pos());
    flip(it.read_pos(), 40);
    const auto at = value(it.read_pos()) - before;
    if (before != 0) set(it.words().header(at), it.words().committed(9, at));  // 24 bytes
    const lone::producer_core second(it.words(), 0);
    EXPECT_EQ(value(it.write_pos()), end) << before;
  }
}

TEST(LoneSuccessor, goes_on_at_read_pos_where_the_last_record_was_damaged_after_it_was_released) {
  lone it;
  lone::consumer_core rx(it.words());
  std::uint64_t last = 0;
  {
    lone::producer_core first(it.words(), 0);
    ASSERT_EQ(first.try_push(bytes("one")), status::ok);
    last = value(it.write_pos());
    ASSERT_EQ(first.try_push(bytes("two")), status::ok);
  }
  seen all;
  read_into(all, rx);
  set(it.write_pos(), last);
  flip(it.words().header(last), 50);
  lone::producer_core second(it.words(), 0);
  EXPECT_EQ(value(it.write_pos()), value(it.read_pos()));
  ASSERT_EQ(second.try_push(bytes("three")), status::ok);
  read_into(all, rx);
  EXPECT_EQ(all.messages, (strings{"one", "two", "three"}));
  EXPECT_EQ(all.corrupt, 0);
}

// Records of 56 bytes fill a lone producer's ring to the brim: 73 of them, and the terminator.
struct brimful : lone {
  std::uint64_t last = 0;
  int count = 0;

  brimful() {
    producer_core first(words(), 0);
    for (last = 0; first.try_push(pattern(44, 1)) == status::ok; ++count) {
      last = value(write_pos()) - 56;
    }
    EXPECT_EQ(last + 56 + header_bytes, capacity);
    set(write_pos(), last);
    flip(words().header(last), 50);
  }
};

TEST(LoneSuccessor, beside_damage_in_a_full_ring_leaves_what_is_unread) {
  brimful it;
  const lone::producer_core second(it.words(), 0);
  lone::consumer_core rx(it.words());
  seen all;
  read_into(all, rx, 100);
  EXPECT_EQ(all.messages.size(), static_cast<std::size_t>(it.count) - 1);
}

TEST(LoneSuccessor, beside_damage_in_a_full_ring_does_not_fall_behind_its_consumer) {
  brimful it;
  lone::consumer_core rx(it.words());
  flip(it.words().header(it.last), 50);
  seen all;
  read_into(all, rx, 100, false);
  ASSERT_EQ(rx.cursor(), it.last + 56);
  flip(it.words().header(it.last), 50);
  const lone::producer_core second(it.words(), 0);
  EXPECT_EQ(value(it.write_pos()), rx.cursor());
}

TEST(LoneSuccessor, stays_within_a_capacity_where_its_end_is_exactly_that) {
  lone it;
  {
    lone::producer_core first(it.words(), 0);
    ASSERT_EQ(first.try_push(bytes("one")), status::ok);
  }
  set(it.write_pos(), capacity);
  const lone::producer_core second(it.words(), 0);
  EXPECT_LE(value(it.write_pos()), capacity);
}

// A ring whose producer died between the commit of its last message of four and its copy of the
// end. The consumer has released some of them, and not freed them yet.
struct cut_short : lone {
  consumer_core rx{words()};
  std::uint64_t last = 0;  // the end that was copied: where the last message begins

  explicit cut_short(int released) {
    producer_core first(words(), 0);
    while (value(freed()) < capacity - 1024) {  // later, positions are further on than a capacity
      EXPECT_EQ(first.try_push(pattern(44, 1)), status::ok);
      EXPECT_TRUE(rx.examine());
      rx.release();
    }
    for (const char* one : {"one", "two", "three"})
      EXPECT_EQ(first.try_push(bytes(one)), status::ok);
    last = value(write_pos());
    EXPECT_EQ(first.try_push(bytes("four")), status::ok);
    for (int i = 0; i < released; ++i) {
      EXPECT_TRUE(rx.try_read());
      rx.release();
    }
    EXPECT_LT(value(freed()), value(read_pos()));
    set(write_pos(), last);
  }
};

TEST(LoneSuccessor, of_one_that_died_leaves_its_last_message_whatever_bit_of_read_pos_was_hit) {
  for (unsigned bit = 12; bit < 64; ++bit) {  // a capacity and more: the other two tell
    cut_short it(2);
    flip(it.read_pos(), bit);
    lone::producer_core second(it.words(), 0);
    EXPECT_EQ(second.try_push(bytes("five")), status::ok) << bit;
    seen all;
    read_into(all, it.rx);
    EXPECT_EQ(all.messages, (strings{"three", "four", "five"})) << bit;
  }
}

TEST(LoneSuccessor, of_one_that_died_leaves_its_last_message_whatever_bit_of_freed_was_hit) {
  for (unsigned bit = 13; bit < 64; ++bit) {
    cut_short it(2);
    flip(it.freed(), bit);
    lone::producer_core second(it.words(), 0);
    EXPECT_EQ(second.try_push(bytes("five")), status::corrupt) << bit;
    seen all;
    read_into(all, it.rx);  // mends it
    EXPECT_EQ(second.try_push(bytes("five")), status::ok) << bit;
    read_into(all, it.rx);
    EXPECT_EQ(all.messages, (strings{"three", "four", "five"})) << bit;
  }
}

TEST(LoneSuccessor, goes_on_at_read_pos_where_the_last_record_was_damaged_before_it_was_freed) {
  cut_short it(4);
  flip(it.words().header(it.last), 50);
  const lone::producer_core second(it.words(), 0);
  EXPECT_EQ(value(it.write_pos()), value(it.read_pos()));
}

TEST(LoneSuccessor, of_two_positions_that_make_no_sense_pushes_nothing) {
  lone it;
  set(it.write_pos(), std::uint64_t{1} << 40);
  set(it.read_pos(), std::uint64_t{1} << 41);
  lone::producer_core tx(it.words(), 0);
  EXPECT_EQ(tx.try_push(bytes("x")), status::corrupt);
  EXPECT_EQ(value(it.write_pos()), std::uint64_t{1} << 40);
}

TEST(LoneConsumer, is_told_once_of_an_end_that_cannot_be_however_certain_it_looks) {
  lone it;
  lone::consumer_core rx(it.words());
  const auto beyond = std::uint64_t{1} << 40;
  set(it.write_pos(), beyond);
  set(it.words().producers[0].announcement, beyond + 1);
  seen all;
  read_into(all, rx);
  EXPECT_EQ(all.corrupt, 1);
  EXPECT_EQ(rx.cursor(), 0u);
}

TEST(LoneConsumer, passes_a_damaged_header_at_the_end_at_once) {
  lone it;
  lone::producer_core tx(it.words(), 0);
  lone::consumer_core rx(it.words());
  ASSERT_EQ(tx.try_push(bytes("hit")), status::ok);
  flip(it.words().header(0), 50);
  EXPECT_EQ(rx.examine().status(), status::corrupt);
  EXPECT_EQ(rx.cursor(), value(it.write_pos()));
  EXPECT_EQ(rx.last_damage()->bytes, value(it.write_pos()));
}

TEST(LoneProducer, that_is_full_mends_its_end_and_refuses_a_release_that_cannot_be) {
  lone it;
  lone::producer_core tx(it.words(), 0);
  while (tx.try_push(pattern(44, 1)) == status::ok) {
  }
  const auto end = value(it.write_pos());
  flip(it.write_pos(), 20);
  EXPECT_EQ(tx.try_push(bytes("x")), status::full);
  EXPECT_EQ(value(it.write_pos()), end);
  for (const auto freed : {end + 8, end + 64, end + (std::uint64_t{1} << 40)}) {
    set(it.words().control->freed, freed);
    EXPECT_EQ(tx.try_push(bytes("x")), status::corrupt) << freed;
  }
}

}  // namespace
}  // namespace annulus::testing
