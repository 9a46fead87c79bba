#include "bench/line.hpp"

#include <algorithm>
#include <atomic>
#include <functional>

namespace annulus::bench {
namespace {

constexpr std::size_t most_timed = 1 << 16;

struct alignas(128) line {
  std::atomic<std::uint64_t> value{0};
};

// The ways to hand over a line: store and poll, poll with a pause in between, or take the line for
// writing by an exchange. Each side has a line of its own, or both write the same one.
struct way {
  bool is_one_line;
  bool pauses;
  bool exchanges;
};
constexpr way ways[] = {
    {false, false, false}, {false, true, false}, {false, false, true}, {true, false, false}};

void pass(line& to, std::uint64_t value, const way& by) {
  if (by.exchanges) {
    to.value.exchange(value, std::memory_order_acq_rel);
  } else {
    to.value.store(value, std::memory_order_release);
  }
}

void await(const line& of, std::uint64_t value, const way& by, poll& wait) {
  while (of.value.load(std::memory_order_acquire) != value) {
    if (by.pauses) __builtin_ia32_pause();
    wait.again();
  }
}

round_trips raw_by(const way& by, where at, nanoseconds span, const processors& on,
                   const patience& until) {
  struct stage {
    gate begin;
    finish end;
    trips seen;
  };
  shared<line> lines(2);
  line &there = lines.all()[0], &back = lines.all()[by.is_one_line ? 0 : 1];
  shared<stage> with;
  shared<std::uint64_t> each(most_timed);
  const bool is_crowded = on.are_crowded_by(2);
  const auto ask = [&] {
    poll wait(is_crowded);
    std::uint64_t n = 0;
    const auto trip = [&] {
      pass(there, n + 1, by);
      await(back, n + 2, by, wait);
      n += 2;
    };
    with->begin.pass(2);
    with->seen = time_trips(span, each.all(), trip);
    with->end.announce(n + 2);
    trip();
  };
  const auto answer = [&] {
    poll wait(is_crowded);
    with->begin.pass(2);
    std::uint64_t n = 0;
    do {
      await(there, n + 1, by, wait);
      pass(back, n + 2, by);
      n += 2;
    } while (!with->end.is_reached(n, 1));
  };
  run_sides(at, on, std::vector<std::function<void()>>{ask, answer}, until);
  const auto timed = each.all().first(with->seen.timed);
  return {with->seen.mean, {timed.begin(), timed.end()}};
}

}  // namespace

round_trips raw_round_trips(where at, nanoseconds span, const processors& on,
                            const patience& until) {
  round_trips best;
  for (const way& by : ways) {
    auto one = raw_by(by, at, span / std::size(ways), on, until);
    if (best.each.empty() || one.mean < best.mean) best = std::move(one);
  }
  return best;
}

std::vector<std::vector<int>> near_and_far_pairs(const std::vector<int>& all) {
  constexpr double apart = 1.5;  // farther by so much, or there is one distance only
  constexpr std::size_t most_tried = 64;
  struct other {
    double raw;
    int processor;
  };
  if (all.size() == 2) return {all};
  std::vector<other> others;
  for (std::size_t i = 1; i < std::min(all.size(), most_tried); ++i) {
    const processors pair({all[0], all[i]});
    others.push_back(
        {raw_round_trips(where::threads, std::chrono::milliseconds(4), pair).mean, all[i]});
  }
  const auto [near, far] = std::ranges::minmax(others, {}, &other::raw);
  if (far.raw < apart * near.raw) return {{all[0], near.processor}};
  return {{all[0], near.processor}, {all[0], far.processor}};
}

}  // namespace annulus::bench
