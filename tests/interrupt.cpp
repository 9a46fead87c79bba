// Ending a wait from outside: by interrupt(), from a thread and from a signal handler, and what
// pthread_cancel does to one.
//
// A wait must be asleep before it is interrupted, or these tests would show the easy case only. So
// they look at /proc for the state of its thread: no test sleeps for a guessed time.
#include "bytes.hpp"
#include "pipes.hpp"
#include "small_ring.hpp"
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include <annulus/pipe/pipe.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Naps of an hour: only an interrupt ends them in time.
constexpr waiting long_nap{waiting::kind::nap, {}, std::chrono::hours(1)};

bool sleeps(waiting::kind how) { return how == waiting::kind::block || how == waiting::kind::nap; }
waiting waiting_by(waiting::kind how) {
  return how == waiting::kind::nap ? long_nap : waiting{how, std::chrono::nanoseconds(0)};
}

// S, R, ... of a thread of this process.
char state_of(pid_t thread) {
  std::ifstream stat("/proc/self/task/" + std::to_string(thread) + "/stat");
  std::string line;
  std::getline(stat, line);
  const auto name_end = line.rfind(')');
  return name_end == std::string::npos ? '?' : line.at(name_end + 2);
}

// A thread that runs `wait`; the constructor returns when it is asleep in it, or at least there.
class waiting_thread {
 public:
  waiting_thread(std::function<status()> wait, bool will_sleep) : wait_(std::move(wait)) {
    pthread_create(&thread_, nullptr, &run, this);
    while (tid_ == 0) std::this_thread::yield();
    while (will_sleep && state_of(tid_) != 'S') std::this_thread::yield();
  }
  [[nodiscard]] pthread_t thread() const { return thread_; }
  // What the wait answered; nothing: the thread was cancelled.
  [[nodiscard]] std::optional<status> join() {
    void* out = nullptr;
    pthread_join(thread_, &out);
    return out == PTHREAD_CANCELED ? std::nullopt : std::optional(answer_);
  }
  // Whether the wait has come back, in a thread that is cancelled behind it.
  [[nodiscard]] bool came_back() const { return came_back_; }

 private:
  static void* run(void* self) {
    auto& me = *static_cast<waiting_thread*>(self);
    me.tid_ = gettid();
    me.answer_ = me.wait_();
    me.came_back_ = true;
    pthread_testcancel();
    return nullptr;
  }

  std::function<status()> wait_;
  pthread_t thread_{};
  std::atomic<pid_t> tid_{0};
  std::atomic<bool> came_back_{false};
  status answer_ = status::ok;
};

// Every transport with a role that waits: for a message, or for room.

struct ring_of_one {
  using producer_type = spsc_producer;
  using consumer_type = spsc_consumer;
  segment channel = small_ring();
  [[nodiscard]] const segment& at() const { return channel; }
};
struct ring_of_many {
  using producer_type = mpsc_producer;
  using consumer_type = mpsc_consumer;
  segment channel = small_ring(topology::mpsc);
  [[nodiscard]] const segment& at() const { return channel; }
};
struct named {
  using producer_type = pipe_producer;
  using consumer_type = pipe_consumer;
  scratch_pipe channel;
  [[nodiscard]] const named_pipe& at() const { return *channel; }
};

template <class Channel>
struct Interrupt : ::testing::Test {};
using channels = ::testing::Types<ring_of_one, ring_of_many, named>;
TYPED_TEST_SUITE(Interrupt, channels);

template <class Producer>
void fill(Producer& tx) {
  while (tx.try_push(bytes("fill")) == status::ok) {
  }
}

TYPED_TEST(Interrupt, a_reader_that_waits_is_ended_at_once) {
  for (const auto how : waiting_kinds) {
    TypeParam channel;
    auto tx = TypeParam::producer_type::attach(channel.at()).value();
    auto rx = TypeParam::consumer_type::attach(channel.at(), waiting_by(how)).value();
    waiting_thread waits([&] { return rx.read(no_deadline).status(); }, sleeps(how));
    rx.interrupt();
    EXPECT_EQ(waits.join(), status::interrupted);
    ASSERT_EQ(tx.try_push(bytes("next")), status::ok);
    EXPECT_EQ(text(rx.read(no_deadline).bytes()), "next");
  }
}

TYPED_TEST(Interrupt, a_producer_that_waits_for_room_is_ended_at_once) {
  for (const auto how : waiting_kinds) {
    TypeParam channel;
    auto rx = TypeParam::consumer_type::attach(channel.at()).value();
    auto tx = TypeParam::producer_type::attach(channel.at(), waiting_by(how)).value();
    fill(tx);
    waiting_thread waits([&] { return tx.push(bytes("more"), no_deadline); }, sleeps(how));
    tx.interrupt();
    EXPECT_EQ(waits.join(), status::interrupted);
    while (rx.drain([](message) {}, 1000).count > 0) {
    }
    EXPECT_EQ(tx.push(bytes("next"), no_deadline), status::ok);
    EXPECT_EQ(text(rx.read(no_deadline).bytes()), "next");
  }
}

// The pipe's other nap: unread bytes keep the FIFO readable, so it is watched in another way.
TYPED_TEST(Interrupt, a_reader_with_unreleased_messages_is_ended_too) {
  TypeParam channel;
  auto tx = TypeParam::producer_type::attach(channel.at()).value();
  auto rx =
      TypeParam::consumer_type::attach(channel.at(), waiting_by(waiting::kind::block)).value();
  ASSERT_EQ(tx.try_push(bytes("kept")), status::ok);
  ASSERT_TRUE(rx.read(no_deadline));
  waiting_thread waits([&] { return rx.read(no_deadline).status(); }, true);
  rx.interrupt();
  EXPECT_EQ(waits.join(), status::interrupted);
}

TYPED_TEST(Interrupt, what_was_done_before_is_seen_behind_the_wait) {
  TypeParam channel;
  auto tx = TypeParam::producer_type::attach(channel.at()).value();
  auto rx = TypeParam::consumer_type::attach(channel.at()).value();
  for (int i = 1; i <= 100; ++i) {
    int done = 0;  // plain: ThreadSanitizer tells if nothing orders it
    waiting_thread waits(
        [&] {
          const status s = rx.read(no_deadline).status();
          EXPECT_EQ(done, i);
          return s;
        },
        false);
    done = i;
    rx.interrupt();
    EXPECT_EQ(waits.join(), status::interrupted);
  }
}

// Whatever instant the interrupt falls into, a wait ends by it: here they race freely.
TYPED_TEST(Interrupt, none_is_lost_between_the_last_look_and_the_sleep) {
  TypeParam channel;
  auto tx = TypeParam::producer_type::attach(channel.at()).value();
  auto rx =
      TypeParam::consumer_type::attach(channel.at(), waiting_by(waiting::kind::block)).value();
  constexpr int rounds = 2000;
  std::atomic<int> ended{0};
  std::jthread waits([&] {
    while (ended < rounds) {
      ASSERT_EQ(rx.read(no_deadline).status(), status::interrupted);
      ++ended;
    }
  });
  int as_late_as_a_nap = 0;
  for (int i = 0; i < rounds; ++i) {
    const auto before = steady_clock::now();
    rx.interrupt();
    while (ended <= i) std::this_thread::yield();
    if (steady_clock::now() - before >= first_nap) ++as_late_as_a_nap;
  }
  EXPECT_LT(as_late_as_a_nap, rounds / 2);  // a busy machine may delay some
}

// From a signal handler.

void* handled_role = nullptr;
template <class Role>
void on_signal(int) {
  static_cast<Role*>(handled_role)->interrupt();
}

template <class Role>
class handler {
 public:
  explicit handler(Role& of) {
    handled_role = &of;
    struct sigaction with {};
    with.sa_handler = &on_signal<Role>;
    with.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &with, &before_);
  }
  handler(const handler&) = delete;
  handler& operator=(const handler&) = delete;
  ~handler() { sigaction(SIGUSR1, &before_, nullptr); }

 private:
  struct sigaction before_ {};
};

TYPED_TEST(Interrupt, a_signal_handler_ends_the_wait_that_it_interrupted) {
  for (const auto how : waiting_kinds) {
    TypeParam channel;
    auto tx = TypeParam::producer_type::attach(channel.at()).value();
    auto rx = TypeParam::consumer_type::attach(channel.at(), waiting_by(how)).value();
    const handler<typename TypeParam::consumer_type> handles(rx);
    waiting_thread waits([&] { return rx.read(no_deadline).status(); }, sleeps(how));
    pthread_kill(waits.thread(), SIGUSR1);
    EXPECT_EQ(waits.join(), status::interrupted);
  }
}

TYPED_TEST(Interrupt, errno_stays_as_it_was) {
  TypeParam channel;
  auto rx = TypeParam::consumer_type::attach(channel.at()).value();
  errno = 1234;
  for (int i = 0; i < 3; ++i) rx.interrupt();
  EXPECT_EQ(errno, 1234);
}

// Cancellation.

TYPED_TEST(Interrupt, a_wait_is_no_cancellation_point) {
  for (const auto how : waiting_kinds) {
    TypeParam channel;
    auto tx = TypeParam::producer_type::attach(channel.at()).value();
    auto rx = TypeParam::consumer_type::attach(channel.at(), waiting_by(how)).value();
    waiting_thread waits([&] { return rx.read(no_deadline).status(); }, sleeps(how));
    pthread_cancel(waits.thread());
    rx.interrupt();
    EXPECT_EQ(waits.join(), std::nullopt);
    EXPECT_TRUE(waits.came_back());
    ASSERT_EQ(tx.try_push(bytes("goes on")), status::ok);
    EXPECT_EQ(text(rx.read(no_deadline).bytes()), "goes on");
  }
}

TYPED_TEST(Interrupt, a_wait_for_room_is_no_cancellation_point) {
  for (const auto how : waiting_kinds) {
    TypeParam channel;
    auto rx = TypeParam::consumer_type::attach(channel.at()).value();
    auto tx = TypeParam::producer_type::attach(channel.at(), waiting_by(how)).value();
    fill(tx);
    waiting_thread waits([&] { return tx.push(bytes("more"), no_deadline); }, sleeps(how));
    pthread_cancel(waits.thread());
    tx.interrupt();
    EXPECT_EQ(waits.join(), std::nullopt);
    EXPECT_TRUE(waits.came_back());
    while (rx.drain([](message) {}, 1000).count > 0) {
    }
    ASSERT_EQ(tx.try_push(bytes("goes on")), status::ok);
    EXPECT_EQ(text(rx.read(no_deadline).bytes()), "goes on");
  }
}

// A cancel that came before: no operation heeds it, none is left half done.
TYPED_TEST(Interrupt, no_operation_is_a_cancellation_point) {
  TypeParam channel;
  auto tx = TypeParam::producer_type::attach(channel.at()).value();
  auto rx = TypeParam::consumer_type::attach(channel.at()).value();
  waiting_thread works(
      [&] {
        pthread_cancel(pthread_self());
        EXPECT_EQ(tx.try_push(bytes("one")), status::ok);
        EXPECT_EQ(tx.push(bytes("two"), no_deadline), status::ok);
        if (auto claim = tx.try_claim(3)) claim.commit();
        (void)tx.peer();
        EXPECT_TRUE(rx.try_read());
        EXPECT_TRUE(rx.read(no_deadline));
        rx.release();
        (void)rx.peer();
        EXPECT_EQ(rx.drain([](message) {}, 9).count, 1u);
        const auto gone_with_the_rest = std::move(tx);
        auto closes = std::move(rx);
        closes.close();
        return status::ok;
      },
      false);
  EXPECT_EQ(works.join(), std::nullopt);
  EXPECT_TRUE(works.came_back());
}

}  // namespace
}  // namespace annulus::testing
