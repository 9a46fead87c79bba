#include "compare/round_trip.hpp"

#include <atomic>
#include <functional>

namespace annulus::compare {

round_trips raw_round_trips(where at, std::uint64_t count, const processors& on,
                            const patience& until) {
  struct alignas(128) line {
    std::atomic<std::uint64_t> value{0};
  };
  struct stage {
    gate begin;
    double mean = 0;
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
    with->begin.pass(2);
    with->mean = time_trips(count, each.all(), [&](std::uint64_t n) {
      there.value.store(n + 1, std::memory_order_release);
      await(back, n + 1);
    });
  };
  const auto answer = [&] {
    with->begin.pass(2);
    for (std::uint64_t n = 1; n <= trips_of(count); ++n) {
      await(there, n);
      back.value.store(n, std::memory_order_release);
    }
  };
  run_sides(at, on, std::vector<std::function<void()>>{ask, answer}, until);
  return {with->mean, {each.all().begin(), each.all().end()}};
}

}  // namespace annulus::compare
