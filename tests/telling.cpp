// What a lone producer's ring tells only from time to time: freed space, and counts.
#include "bytes.hpp"
#include "guarded.hpp"
#include <gtest/gtest.h>

#include <cstdint>
#include <iterator>
#include <span>
#include <string>

#include <annulus/ring/inspect.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::testing {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

struct told_ring {
  using producer_core = basic_spsc_producer<std_atomics>;
  using consumer_core = basic_spsc_consumer<std_atomics>;

  explicit told_ring(std::uint64_t capacity, std::uint64_t first_pos = 0)
      : shape{.capacity = capacity, .first_pos = first_pos},
        memory(static_cast<std::size_t>(*segment::bytes_for(shape))),
        ring(segment::format(memory.bytes(), shape).value()),
        held(attachment::make(ring, access::read_write).value()) {}

  [[nodiscard]] const ring_memory<std_atomics>& words() const { return held.memory(); }
  [[nodiscard]] std::uint64_t freed() const {
    return words().control->freed.load<edge::hint>(relaxed);
  }
  [[nodiscard]] std::uint64_t read_pos() const {
    return words().control->consumer.read_pos.load<edge::hint>(relaxed);
  }
  [[nodiscard]] std::uint64_t written() const {
    return words().control->write_pos.load<edge::hint>(relaxed);
  }

  ring_options shape;
  guarded_memory memory;
  segment ring;
  attachment held;
};

// Just below 2^64 the positions wrap on the way.
class Telling : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(Telling, freed_space_is_told_by_the_chunk_and_all_of_it_once_nothing_is_left) {
  told_ring it(4096, GetParam());
  told_ring::producer_core tx(it.words());
  told_ring::consumer_core rx(it.words());
  const auto chunk = it.words().chunk();
  ASSERT_EQ(chunk, 4096u / 16);
  std::uint64_t tells = 0;
  for (int lap = 0; lap < 40; ++lap) {
    int sent = 0;
    while (tx.try_push(bytes("thirteen byte")) == status::ok) ++sent;
    ASSERT_EQ(sent, (4096 - 8) / 24);
    for (int i = 0; i < sent; ++i) {
      const auto before = it.freed();
      ASSERT_TRUE(rx.try_read());
      const auto unreleased = it.read_pos();
      rx.release();
      ASSERT_EQ(it.read_pos(), unreleased + 24);
      ASSERT_LT(it.read_pos() - it.freed(), chunk);
      ASSERT_LE(it.written() - it.freed(), 4096u);
      ASSERT_LE(it.freed() - before, 4096u) << "it went back";
      tells += it.freed() != before;
    }
    for (int look = 0; look < 20; ++look) ASSERT_FALSE(rx.try_read());
    ASSERT_EQ(it.freed(), it.written());
  }
  EXPECT_LE(tells, 40 * 4096 / chunk);
}

TEST_P(Telling, the_longest_message_always_fits_into_an_empty_ring) {
  told_ring it(4096, GetParam());
  told_ring::producer_core tx(it.words());
  told_ring::consumer_core rx(it.words());
  const std::string longest(tx.max_message(), 'x');
  for (std::uint64_t length = 0; length < 600; ++length) {
    const std::string one(length, 'y');
    ASSERT_EQ(tx.try_push(bytes(one)), status::ok) << length;
    ASSERT_TRUE(rx.try_read());
    rx.release();  // and not one look more: what it freed may be untold
    ASSERT_EQ(tx.try_push(bytes(longest)), status::ok) << length;
    ASSERT_TRUE(rx.try_read());
    rx.release();
  }
}

TEST_P(Telling, a_sleeping_producer_is_told_at_the_next_release) {
  told_ring it(4096, GetParam());
  told_ring::producer_core tx(it.words());
  told_ring::consumer_core rx(it.words());
  while (tx.try_push(bytes("one")) == status::ok) {
  }
  ASSERT_TRUE(rx.try_read());
  rx.release();
  EXPECT_LT(it.freed(), it.read_pos());
  set_bell<std_atomics>(it.words().control->producers_bell, bell_state::asleep);
  ASSERT_TRUE(rx.try_read());
  rx.release();
  EXPECT_EQ(it.freed(), it.read_pos());
  EXPECT_EQ(it.words().control->producers_bell.load<edge::bell>(relaxed),
            static_cast<std::uint32_t>(bell_state::awake));
}

TEST_P(Telling, a_consumer_that_died_is_spoken_for_by_the_next) {
  told_ring it(4096, GetParam());
  told_ring::producer_core tx(it.words());
  {
    told_ring::consumer_core dies(it.words());
    for (const char* one : {"1", "2", "3"}) ASSERT_EQ(tx.try_push(bytes(one)), status::ok);
    ASSERT_TRUE(dies.try_read());
    dies.release();
    ASSERT_TRUE(dies.try_read());
  }
  EXPECT_LT(it.freed(), it.read_pos());
  told_ring::consumer_core rx(it.words());
  EXPECT_EQ(it.freed(), it.read_pos());
  EXPECT_EQ(text(rx.try_read().bytes()), "2");
}

TEST_P(Telling, positions_that_cannot_belong_together_cost_no_message) {
  for (unsigned bit = 13; bit < 64; ++bit) {
    told_ring it(4096, GetParam());
    told_ring::producer_core tx(it.words());
    {
      told_ring::consumer_core dies(it.words());
      for (const char* one : {"1", "2", "3"}) ASSERT_EQ(tx.try_push(bytes(one)), status::ok);
      ASSERT_TRUE(dies.try_read());
      dies.release();
    }
    auto& word = it.words().control->consumer.read_pos;
    word.store<edge::own>(word.load<edge::own>(relaxed) ^ std::uint64_t{1} << bit, relaxed);
    told_ring::consumer_core rx(it.words());
    EXPECT_EQ(text(rx.try_read().bytes()), "1") << bit;  // again: it was not told
    EXPECT_EQ(text(rx.try_read().bytes()), "2") << bit;
  }
}

TEST_P(Telling, damage_behind_an_open_view_hands_nothing_back) {
  told_ring it(4096, GetParam());
  told_ring::producer_core tx(it.words());
  told_ring::consumer_core rx(it.words());
  ASSERT_EQ(tx.try_push(bytes("1")), status::ok);
  const auto second = it.written();
  for (const char* one : {"2", "3"}) ASSERT_EQ(tx.try_push(bytes(one)), status::ok);
  it.words().header(second).store<edge::own>(7, relaxed);
  const auto view = rx.try_read();
  EXPECT_EQ(rx.examine().status(), status::corrupt);
  EXPECT_EQ(it.read_pos(), GetParam()) << "a successor would not read 1 again";
  EXPECT_EQ(it.freed(), GetParam());
  EXPECT_EQ(text(view.bytes()), "1");
  EXPECT_EQ(text(rx.try_read().bytes()), "3");
}

// Counts are told by the chunk; whoever looks from outside sees all the same.
TEST_P(Telling, a_report_counts_what_no_role_has_told_yet) {
  told_ring it(std::uint64_t{1} << 20, GetParam());
  told_ring::producer_core tx(it.words());
  told_ring::consumer_core rx(it.words());
  std::uint64_t sent = 0, sent_bytes = 0, got = 0, got_bytes = 0;
  for (int step = 0; step < 4000; ++step) {
    const std::string one(static_cast<std::size_t>(step * 7 % 100), 'z');
    ASSERT_EQ(tx.try_push(bytes(one)), status::ok);
    ++sent;
    sent_bytes += one.size();
    if (step % 3 != 0) {
      const auto seen = rx.try_read();
      ASSERT_TRUE(seen);
      ++got;
      got_bytes += seen.bytes().size();
      rx.release();
    }
    if (step % 97 != 0 && step > 40) continue;
    const auto all = inspect(it.ring).value();
    ASSERT_EQ(all.producers[0].counters.messages, sent) << step;
    ASSERT_EQ(all.producers[0].counters.bytes, sent_bytes) << step;
    ASSERT_EQ(all.consumer.counters.messages, got) << step;
    ASSERT_EQ(all.consumer.counters.bytes, got_bytes) << step;
  }
}

TEST_P(Telling, a_new_producer_counts_what_the_last_one_did_not_live_to_tell) {
  told_ring it(4096, GetParam());
  std::uint64_t sent = 0;
  for (int life = 0; life < 30; ++life) {
    told_ring::producer_core tx(it.words());  // dies: it is not closed
    for (int i = 0; i < life; ++i) sent += tx.try_push(bytes("counted")) == status::ok;
    told_ring::consumer_core rx(it.words());
    while (rx.try_read()) rx.release();
  }
  told_ring::producer_core tx(it.words());
  tx.publish_all();
  EXPECT_EQ(it.words().producers[0].counters.messages.load<edge::own>(relaxed), sent);
  EXPECT_EQ(it.words().producers[0].counters.bytes.load<edge::own>(relaxed), sent * 7);
}

// Messages of one length are counted by their positions.
TEST_P(Telling, alike_messages_are_counted_whatever_stands_between_them) {
  told_ring it(std::uint64_t{1} << 16, GetParam());
  told_ring::producer_core tx(it.words());
  told_ring::consumer_core rx(it.words());
  std::uint64_t sent = 0, sent_bytes = 0, got = 0, got_bytes = 0;
  const auto push = [&](std::size_t length, unsigned times) {
    const std::string one(length, 'a');
    for (unsigned i = 0; i < times; ++i) ASSERT_EQ(tx.try_push(bytes(one)), status::ok);
    sent += times;
    sent_bytes += times * length;
  };
  const std::size_t lengths[] = {0, 1, 7, 8, 9, 100};
  for (const std::size_t length : lengths) {
    const std::string one(length, 'b');
    push(length, 10);
    const std::span<const std::byte> many[] = {bytes(one), bytes("other"), bytes(one)};
    ASSERT_EQ(tx.try_push_batch(many).count, 3u);
    push(length, 10);
    auto claim = tx.try_claim(64);
    claim.commit(3);
    sent += 4;
    sent_bytes += 2 * length + 5 + 3;

    push(length, 6);
    const auto damaged = it.written();
    push(length, 10);
    it.words().header(damaged).store<edge::own>(~std::uint64_t{0}, relaxed);
    for (;;) {
      auto seen = rx.try_read();
      if (seen.status() == status::empty) seen = rx.examine();
      if (seen.status() == status::empty) break;
      got += seen.status() == status::ok;
      got_bytes += seen.bytes().size();
      rx.release();
    }
    got_bytes += length;  // of the one that was lost
  }
  tx.publish_all();
  const auto& told = it.words().producers[0].counters;
  EXPECT_EQ(told.messages.load<edge::own>(relaxed), sent);
  EXPECT_EQ(told.bytes.load<edge::own>(relaxed), sent_bytes);
  EXPECT_EQ(got, sent - std::size(lengths));
  EXPECT_EQ(got_bytes, sent_bytes);
  const auto& read = it.words().control->consumer.counters;
  EXPECT_EQ(read.messages.load<edge::own>(relaxed), got);
  EXPECT_EQ(read.corrupt.load<edge::own>(relaxed), std::size(lengths));
}

INSTANTIATE_TEST_SUITE_P(From, Telling, ::testing::Values(0, 4096 - 8, ~std::uint64_t{0} - 999));

}  // namespace
}  // namespace annulus::testing
