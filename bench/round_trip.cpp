// Round trip: a message goes there, its answer comes back, then the next one goes.
#include "compare/round_trip.hpp"

#include "message.hpp"
#include "peers/all.hpp"
#include "shared.hpp"
#include "trial.hpp"

#include <algorithm>
#include <functional>
#include <vector>

namespace annulus::bench {
namespace {

using compare::alone_of;
using compare::time_trips;
using compare::trips_of;

struct stage {
  bench::gate gate;
  double mean = 0;  // nanoseconds per trip
};

tail tail_of(std::span<float> each) {
  std::sort(each.begin(), each.end());
  const std::span<const float> sorted(each);
  return {quantile_of_sorted(sorted, 0.5), quantile_of_sorted(sorted, 0.99),
          quantile_of_sorted(sorted, 0.999), quantile_of_sorted(sorted, 1)};
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
  auto raw = compare::raw_round_trips(where::threads, count, on);
  return {raw.mean, tail_of(raw.each), 0};
}

}  // namespace annulus::bench
