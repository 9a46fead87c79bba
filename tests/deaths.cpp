// One death, or one long pause, at a chosen moment: what the others see and when.
#include "processes.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

#include <annulus/ring/inspect.hpp>

namespace annulus::processes {
namespace {

ring_options mpsc(std::uint32_t producers) {
  ring_options all;
  all.topology = topology::mpsc;
  all.capacity = 4096;
  all.producers = producers;
  return all;
}
ring_options spsc() {
  ring_options all;
  all.topology = topology::spsc;
  all.capacity = 4096;
  return all;
}

using payload = std::array<std::byte, 100>;

// What message n says.
payload say(std::uint64_t n) {
  payload bytes;
  for (auto& b : bytes) b = static_cast<std::byte>(n = mixed(n));
  return bytes;
}
bool says(const view& seen, std::uint64_t n) {
  const payload bytes = say(n);
  return seen && seen.bytes().size() == bytes.size() &&
         std::memcmp(seen.bytes().data(), bytes.data(), bytes.size()) == 0;
}
// Pushes message n; in a child, so that a refusal ends it.
template <class Producer>
void tell(Producer& to, std::uint64_t n) {
  require(to.try_push(say(n)) == status::ok, "a push was refused");
}

std::uint64_t recovered(segment& of) {
  auto seen = inspect(of);
  return seen ? seen->consumer.counters.recovered : ~std::uint64_t{0};
}

// Polls until it holds; its answer depends on another process alone.
template <class F>
bool eventually(F holds, deadline until = within(patience)) {
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    kernel::yield();
  }
  return true;
}

struct steps {
  gate claimed, pushed, reading, done, go;
  std::atomic<std::int32_t> pid;
  std::atomic<std::uint64_t> count;
};

// Stopped, not dead.

// Claims, fills half, stops; continued, it looks whether that half is still its own.
void stop_inside_a_claim(const std::string& name, steps& to) {
  auto tx = attach<mpsc_producer>(name);
  const payload bytes = say(0);
  auto claim = tx.try_claim(bytes.size());
  require(static_cast<bool>(claim), "the claim was refused");
  const std::size_t half = bytes.size() / 2;
  std::memcpy(claim.bytes().data(), bytes.data(), half);
  to.claimed.open();
  raise(SIGSTOP);
  require(std::memcmp(claim.bytes().data(), bytes.data(), half) == 0, "the claim was robbed");
  std::memcpy(claim.bytes().data() + half, bytes.data() + half, bytes.size() - half);
  claim.commit();
}

TEST(Stopped, a_producer_inside_its_claim_is_waited_for_and_named) {
  named_segment memory(mpsc(2));
  shared<steps> to;
  child slow([&] { stop_inside_a_claim(memory.name(), *to); });
  ASSERT_TRUE(slow.await_stop());
  child quick([&] {
    auto tx = attach<mpsc_producer>(memory.name());
    for (std::uint64_t n = 1; n <= 3; ++n) tell(tx, n);
  });
  ASSERT_TRUE(quick.is_content());

  auto rx = attach<mpsc_consumer>(memory.name());
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(rx.read(within(30ms)).status(), status::stalled);
    EXPECT_FALSE(rx.try_read());
    EXPECT_EQ(rx.examine().status(), status::stalled);
  }
  ASSERT_TRUE(rx.stalled_by());
  EXPECT_EQ(rx.stalled_by()->pid, slow.pid());
  EXPECT_EQ(rx.stalled_by()->pos, 0u);
  EXPECT_LT(rx.stalled_by()->since, std::chrono::steady_clock::now());
  EXPECT_EQ(rx.peer(), presence::attached);
  auto seen = inspect(*memory);
  ASSERT_TRUE(seen);
  EXPECT_GT(seen->stalled_for_ns, 0);
  EXPECT_EQ(seen->front, front::unfinished);
  EXPECT_EQ(seen->front_producer, rx.stalled_by()->producer);

  slow.signal(SIGCONT);
  for (std::uint64_t n = 0; n <= 3; ++n) EXPECT_TRUE(says(rx.read(within(patience)), n)) << n;
  EXPECT_FALSE(rx.stalled_by());
  rx.release();
  seen = inspect(*memory);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->stalled_for_ns, 0);
  EXPECT_TRUE(slow.is_content()) << slow.fate();
  EXPECT_EQ(recovered(*memory), 0u);
  EXPECT_EQ(rx.read(within(patience)).status(), status::closed);
}

TEST(Stopped, a_producer_that_dies_while_stopped_is_recovered) {
  named_segment memory(mpsc(2));
  shared<steps> to;
  child slow([&] { stop_inside_a_claim(memory.name(), *to); });
  ASSERT_TRUE(slow.await_stop());
  child quick([&] {
    auto tx = attach<mpsc_producer>(memory.name());
    tell(tx, 1);
  });
  ASSERT_TRUE(quick.is_content());
  auto rx = attach<mpsc_consumer>(memory.name());
  EXPECT_EQ(rx.read(within(30ms)).status(), status::stalled);
  slow.end();
  EXPECT_TRUE(says(rx.read(within(patience)), 1));
  EXPECT_FALSE(rx.stalled_by());
  EXPECT_EQ(recovered(*memory), 1u);
}

TEST(Stopped, a_consumer_keeps_what_it_reads_while_producers_want_the_room) {
  named_segment memory(mpsc(1));
  shared<steps> to;
  child reader([&] {
    auto rx = attach<mpsc_consumer>(memory.name());
    to->reading.open();
    const view seen = rx.read(within(patience));
    raise(SIGSTOP);
    require(says(seen, 0), "the message changed while it was read");
    rx.release();
    for (std::uint64_t n = 1; n < to->count; ++n) {
      require(says(rx.read(within(patience)), n), "a message is missing");
      rx.release();
    }
  });
  ASSERT_TRUE(to->reading.await());
  child pusher([&] {
    auto tx = attach<mpsc_producer>(memory.name());
    std::uint64_t n = 0;
    while (tx.try_push(say(n)) == status::ok) ++n;
    to->count = n;
    to->pushed.open();
    require(to->go.await(), "nobody goes on");
  });
  ASSERT_TRUE(to->pushed.await());
  ASSERT_TRUE(reader.await_stop());
  EXPECT_EQ(to->count, 4096u / record_bytes(sizeof(payload), 0));
  reader.signal(SIGCONT);
  EXPECT_TRUE(reader.is_content()) << reader.fate();
  to->go.open();
  EXPECT_TRUE(pusher.is_content()) << pusher.fate();
}

// The dead, and those who wait for them.

TEST(Deaths, messages_behind_a_dead_claim_arrive_without_another_push) {
  named_segment memory(mpsc(2));
  shared<steps> to;
  child dying([&] {
    auto tx = attach<mpsc_producer>(memory.name());
    auto claim = tx.try_claim(10);
    to->claimed.open();
    (void)to->done.await();
  });
  ASSERT_TRUE(to->claimed.await());
  child living([&] {
    auto tx = attach<mpsc_producer>(memory.name());
    tell(tx, 1);
    tell(tx, 2);
    to->pushed.open();
    require(to->done.await(), "nobody ends it");
  });
  ASSERT_TRUE(to->pushed.await());
  child waiting([&] {
    auto rx = attach<mpsc_consumer>(memory.name());
    require(says(rx.read(within(patience)), 1), "the first is missing");
    require(says(rx.read(within(patience)), 2), "the second is missing");
  });
  ASSERT_TRUE(eventually([&] {
    auto seen = inspect(*memory);
    return seen && seen->consumer_sleeps && seen->stalled_for_ns > 0;
  }));
  const auto died_at = std::chrono::steady_clock::now();
  dying.end();
  EXPECT_TRUE(waiting.is_content()) << waiting.fate();
  EXPECT_LT(std::chrono::steady_clock::now() - died_at, 5s);
  EXPECT_EQ(recovered(*memory), 1u);
  to->done.open();
  EXPECT_TRUE(living.is_content()) << living.fate();
}

TEST(Deaths, a_replacement_in_the_same_role_does_not_hide_a_dead_claim) {
  named_segment memory(mpsc(1));
  shared<steps> to;
  child dying([&] {
    auto tx = attach<mpsc_producer>(memory.name());
    tell(tx, 0);
    auto claim = tx.try_claim(2000);
    raise(SIGKILL);
  });
  ASSERT_TRUE(dying.await_end());
  child replacing([&] {
    auto tx = attach<mpsc_producer>(memory.name());
    tell(tx, 1);
    to->pushed.open();
    require(to->done.await(), "nobody ends it");
  });
  ASSERT_TRUE(to->pushed.await());
  auto rx = attach<mpsc_consumer>(memory.name());
  EXPECT_TRUE(says(rx.read(within(patience)), 0));
  EXPECT_TRUE(says(rx.read(within(patience)), 1));
  EXPECT_EQ(rx.read(within(30ms)).status(), status::timed_out);
  EXPECT_EQ(recovered(*memory), 1u);
  to->done.open();
  EXPECT_TRUE(replacing.is_content()) << replacing.fate();
  EXPECT_EQ(rx.read(within(patience)).status(), status::closed);
}

template <class Producer, class Consumer>
void producer_learns_of_the_consumers_death(const ring_options& options) {
  named_segment memory(options);
  shared<steps> to;
  child reader([&] {
    auto rx = attach<Consumer>(memory.name());
    to->reading.open();
    (void)to->done.await();
  });
  ASSERT_TRUE(to->reading.await());
  child pusher([&] {
    auto tx = attach<Producer>(memory.name());
    while (tx.try_push(say(0)) == status::ok) {
    }
    require(tx.push(say(1), within(patience)) == status::peer_gone, "the death was not told");
    require(tx.peer() == presence::died, "the consumer is not known to be dead");
  });
  ASSERT_TRUE(eventually([&] {
    auto seen = inspect(*memory);
    return seen && seen->producers_wait;
  }));
  reader.end();
  EXPECT_TRUE(pusher.is_content(within(5s))) << pusher.fate();
}
TEST(Deaths, a_producer_waiting_for_room_learns_that_the_consumer_died_spsc) {
  producer_learns_of_the_consumers_death<spsc_producer, spsc_consumer>(spsc());
}
TEST(Deaths, a_producer_waiting_for_room_learns_that_the_consumer_died_mpsc) {
  producer_learns_of_the_consumers_death<mpsc_producer, mpsc_consumer>(mpsc(2));
}

template <class Producer, class Consumer>
void consumer_learns_of_the_last_producers_death(const ring_options& options) {
  named_segment memory(options);
  shared<steps> to;
  child pusher([&] {
    auto tx = attach<Producer>(memory.name());
    tell(tx, 0);
    tell(tx, 1);
    to->pushed.open();
    (void)to->done.await();
  });
  ASSERT_TRUE(to->pushed.await());
  child reader([&] {
    auto rx = attach<Consumer>(memory.name());
    require(says(rx.read(within(patience)), 0), "the first is missing");
    require(says(rx.read(within(patience)), 1), "the second is missing");
    require(rx.read(within(patience)).status() == status::peer_gone, "the death was not told");
    require(rx.peer() == presence::died, "the producer is not known to be dead");
  });
  ASSERT_TRUE(eventually([&] {
    auto seen = inspect(*memory);
    return seen && seen->consumer_sleeps;
  }));
  pusher.end();
  EXPECT_TRUE(reader.is_content(within(5s))) << reader.fate();
}
TEST(Deaths, a_consumer_waiting_for_messages_learns_that_the_producer_died_spsc) {
  consumer_learns_of_the_last_producers_death<spsc_producer, spsc_consumer>(spsc());
}
TEST(Deaths, a_consumer_waiting_for_messages_learns_that_the_last_producer_died_mpsc) {
  consumer_learns_of_the_last_producers_death<mpsc_producer, mpsc_consumer>(mpsc(2));
}

template <class Producer, class Consumer>
void all_die_and_others_go_on(const ring_options& options) {
  named_segment memory(options);
  shared<steps> to;
  child pusher([&] {
    auto tx = attach<Producer>(memory.name());
    for (std::uint64_t n = 0; n < 6; ++n) tell(tx, n);
    auto claim = tx.try_claim(500);
    to->pushed.open();
    raise(SIGKILL);
  });
  ASSERT_TRUE(to->pushed.await());
  ASSERT_TRUE(pusher.await_end());
  child reader([&] {
    auto rx = attach<Consumer>(memory.name());
    require(says(rx.read(within(patience)), 0), "the first is missing");
    require(says(rx.read(within(patience)), 1), "the second is missing");
    rx.release();
    require(says(rx.read(within(patience)), 2), "the third is missing");
    raise(SIGKILL);  // has read it, and not released
  });
  ASSERT_TRUE(reader.await_end());
  ASSERT_TRUE(reader.was_killed()) << reader.fate();

  auto tx = attach<Producer>(memory.name());
  auto rx = attach<Consumer>(memory.name());
  EXPECT_EQ(tx.try_push(say(6)), status::ok);
  for (std::uint64_t n = 2; n <= 6; ++n) EXPECT_TRUE(says(rx.read(within(patience)), n)) << n;
  EXPECT_EQ(rx.try_read().status(), status::empty);
}
TEST(Deaths, all_die_and_others_go_on_where_they_stopped_spsc) {
  all_die_and_others_go_on<spsc_producer, spsc_consumer>(spsc());
}
TEST(Deaths, all_die_and_others_go_on_where_they_stopped_mpsc) {
  all_die_and_others_go_on<mpsc_producer, mpsc_consumer>(mpsc(2));
}

// The producers know nothing of the consumers' deaths but peer_gone, and try again.
TEST(Deaths, producers_push_on_while_one_consumer_after_another_dies) {
  constexpr std::uint64_t all = is_sanitized ? 2'000 : 20'000;
  constexpr std::uint64_t each = all / 20;
  named_segment memory(mpsc(1));
  shared<steps> to;
  child pusher([&] {
    auto tx = attach<mpsc_producer>(memory.name());
    for (std::uint64_t n = 0; n < all; ++n) {
      status s = status::full;
      while ((s = tx.push(say(n), within(50ms))) != status::ok) {
        require(s == status::peer_gone || s == status::timed_out, "a push was refused");
      }
    }
    require(to->done.await(), "nobody ends it");
  });
  int consumers = 0;
  for (; to->count < all && !pusher.is_gone(); ++consumers) {
    child reader([&] {
      auto rx = attach<mpsc_consumer>(memory.name());
      for (std::uint64_t n = to->count, end = n + each; n < end && n < all; ++n) {
        require(says(rx.read(within(patience)), n), "a message is missing, or came again");
        to->count = n + 1;
        rx.release();
      }
      raise(SIGKILL);
    });
    ASSERT_TRUE(reader.await_end());
    ASSERT_TRUE(reader.was_killed()) << reader.fate();
  }
  EXPECT_EQ(to->count, all);
  EXPECT_EQ(consumers, 20);
  to->done.open();
  EXPECT_TRUE(pusher.is_content()) << pusher.fate();
}

TEST(Deaths, a_consumer_that_dies_in_its_drain_callback_has_released_nothing_of_that_batch) {
  named_segment memory(mpsc(1));
  child pusher([&] {
    auto tx = attach<mpsc_producer>(memory.name());
    for (std::uint64_t n = 0; n < 5; ++n) tell(tx, n);
  });
  ASSERT_TRUE(pusher.is_content()) << pusher.fate();
  child reader([&] {
    auto rx = attach<mpsc_consumer>(memory.name());
    int seen = 0;
    rx.drain(
        [&](message) {
          if (++seen == 3) raise(SIGKILL);
        },
        5);
  });
  ASSERT_TRUE(reader.await_end());
  ASSERT_TRUE(reader.was_killed()) << reader.fate();
  auto rx = attach<mpsc_consumer>(memory.name());
  for (std::uint64_t n = 0; n < 5; ++n) EXPECT_TRUE(says(rx.try_read(), n)) << n;
  EXPECT_EQ(rx.read(within(patience)).status(), status::closed);
}

// The rest is in tests/fork.cpp: here a dead parent's claim is recovered although its heir lives.
TEST(Fork, a_dead_parents_claim_is_recovered_although_its_child_lives) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // the heir of the dead becomes ours to reap
  named_segment memory(mpsc(1));
  shared<steps> to;
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  child parent([&] {
    auto tx = attach<mpsc_producer>(memory.name());
    auto claim = tx.try_claim(10);
    const pid_t heir = fork();
    if (heir == 0) {
      ::close(pipe_ends[1]);
      to->claimed.open();
      char byte;
      (void)!::read(pipe_ends[0], &byte, 1);  // until the test ends, however it ends
      _exit(0);
    }
    to->pid = heir;
    require(to->claimed.await(), "the heir did not come");
    to->pushed.open();
    (void)to->done.await();
  });
  EXPECT_TRUE(to->pushed.await());
  parent.end();

  auto rx = attach<mpsc_consumer>(memory.name());
  EXPECT_EQ(rx.peer(), presence::died);
  EXPECT_EQ(rx.read(within(patience)).status(), status::peer_gone);
  EXPECT_EQ(recovered(*memory), 1u);
  EXPECT_TRUE(mpsc_producer::attach(*memory));

  ::close(pipe_ends[1]);
  EXPECT_TRUE(eventually([&] { return waitpid(to->pid, nullptr, WNOHANG) == to->pid; }));
  ::close(pipe_ends[0]);
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

}  // namespace
}  // namespace annulus::processes
