// Deadlines: no point in time and no span is too far away, and short waits hear of a death too.
#include "bytes.hpp"
#include "child.hpp"
#include "endpoints.hpp"
#include "pipes.hpp"
#include "small_ring.hpp"
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <annulus/bus/bus.hpp>
#include <annulus/pipe/pipe.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A clock that was read in between: at this distance, and not before.
template <class Span>
void expect_distance(Span span, std::chrono::nanoseconds distance) {
  const auto before = steady_clock::now();
  const auto at = within(span);
  const auto after = steady_clock::now();
  EXPECT_GE(at, before + distance);
  EXPECT_LE(at, after + distance);
}

TEST(Deadlines, a_span_of_any_unit_is_taken_as_it_is) {
  using namespace std::chrono;
  expect_distance(nanoseconds(0), nanoseconds(0));
  expect_distance(milliseconds(5), milliseconds(5));
  expect_distance(-hours(3), -hours(3));
  expect_distance(duration<double>(1.5), milliseconds(1500));
  expect_distance(duration<std::uint8_t>(200), seconds(200));
  expect_distance(duration<std::int64_t, std::pico>(7000), nanoseconds(7));
  expect_distance(hours(24 * 365 * 146), hours(24 * 365 * 146));
}

TEST(Deadlines, a_span_too_long_for_the_clock_is_no_deadline) {
  using namespace std::chrono;
  EXPECT_EQ(within(nanoseconds::max()), no_deadline);
  EXPECT_EQ(within(seconds::max()), no_deadline);
  EXPECT_EQ(within(hours::max()), no_deadline);
  EXPECT_EQ(within(hours(24 * 365 * 147)), no_deadline);
  EXPECT_EQ(within(duration<double>(1e300)), no_deadline);
  EXPECT_EQ(within(duration<double>(std::numeric_limits<double>::infinity())), no_deadline);
  EXPECT_EQ(within(duration<std::uint64_t, std::nano>::max()), no_deadline);
}

TEST(Deadlines, a_span_too_far_back_has_passed) {
  using namespace std::chrono;
  EXPECT_EQ(within(nanoseconds::min()), deadline::min());
  EXPECT_EQ(within(hours::min()), deadline::min());
  EXPECT_EQ(within(-hours(24 * 365 * 147)), deadline::min());
  EXPECT_EQ(within(duration<double>(-1e300)), deadline::min());
  EXPECT_EQ(within(duration<double>(std::numeric_limits<double>::quiet_NaN())), deadline::min());
}

TEST(Deadlines, a_sleep_ends_at_its_deadline_and_never_overflows) {
  const auto now = steady_clock::now();
  using std::chrono::nanoseconds;
  EXPECT_EQ(sleep_until(now + milliseconds(3), now, milliseconds(10)), milliseconds(3));
  EXPECT_EQ(sleep_until(now + milliseconds(30), now, milliseconds(10)), milliseconds(10));
  EXPECT_EQ(sleep_until(no_deadline, now, milliseconds(10)), milliseconds(10));
  EXPECT_EQ(sleep_until(no_deadline, now, nanoseconds::min()), nanoseconds(0));
  EXPECT_EQ(sleep_until(now, now, milliseconds(10)), nanoseconds(0));
  EXPECT_EQ(sleep_until(deadline::min(), now, milliseconds(10)), nanoseconds(0));
}

TEST(Deadlines, the_first_point_of_the_clock_has_passed_for_every_kind_of_wait) {
  for (const auto how : waiting_kinds) {
    const auto ring = small_ring();
    const scratch_pipe pipe;
    auto rx = spsc_consumer::attach(ring, {.how = how}).value();
    auto piped = attached<pipe_consumer>(*pipe, {.how = how});
    EXPECT_EQ(rx.read(deadline::min()).status(), status::timed_out);
    EXPECT_EQ(piped.read(deadline::min()).status(), status::timed_out);
    auto tx = spsc_producer::attach(ring, {.how = how}).value();
    auto sends = attached<pipe_producer>(*pipe, {.how = how});
    while (tx.try_push(bytes("fill")) == status::ok) {
    }
    while (sends.try_push(bytes("fill")) == status::ok) {
    }
    EXPECT_EQ(tx.push(bytes("more"), deadline::min()), status::timed_out);
    EXPECT_EQ(sends.push(bytes("more"), deadline::min()), status::timed_out);
  }
}

// Waits shorter than a nap, until one answers something else than timed_out.

template <class Wait>
status after_short_waits(Wait wait) {
  for (const auto give_up = within(std::chrono::seconds(30)); steady_clock::now() < give_up;) {
    const status s = wait(within(milliseconds(1)));
    if (s != status::timed_out) return s;
  }
  return status::timed_out;
}

template <class Producer, class Consumer, class Channel>
void expect_short_waits_to_hear_of_deaths(const Channel& to, waiting::kind how) {
  {
    lingering producer([&] { return Producer::attach(to).value(); });
    auto rx = Consumer::attach(to, {.how = how}).value();
    EXPECT_EQ(rx.read(within(milliseconds(1))).status(), status::timed_out);
    producer.kill();
    EXPECT_EQ(after_short_waits([&](deadline d) { return rx.read(d).status(); }),
              status::peer_gone);
  }
  {
    lingering consumer([&] { return Consumer::attach(to).value(); });
    auto tx = Producer::attach(to, {.how = how}).value();
    while (tx.try_push(bytes("fill")) == status::ok) {
    }
    EXPECT_EQ(tx.push(bytes("more"), within(milliseconds(1))), status::timed_out);
    consumer.kill();
    EXPECT_EQ(after_short_waits([&](deadline d) { return tx.push(bytes("more"), d); }),
              status::peer_gone);
  }
}

TEST(Deadlines, waits_shorter_than_a_nap_come_to_say_that_the_peer_died) {
  for (const auto how : waiting_kinds) {
    expect_short_waits_to_hear_of_deaths<spsc_producer, spsc_consumer>(small_ring(), how);
    expect_short_waits_to_hear_of_deaths<mpsc_producer, mpsc_consumer>(small_ring(topology::mpsc),
                                                                       how);
    const scratch_pipe pipe;
    expect_short_waits_to_hear_of_deaths<pipe_producer, pipe_consumer>(*pipe, how);
  }
}

// A peer that repeats one marked message for ever.

TEST(Deadlines, a_peer_that_repeats_a_message_for_ever_keeps_no_reader) {
  const octets again(40);
  std::uint64_t reads = 0;
  const auto attempt = [&] { return ++reads, view(message(again)); };
  const auto drop = [](message) { return std::optional<view>(); };
  EXPECT_EQ(bus::first_delivered(attempt, drop, no_deadline, 4000).status(), status::empty);
  EXPECT_EQ(reads, 100u);
  const auto until = within(milliseconds(2));
  EXPECT_EQ(bus::first_delivered(attempt, drop, until, bus::any_number).status(),
            status::timed_out);
  EXPECT_GE(steady_clock::now(), until);
}

TEST(Deadlines, the_first_new_message_behind_repeats_is_delivered) {
  const octets one(40);
  std::uint64_t reads = 0;
  const auto attempt = [&] { return ++reads, view(message(one)); };
  const auto deliver = [&](message m) { return reads < 100 ? std::optional<view>() : view(m); };
  EXPECT_EQ(bus::first_delivered(attempt, deliver, no_deadline, 4000).status(), status::ok);
  EXPECT_EQ(reads, 100u);
}

void expect_repeats_to_end(const std::string& scheme) {
  const scratch_endpoint at;
  auto rx = opened(open_consumer(at.at(scheme, "once=yes&capacity=64KiB")));
  auto tx = opened(open_producer(at.at(scheme)));
  const auto head = bus::head_of({7, 1});
  const std::vector<message> many(200, message(head));
  ASSERT_EQ(tx.try_push(message(head)), status::ok);
  ASSERT_TRUE(rx.try_read());  // the first is new
  rx.release();
  std::atomic<bool> is_over{false};
  std::jthread floods([&] {
    while (!is_over) (void)tx.try_push_batch(many);
  });
  while (rx.repeated() < 20'000) {
    EXPECT_EQ(rx.try_read().status(), status::empty);
    EXPECT_EQ(rx.read(within(milliseconds(1))).status(), status::timed_out);
    EXPECT_EQ(rx.drain([](message) {}, 10).why, status::empty);
  }
  is_over = true;
}

TEST(Deadlines, repeats_without_end_leave_every_read_its_answer) {
  expect_repeats_to_end("shm");
  expect_repeats_to_end("pipe");
}

}  // namespace
}  // namespace annulus::testing
