// Round trip: a message goes there, its answer comes back, then the next one goes.
//
// A first loop is timed as a whole, so that no clock is in it; a second one times each trip.
#include <algorithm>
#include <chrono>
#include <functional>
#include <vector>

#include "message.hpp"
#include "peers/all.hpp"
#include "sides.hpp"
#include "statistics.hpp"
#include "trial.hpp"

namespace annulus::bench {
namespace {

using clock = std::chrono::steady_clock;

double nanoseconds(clock::duration span) {
  return std::chrono::duration<double, std::nano>(span).count();
}

struct stage {
  bench::gate gate;
  double mean = 0;  // nanoseconds per trip
};

constexpr std::uint64_t warm_up_of(std::uint64_t count) { return count / 5; }
constexpr std::uint64_t alone_of(std::uint64_t count) {
  return std::max<std::uint64_t>(count / 5, 1);
}

// The side that asks: `trip(n)` makes the n-th round trip. Fills `each` with single trips, ns.
template <class Trip>
double time_trips(std::uint64_t count, std::span<float> each, Trip trip) {
  std::uint64_t n = 0;
  while (n < warm_up_of(count)) trip(n++);
  const auto started = clock::now();
  for (std::uint64_t i = 0; i < count; ++i) trip(n++);
  const double mean = nanoseconds(clock::now() - started) / static_cast<double>(count);

  auto last = clock::now();
  for (float& one : each) {
    trip(n++);
    const auto now = clock::now();
    one = static_cast<float>(nanoseconds(now - last));
    last = now;
  }
  return mean;
}

tail tail_of(std::span<float> each) {
  std::sort(each.begin(), each.end());
  const std::span<const float> sorted(each);
  return {quantile_of_sorted(sorted, 0.5), quantile_of_sorted(sorted, 0.99),
          quantile_of_sorted(sorted, 0.999), quantile_of_sorted(sorted, 1)};
}

std::uint64_t trips_of(std::uint64_t count) {
  return warm_up_of(count) + count + alone_of(count);
}

template <class System>
struct round_trip {
  using message = typename System::message;

  template <class Consumer>
  static void take_one(Consumer& from, order_check& check, poll& wait) {
    while (from.take(check) == 0) wait.again();
  }

  static outcome run(const setup& with) {
    System there(with.capacity, 1), back(with.capacity, 1);
    shared<stage> on;
    shared<float> each(alone_of(with.count));
    shared<std::uint64_t> wrong(2);
    const bool crowded = with.on->are_crowded_by(2);

    const auto ask = [&] {
      auto producer = there.producer();
      auto consumer = back.consumer();
      order_check check(1);
      poll wait(crowded);
      on->gate.pass(2);
      message next;
      on->mean = time_trips(with.count, each.all(), [&](std::uint64_t n) {
        next.fill(label_of(0, n));
        while (!producer.push(next)) wait.again();
        take_one(consumer, check, wait);
      });
      wrong.all()[0] = check.wrong();
    };
    const auto answer = [&] {
      auto producer = back.producer();
      auto consumer = there.consumer();
      order_check check(1);
      poll wait(crowded);
      on->gate.pass(2);
      message next;
      for (std::uint64_t n = 0; n < trips_of(with.count); ++n) {
        take_one(consumer, check, wait);
        next.fill(label_of(0, n));
        while (!producer.push(next)) wait.again();
      }
      wrong.all()[1] = check.wrong();
    };
    run_sides(System::about.sides, *with.on, std::vector<std::function<void()>>{ask, answer});
    return {on->mean, tail_of(each.all()), wrong.all()[0] + wrong.all()[1]};
  }
};

}  // namespace

void add_round_trips(std::vector<trial>& to) {
  add_trials<round_trip>(to, activity::round_trip, one_producer{}, fewer_sizes{}, 1,
                         {16 << 10, 128 << 10});
}

outcome raw_round_trip(std::uint64_t count, const processors& on) {
  struct alignas(128) line {
    std::atomic<std::uint64_t> value{0};
  };
  shared<line> lines(2);
  line &there = lines.all()[0], &back = lines.all()[1];
  shared<stage> with;
  shared<float> each(alone_of(count));
  const bool crowded = on.are_crowded_by(2);
  const auto await = [crowded](const line& of, std::uint64_t value) {
    poll wait(crowded);
    while (of.value.load(std::memory_order_acquire) != value) wait.again();
  };
  const auto ask = [&] {
    with->gate.pass(2);
    with->mean = time_trips(count, each.all(), [&](std::uint64_t n) {
      there.value.store(n + 1, std::memory_order_release);
      await(back, n + 1);
    });
  };
  const auto answer = [&] {
    with->gate.pass(2);
    for (std::uint64_t n = 1; n <= trips_of(count); ++n) {
      await(there, n);
      back.value.store(n, std::memory_order_release);
    }
  };
  run_sides(where::threads, on, std::vector<std::function<void()>>{ask, answer});
  return {with->mean, tail_of(each.all()), 0};
}

}  // namespace annulus::bench
