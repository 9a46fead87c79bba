// Waiting: what ends it, what it costs the other side, and that no wake-up is lost.
#include "bytes.hpp"
#include "child.hpp"
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <new>
#include <string>
#include <thread>

#include <annulus/channel/typed.hpp>
#include <annulus/ring/inspect.hpp>
#include <annulus/ring/ring.hpp>
#include <annulus/ring/wait.hpp>

// Every allocation of this program is counted.
namespace {
std::atomic<std::uint64_t> allocations{0};
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace annulus::testing {
namespace {

using std::chrono::milliseconds;

segment ring_of(topology kind) {
  ring_options shape;
  shape.topology = kind;
  shape.capacity = 4096;
  return segment::anonymous(shape).value();
}

constexpr waiting ways[] = {{waiting::kind::spin, {}},
                            {waiting::kind::yield, {}},
                            {waiting::kind::block, {}},
                            {waiting::kind::block, std::chrono::milliseconds(1)}};

// Every way of waiting.

template <class Producer, class Consumer>
void play_ping_pong(topology kind, waiting how, std::uint64_t rounds) {
  const auto there = ring_of(kind);
  const auto back = ring_of(kind);
  std::jthread other([&] {
    auto rx = Consumer::attach(there, how).value();
    auto tx = Producer::attach(back, how).value();
    for (std::uint64_t i = 0; i < rounds; ++i) {
      const auto got = read<std::uint64_t>(rx, no_deadline);
      ASSERT_TRUE(got);
      ASSERT_EQ(push(tx, got.value + 1, no_deadline), status::ok);
    }
  });
  auto tx = Producer::attach(there, how).value();
  auto rx = Consumer::attach(back, how).value();
  for (std::uint64_t i = 0; i < rounds; ++i) {
    ASSERT_EQ(push(tx, i, no_deadline), status::ok);
    const auto got = read<std::uint64_t>(rx, no_deadline);
    ASSERT_TRUE(got);
    ASSERT_EQ(got.value, i + 1);
  }
}

TEST(Waiting, every_way_of_it_plays_ping_pong) {
  for (const auto& how : ways) {
    // Spinning on one processor takes a time slice a round.
    const std::uint64_t rounds = how.how == waiting::kind::spin ? 50 : 1000;
    play_ping_pong<spsc_producer, spsc_consumer>(topology::spsc, how, rounds);
    play_ping_pong<mpsc_producer, mpsc_consumer>(topology::mpsc, how, rounds);
  }
}

TEST(Waiting, every_way_of_it_ends_at_the_deadline) {
  for (const auto& how : ways) {
    const auto ring = ring_of(topology::spsc);
    auto tx = spsc_producer::attach(ring, how).value();
    auto rx = spsc_consumer::attach(ring, how).value();
    const auto until = within(milliseconds(3));
    EXPECT_EQ(rx.read(until).status(), status::timed_out);
    EXPECT_GE(std::chrono::steady_clock::now(), until);
    while (tx.try_push(bytes("fill")) == status::ok) {
    }
    EXPECT_EQ(tx.push(bytes("more"), within(milliseconds(3))), status::timed_out);
  }
}

TEST(Waiting, it_ends_when_the_peer_dies) {
  for (const auto& how : ways) {
    const auto ring = ring_of(topology::mpsc);
    lingering producer([&] { return mpsc_producer::attach(ring).value(); });
    auto rx = mpsc_consumer::attach(ring, how).value();
    std::jthread reaper([&] { producer.kill(); });
    EXPECT_EQ(rx.read(no_deadline).status(), status::peer_gone);
  }
  for (const auto& how : ways) {
    const auto ring = ring_of(topology::spsc);
    lingering consumer([&] { return spsc_consumer::attach(ring).value(); });
    auto tx = spsc_producer::attach(ring, how).value();
    while (tx.try_push(bytes("fill")) == status::ok) {
    }
    std::jthread reaper([&] { consumer.kill(); });
    EXPECT_EQ(tx.push(bytes("more"), no_deadline), status::peer_gone);
  }
}

TEST(Waiting, what_a_dead_producer_committed_is_read_before_its_death_is_told) {
  const auto ring = ring_of(topology::spsc);
  lingering producer([&] {
    auto tx = spsc_producer::attach(ring).value();
    (void)tx.try_push(bytes("last words"));
    return tx;
  });
  producer.kill();
  auto rx = spsc_consumer::attach(ring).value();
  EXPECT_EQ(text(rx.read(no_deadline).bytes()), "last words");
  EXPECT_EQ(rx.read(no_deadline).status(), status::peer_gone);
}

// No lost wake-up, decided without a clock: the other side acts at each point of a sleeper's way,
// and by the time that the sleeper sleeps its bell must have been taken back.

struct scripted : std_atomics {
  static inline std::function<void()> at_fence, at_sleep;
  static inline int slept_through = 0;  // asleep although it had been called

  static bool heavy_fence() noexcept {
    if (at_fence) std::exchange(at_fence, {})();
    return std_atomics::heavy_fence();
  }
  static void sleep(word<std::uint32_t>& bell, std::uint32_t value,
                    std::chrono::nanoseconds) noexcept {
    if (at_sleep) std::exchange(at_sleep, {})();
    // [bell] relaxed: as the kernel compares it.
    if (bell.load<edge::bell>(std::memory_order_relaxed) == value) ++slept_through;
  }
};

status waited(basic_spsc_consumer<std_atomics>& rx, wait_memory<scripted>& own,
              bell<scripted>& bell, int& slept_through) {
  const waiter what{[&] { return rx.try_read(); }, [](const view& v) { return v.status(); },
                    [](status s) { return view(s); }, [] { return status::ok; }};
  const auto seen = wait_for<scripted>(
      waiting{waiting::kind::block, {}}, no_deadline, bell, own, what, [&] { return rx.examine(); },
      [] {}, [&](bool) { set_bell<std_atomics>(bell, bell_state::awake); });
  slept_through = scripted::slept_through;
  return seen.status();
}

// A consumer's wait over a real ring, with the producer's push at a chosen moment.
status read_with_a_push(std::function<void()>& at, int& slept_through) {
  const auto ring = ring_of(topology::spsc);
  auto tx = spsc_producer::attach(ring).value();
  const auto held = attachment::make(ring, access::read_write).value();
  basic_spsc_consumer<std_atomics> rx(held.memory());
  auto& bell = held.memory().control->consumer_bell;
  scripted::slept_through = 0;
  wait_memory<scripted> own;
  at = [&] { EXPECT_EQ(tx.try_push(bytes("now")), status::ok); };
  return waited(rx, own, bell, slept_through);
}

// The same with an interrupt.
status read_with_an_interrupt(std::function<void()>& at, int& slept_through) {
  const auto ring = ring_of(topology::spsc);
  const auto held = attachment::make(ring, access::read_write).value();
  basic_spsc_consumer<std_atomics> rx(held.memory());
  auto& bell = held.memory().control->consumer_bell;
  scripted::slept_through = 0;
  wait_memory<scripted> own;
  at = [&] { own.interrupt.raise(bell); };
  return waited(rx, own, bell, slept_through);
}

TEST(Waiting, an_interrupt_after_the_bell_is_set_is_seen_by_the_last_look) {
  int slept_through = 0;
  EXPECT_EQ(read_with_an_interrupt(scripted::at_fence, slept_through), status::interrupted);
  EXPECT_EQ(slept_through, 0);
}

TEST(Waiting, an_interrupt_after_the_last_look_takes_the_bell_back) {
  int slept_through = 0;
  EXPECT_EQ(read_with_an_interrupt(scripted::at_sleep, slept_through), status::interrupted);
  EXPECT_EQ(slept_through, 0);
}

TEST(Waiting, a_push_after_the_bell_is_set_is_seen_by_the_last_look) {
  int slept_through = 0;
  EXPECT_EQ(read_with_a_push(scripted::at_fence, slept_through), status::ok);
  EXPECT_EQ(slept_through, 0);
}

TEST(Waiting, a_push_after_the_last_look_takes_the_bell_back) {
  int slept_through = 0;
  EXPECT_EQ(read_with_a_push(scripted::at_sleep, slept_through), status::ok);
  EXPECT_EQ(slept_through, 0);
}

TEST(Waiting, sleeps_are_counted) {
  const auto ring = ring_of(topology::spsc);
  auto rx = spsc_consumer::attach(ring, {waiting::kind::block, {}}).value();
  EXPECT_EQ(rx.read(within(milliseconds(100))).status(), status::timed_out);
  EXPECT_GE(inspect(ring)->consumer.counters.waits, 1u);
  auto spinning = spsc_producer::attach(ring, {waiting::kind::spin, {}}).value();
  while (spinning.try_push(bytes("fill")) == status::ok) {
  }
  EXPECT_EQ(spinning.push(bytes("more"), within(milliseconds(2))), status::timed_out);
  EXPECT_EQ(inspect(ring)->producers[0].counters.waits, 0u);
  spinning.close();
  auto sleeping = spsc_producer::attach(ring, {waiting::kind::block, {}}).value();
  EXPECT_EQ(sleeping.push(bytes("more"), within(milliseconds(100))), status::timed_out);
  EXPECT_GE(inspect(ring)->producers[0].counters.waits, 1u);
}

TEST(Waiting, a_napping_consumer_leaves_the_processor_and_reads_what_came) {
  const auto ring = ring_of(topology::spsc);
  auto rx = spsc_consumer::attach(ring, {waiting::kind::nap, {}, milliseconds(1)}).value();
  auto tx = spsc_producer::attach(ring).value();
  rusage before{};
  rusage after{};
  getrusage(RUSAGE_THREAD, &before);
  EXPECT_EQ(rx.read(within(milliseconds(100))).status(), status::timed_out);
  getrusage(RUSAGE_THREAD, &after);
  EXPECT_GT(after.ru_nvcsw, before.ru_nvcsw);
  EXPECT_GE(inspect(ring)->consumer.counters.waits, 1u);
  ASSERT_EQ(tx.try_push(bytes("here")), status::ok);
  EXPECT_EQ(text(rx.read(no_deadline).bytes()), "here");
}

// Cost.

// From here on, any system call but the exit ends the process by SIGSYS.
void forbid_system_calls() {
  sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  const sock_fprog program{4, rules};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) std::abort();
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) std::abort();
}

template <class Producer, class Consumer>
void push_without_system_calls(topology kind) {
  constexpr std::uint64_t count = 20000;
  const auto ring = ring_of(kind);
  auto rx = Consumer::attach(ring, {waiting::kind::spin, {}}).value();
  child producer([&] {
    auto tx = Producer::attach(ring).value();
    forbid_system_calls();
    for (std::uint64_t i = 0; i < count; ++i) {
      while (try_push(tx, i) != status::ok) processor::relax();
    }
    syscall(SYS_exit_group, 0);
    return 1;
  });
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto got = read<std::uint64_t>(rx, no_deadline);
    ASSERT_TRUE(got) << i << " " << to_string(got.status);
    ASSERT_EQ(got.value, i);
  }
  EXPECT_EQ(producer.exit_status(), 0);
}

TEST(Cost, an_awake_consumer_costs_the_producer_no_system_call) {
  push_without_system_calls<spsc_producer, spsc_consumer>(topology::spsc);
  push_without_system_calls<mpsc_producer, mpsc_consumer>(topology::mpsc);
}

TEST(Cost, the_filter_does_end_a_process_that_makes_a_system_call) {
  child canary([] {
    forbid_system_calls();
    syscall(SYS_getppid);
    return 0;
  });
  EXPECT_EQ(canary.exit_status(), -SIGSYS);
}

template <class Producer, class Consumer>
void use_the_hot_path(const segment& ring) {
  auto tx = Producer::attach(ring).value();
  auto rx = Consumer::attach(ring).value();
  const message one = bytes("message");
  const message many[] = {one, one, one};
  const auto before = allocations.load();
  for (int i = 0; i < 1000; ++i) {
    (void)tx.try_push(one);
    (void)tx.try_push(pieces(many));
    (void)tx.try_push_batch(many);
    (void)tx.push(one, no_deadline);
    auto claim = tx.try_claim(7);
    claim.commit(3);
    (void)tx.push_or_drop(one);
    (void)rx.try_read();
    (void)rx.read(no_deadline);
    rx.release();
    (void)rx.drain([](message) {}, 100);
    (void)rx.examine();
    (void)rx.read(within(std::chrono::nanoseconds(0)));
    (void)rx.peer();
    (void)tx.peer();
  }
  EXPECT_EQ(allocations.load(), before);
}

TEST(Cost, no_operation_allocates) {
  use_the_hot_path<spsc_producer, spsc_consumer>(ring_of(topology::spsc));
  use_the_hot_path<mpsc_producer, mpsc_consumer>(ring_of(topology::mpsc));
  const auto before = allocations.load();
  auto* counted = new std::string(100, 'x');
  EXPECT_GT(allocations.load(), before);  // or nothing was counted above
  delete counted;
}

}  // namespace
}  // namespace annulus::testing
