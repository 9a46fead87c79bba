// The report from outside: what it says of each state, and that it changes nothing.
#include "child.hpp"
#include "open_ring.hpp"
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <vector>

#include <annulus/channel/process.hpp>
#include <annulus/ring/bell.hpp>
#include <annulus/ring/inspect.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::testing {
namespace {

segment ring_of(topology kind) {
  ring_options shape;
  shape.topology = kind;
  shape.capacity = 4096;
  shape.producers = 3;
  return segment::anonymous(shape).value();
}

// Calls `use` with a producer and the consumer.
template <class Use>
void with_roles_of(topology kind, const segment& ring, Use use) {
  if (kind == topology::spsc) {
    use(spsc_producer::attach(ring).value(), spsc_consumer::attach(ring).value());
  } else {
    use(mpsc_producer::attach(ring).value(), mpsc_consumer::attach(ring).value());
  }
}

TEST(Inspect, a_fresh_ring_is_empty_and_nobody_came) {
  const auto seen = inspect(ring_of(topology::mpsc)).value();
  EXPECT_EQ(seen.front, front::empty);
  EXPECT_EQ(seen.depth, 0u);
  EXPECT_EQ(seen.consumer.state, presence::never_came);
  ASSERT_EQ(seen.producers.size(), 3u);
  EXPECT_EQ(seen.geometry.capacity, 4096u);
  EXPECT_EQ(seen.geometry.topology, topology::mpsc);
  EXPECT_FALSE(seen.consumer_sleeps);
  EXPECT_FALSE(seen.consumer_closed);
  EXPECT_FALSE(seen.producers_wait);
  for (const auto& one : seen.producers) {
    EXPECT_EQ(one.state, presence::never_came);
    EXPECT_EQ(one.incarnation, 0u);
    EXPECT_FALSE(one.has_claim);
  }
}

TEST(Inspect, it_tells_who_is_here_and_how_often_they_came) {
  const auto ring = ring_of(topology::mpsc);
  lingering dead([&] { return mpsc_producer::attach(ring).value(); });
  auto rx = mpsc_consumer::attach(ring).value();
  auto tx = mpsc_producer::attach(ring).value();
  auto seen = inspect(ring).value();
  EXPECT_EQ(seen.producers[0].state, presence::attached);
  EXPECT_EQ(seen.producers[0].pid, dead.pid());
  EXPECT_EQ(seen.producers[1].pid, getpid());
  EXPECT_EQ(seen.consumer.pid, getpid());
  EXPECT_NE(seen.consumer.pid_namespace, 0u);
  EXPECT_EQ(seen.consumer.pid_namespace, pid_namespace());
  EXPECT_EQ(seen.producers[1].pid_namespace, pid_namespace());
  EXPECT_EQ(seen.consumer.uid, geteuid());
  EXPECT_NEAR(static_cast<double>(seen.consumer.attached_at),
              static_cast<double>(std::time(nullptr)), 60.0);
  dead.kill();
  tx.close();
  seen = inspect(ring).value();
  EXPECT_EQ(seen.producers[0].state, presence::died);
  EXPECT_EQ(seen.producers[1].state, presence::closed);
  EXPECT_EQ(seen.consumer.state, presence::attached);
  auto again = mpsc_producer::attach(ring).value();
  EXPECT_EQ(inspect(ring)->producers[0].incarnation, 2u);
  EXPECT_FALSE(seen.consumer_closed);
  rx.close();
  EXPECT_TRUE(inspect(ring)->consumer_closed);
}

TEST(Inspect, it_counts_messages_bytes_refusals_and_drops) {
  for (const auto kind : {topology::spsc, topology::mpsc}) {
    const auto ring = ring_of(kind);
    const auto count = [&](auto tx, auto rx) {
      std::uint64_t pushed = 0;
      while (tx.try_push(bytes("twelve bytes")) == status::ok) ++pushed;
      (void)tx.push_or_drop(bytes("twelve bytes"));
      (void)tx.push_or_drop(bytes("twelve bytes"));
      EXPECT_EQ(rx.drain([](message) {}, 2).count, 2u);
      const auto seen = inspect(ring).value();
      EXPECT_EQ(seen.producers[0].counters.messages, pushed);
      EXPECT_EQ(seen.producers[0].counters.bytes, pushed * 12);
      EXPECT_EQ(seen.producers[0].counters.refused, 1u);
      EXPECT_EQ(seen.producers[0].counters.dropped, 2u);
      EXPECT_EQ(seen.consumer.counters.messages, 2u);
      EXPECT_EQ(seen.consumer.counters.bytes, 24u);
      EXPECT_EQ(seen.depth, (pushed - 2) * 24);
      EXPECT_GE(seen.producers[0].counters.high_water, seen.depth);
      EXPECT_EQ(seen.front, front::readable);
    };
    with_roles_of(kind, ring, count);
  }
}

// What no report would find past the published position.
TEST(Inspect, a_batch_of_any_length_is_counted_at_once) {
  ring_options shape;
  shape.capacity = std::uint64_t{1} << 20;
  shape.max_message = 256;
  const auto ring = segment::anonymous(shape).value();
  auto tx = spsc_producer::attach(ring).value();
  const std::vector<std::byte> one(200);
  const std::vector<message> many(2000, one);
  ASSERT_EQ(tx.try_push_batch(many).count, many.size());
  EXPECT_EQ(inspect(ring).value().producers[0].counters.messages, many.size());
}

// Their record is longer than a header, and the role's first count begins with them.
TEST(Inspect, empty_messages_with_a_checksum_are_counted_once_each) {
  for (const auto kind : {topology::spsc, topology::mpsc}) {
    ring_options shape;
    shape.topology = kind;
    shape.integrity = integrity::crc32c;
    const auto ring = segment::anonymous(shape).value();
    const auto count = [&](auto tx, auto rx) {
      for (int i = 0; i < 3; ++i) ASSERT_EQ(tx.try_push(message{}), status::ok);
      EXPECT_EQ(rx.drain([](message) {}, 3).count, 3u);
      tx.close();
      rx.close();
    };
    with_roles_of(kind, ring, count);
    const auto seen = inspect(ring).value();
    EXPECT_EQ(seen.producers[0].counters.messages, 3u);
    EXPECT_EQ(seen.consumer.counters.messages, 3u);
    EXPECT_EQ(seen.consumer.counters.bytes, 0u);
  }
}

// A lone producer begins to count a length before it knows whether there is room.
TEST(Inspect, a_push_that_fails_is_not_counted_whatever_its_length) {
  const auto ring = ring_of(topology::spsc);
  auto tx = spsc_producer::attach(ring).value();
  auto rx = spsc_consumer::attach(ring).value();
  std::uint64_t messages = 0, all_bytes = 0;
  for (int round = 0; round < 3; ++round) {
    while (tx.try_push(bytes("sixteen bytes...")) == status::ok) {
      ++messages;
      all_bytes += 16;
    }
    EXPECT_EQ(tx.try_push(bytes("seventeen bytes..")), status::full);
    EXPECT_EQ(rx.drain([](message) {}, 20).count, 20u);
    ASSERT_EQ(tx.try_push(bytes("seventeen bytes..")), status::ok);
    ++messages;
    all_bytes += 17;
    auto open = tx.try_claim(8);
    ASSERT_TRUE(open);
    EXPECT_EQ(tx.try_push(bytes("twelve bytes")), status::not_permitted);
    open.commit(8);
    ++messages;
    all_bytes += 8;
    while (rx.drain([](message) {}, 100).count != 0) {
    }
  }
  tx.close();
  const auto seen = inspect(ring).value().producers[0].counters;
  EXPECT_EQ(seen.messages, messages);
  EXPECT_EQ(seen.bytes, all_bytes);
}

// A consumer expects a length that comes often, and reads such messages another way.
TEST(Inspect, messages_of_a_length_that_comes_often_are_counted_as_the_others) {
  for (const auto kind : {topology::spsc, topology::mpsc}) {
    const auto ring = ring_of(kind);
    const auto count = [&](auto tx, auto rx) {
      std::uint64_t messages = 0, all_bytes = 0;
      for (const auto& text : {"twelve bytes", "thirteen byte", "twelve bytes"}) {
        for (int i = 0; i < 20; ++i) {
          ASSERT_EQ(tx.try_push(bytes(text)), status::ok);
          ++messages;
          all_bytes += bytes(text).size();
        }
        EXPECT_EQ(rx.drain([](message) {}, 20).count, 20u);
        const auto seen = inspect(ring)->consumer.counters;
        EXPECT_EQ(seen.messages, messages);
        EXPECT_EQ(seen.bytes, all_bytes);
      }
    };
    with_roles_of(kind, ring, count);
  }
}

TEST(Inspect, what_stands_in_the_ring_of_many_producers_is_counted_once) {
  const auto ring = ring_of(topology::mpsc);
  auto tx = mpsc_producer::attach(ring).value();
  for (std::uint64_t sent = 1; sent <= 3; ++sent) {
    ASSERT_EQ(tx.try_push(bytes("twelve bytes")), status::ok);
    EXPECT_EQ(inspect(ring)->producers[0].counters.messages, sent);
    EXPECT_EQ(inspect(ring)->producers[1].counters.messages, 0u);
  }
}

TEST(Inspect, of_many_producers_what_was_read_is_counted_at_a_closer_look_before_it_is_released) {
  const auto ring = ring_of(topology::mpsc);
  auto tx = mpsc_producer::attach(ring).value();
  auto rx = mpsc_consumer::attach(ring).value();
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(tx.try_push(bytes("twelve bytes")), status::ok);
    ASSERT_TRUE(rx.try_read());
  }
  EXPECT_EQ(rx.examine().status(), status::empty);
  EXPECT_EQ(inspect(ring)->consumer.counters.messages, 2u);
  EXPECT_EQ(inspect(ring)->consumer.counters.bytes, 24u);
}

TEST(Inspect, the_deepest_that_a_role_saw_is_told_to_the_byte) {
  for (const auto kind : {topology::spsc, topology::mpsc}) {
    const auto ring = ring_of(kind);
    const auto count = [&](auto tx, auto rx) {
      const auto pass = [&](int messages) {
        for (int i = 0; i < messages; ++i) {
          ASSERT_EQ(tx.try_push(bytes("so many that it tiles it")), status::ok);
          ASSERT_TRUE(rx.try_read());
        }
        rx.release();
      };
      // A lone producer's consumer samples it where it tells what it has freed.
      const std::uint64_t untold = kind == topology::spsc ? 4096 / 16 : 0;
      const auto deepest = [&] { return inspect(ring)->consumer.counters.high_water; };
      pass(3);
      EXPECT_EQ(deepest(), untold != 0 ? 0 : 3 * 32u);
      pass(1);
      EXPECT_EQ(deepest(), untold != 0 ? 0 : 3 * 32u);
      pass(4);
      EXPECT_EQ(deepest(), untold != 0 ? untold : 4 * 32u);
      pass(20);
      EXPECT_EQ(deepest(), 20 * 32u);
      while (tx.try_push(bytes("so many that it tiles it")) == status::ok) {
      }
      const auto seen = inspect(ring).value();
      EXPECT_EQ(seen.producers[0].counters.high_water, seen.depth);
      EXPECT_EQ(seen.depth, kind == topology::mpsc ? 4096u : 4096u - 32);
    };
    with_roles_of(kind, ring, count);
  }
}

TEST(Inspect, a_lone_producer_without_room_has_no_claim) {
  const auto ring = segment::anonymous({.capacity = 4096}).value();
  auto tx = spsc_producer::attach(ring).value();
  const std::vector<std::byte> one(1000);
  while (tx.try_push(one) == status::ok) {
  }
  EXPECT_FALSE(inspect(ring)->producers[0].has_claim);
}

TEST(Inspect, it_names_what_stands_in_front) {
  const auto ring = ring_of(topology::mpsc);
  auto first = mpsc_producer::attach(ring).value();
  auto second = mpsc_producer::attach(ring).value();
  auto claim = second.try_claim(10);
  auto seen = inspect(ring).value();
  EXPECT_EQ(seen.front, front::unfinished);
  EXPECT_EQ(seen.front_producer, 1u);
  EXPECT_TRUE(seen.producers[1].has_claim);
  EXPECT_EQ(seen.producers[1].claim_pos, 0u);
  auto rx = mpsc_consumer::attach(ring).value();
  EXPECT_EQ(rx.read(within(std::chrono::milliseconds(1))).status(), status::stalled);
  EXPECT_GT(inspect(ring)->stalled_for_ns, 0);
  claim.abort();
  seen = inspect(ring).value();
  EXPECT_EQ(seen.front, front::given_up);
  EXPECT_FALSE(seen.producers[1].has_claim);
  auto held = attachment::make(ring, access::read_write).value();
  held.memory().header(0).store<edge::publish>(7, std::memory_order_relaxed);
  EXPECT_EQ(inspect(ring)->front, front::unreadable);
}

// An mpsc ring whose words are set by hand: 64 bytes are claimed at 16.
struct claimed {
  segment ring = ring_of(topology::mpsc);
  attachment held = attachment::make(ring, access::read_write).value();
  const ring_memory<std_atomics>& words = held.memory();

  claimed() {
    set(words.control->consumer.read_pos, 16);
    set(words.control->write_pos, 16 + 64);
  }
};

TEST(Inspect, a_claim_without_a_header_is_unfinished_and_its_announcement_says_whose) {
  claimed it;
  auto seen = inspect(it.ring).value();
  EXPECT_EQ(seen.depth, 64u);
  EXPECT_EQ(seen.front, front::unfinished);
  EXPECT_EQ(seen.front_producer, std::nullopt);  // nobody's: it died, and a successor settled
  set(it.words.producers[2].announcement, 40 + 1);
  seen = inspect(it.ring).value();
  EXPECT_EQ(seen.producers[2].claim_pos, 40u);
  EXPECT_EQ(seen.front_producer, std::nullopt);
  set(it.words.producers[1].announcement, 16 + 1);
  seen = inspect(it.ring).value();
  EXPECT_EQ(seen.producers[1].claim_pos, 16u);
  EXPECT_EQ(seen.front_producer, 1u);
  set(it.words.producers[1].role.uid, 4711);
  EXPECT_EQ(inspect(it.ring)->producers[1].uid, 4711u);
}

TEST(Inspect, a_busy_header_says_whose_it_is) {
  claimed it;
  set(it.words.header(16), it.words.busy(64, 16, 2));
  const auto seen = inspect(it.ring).value();
  EXPECT_EQ(seen.front, front::unfinished);
  EXPECT_EQ(seen.front_producer, 2u);
  set(it.words.header(16), it.words.busy(64, 16, 3));  // the ring has three
  EXPECT_EQ(inspect(it.ring)->front, front::unreadable);
}

TEST(Inspect, a_lone_producers_claim_is_no_claim_before_its_commit) {
  const auto ring = ring_of(topology::spsc);
  const auto held = attachment::make(ring, access::read_write).value();
  set(held.memory().control->write_pos, 64);
  EXPECT_EQ(inspect(ring)->front, front::empty);
}

TEST(Inspect, an_end_before_what_was_released_is_no_depth) {
  claimed it;
  set(it.words.control->write_pos, 8);
  EXPECT_EQ(inspect(it.ring)->depth, 0u);
}

TEST(Inspect, it_tells_who_sleeps) {
  claimed it;
  set_bell<std_atomics>(it.words.control->consumer_bell, bell_state::asleep);
  auto seen = inspect(it.ring).value();
  EXPECT_TRUE(seen.consumer_sleeps);
  EXPECT_FALSE(seen.producers_wait);
  set_bell<std_atomics>(it.words.control->consumer_bell, bell_state::awake);
  set_bell<std_atomics>(it.words.control->producers_bell, bell_state::asleep);
  seen = inspect(it.ring).value();
  EXPECT_FALSE(seen.consumer_sleeps);
  EXPECT_TRUE(seen.producers_wait);
}

TEST(Inspect, without_a_descriptor_to_look_by_it_says_so) {
  const auto ring = ring_of(topology::spsc);
  rlimit all{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &all), 0);
  const rlimit none{0, all.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto seen = inspect(ring);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &all), 0);
  EXPECT_FALSE(seen);
}

TEST(Inspect, a_stall_since_a_time_that_cannot_be_is_none) {
  const auto ring = ring_of(topology::mpsc);
  auto held = attachment::make(ring, access::read_write).value();
  auto& word = held.memory().control->consumer.stalled_since;
  for (const auto since :
       {std::uint64_t{0}, ~std::uint64_t{0}, ~std::uint64_t{0} >> 1, std::uint64_t{1} << 63}) {
    word.store<edge::hint>(since, std::memory_order_relaxed);
    EXPECT_EQ(inspect(ring)->stalled_for_ns, 0) << since;
  }
}

TEST(Inspect, a_ring_in_use_does_not_notice) {
  const auto ring = ring_of(topology::spsc);
  auto tx = spsc_producer::attach(ring).value();
  auto rx = spsc_consumer::attach(ring).value();
  for (int i = 0; i < 500; ++i) {
    ASSERT_EQ(tx.try_push(bytes("x")), status::ok);
    const auto once = inspect(ring).value();
    ASSERT_EQ(inspect(ring)->read_pos, once.read_pos);
    ASSERT_EQ(text(rx.try_read().bytes()), "x");
    rx.release();
  }
}

}  // namespace
}  // namespace annulus::testing
