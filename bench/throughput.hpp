// Throughput: producers push as fast as they can, the consumer takes as fast as it can.
//
// The first messages warm the pages, the caches and the branch predictors; the clock runs on the
// consumer's side, from there to the last message. A system that crawls, as some do when producers
// that wait for each other share a processor, is broken off at the limit and judged by what it did.
#pragma once

#include "message.hpp"
#include "shared.hpp"
#include "trial.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <vector>

namespace annulus::bench {

template <class System>
struct throughput {
  using message = typename System::message;

  struct stage {
    bench::gate gate;
    double seconds = 0;
    std::uint64_t timed = 0;
    std::uint64_t wrong = 0;
    alignas(64) std::atomic<bool> is_broken_off{false};  // a line that is only read, until it is
  };

  static void produce(System& system, stage& on, const setup& with, unsigned number) {
    auto producer = system.producer();
    poll wait(with.on->are_crowded_by(with.producers + 1));
    on.gate.pass(with.producers + 1);
    message next;
    const std::uint64_t count = with.count / with.producers;
    for (std::uint64_t n = 0; n < count; ++n) {
      if (n % 64 == 0 && on.is_broken_off.load(std::memory_order_relaxed)) return;
      next.fill(label_of(number, n));
      while (!producer.push(next)) {
        if (on.is_broken_off.load(std::memory_order_relaxed)) return;
        wait.again();
      }
    }
  }

  static void consume(System& system, stage& on, const setup& with) {
    auto consumer = system.consumer();
    poll wait(with.on->are_crowded_by(with.producers + 1));
    order_check check(with.producers);
    on.gate.pass(with.producers + 1);

    using clock = std::chrono::steady_clock;
    const auto begin = clock::now();
    std::uint64_t seen = 0, polls = 0;
    const auto take_until = [&](std::uint64_t end) {
      while (seen < end) {
        const std::uint64_t taken = consumer.take(check);
        seen += taken;
        if (taken != 0) continue;
        if (++polls % 1024 == 0 && clock::now() - begin > with.limit) return false;
        wait.again();
      }
      return true;
    };
    const std::uint64_t all = with.count / with.producers * with.producers;
    auto first = std::uint64_t{0};
    auto started = begin;
    bool is_whole = take_until(all / 5);
    if (is_whole) {
      first = seen;
      started = clock::now();
      is_whole = take_until(all);
    }
    const std::chrono::duration<double> took = clock::now() - started;
    on.is_broken_off.store(!is_whole, std::memory_order_relaxed);
    on.seconds = took.count();
    on.timed = std::max<std::uint64_t>(seen - first, 1);
    on.wrong = check.wrong();
  }

  static outcome run(const setup& with) {
    System system(with.capacity, with.producers);
    shared<stage> on;
    std::vector<std::function<void()>> sides;
    sides.emplace_back([&] { consume(system, *on.operator->(), with); });
    for (unsigned p = 0; p < with.producers; ++p) {
      sides.emplace_back([&, p] { produce(system, *on.operator->(), with, p); });
    }
    run_sides(System::about.sides, *with.on, sides);
    return {static_cast<double>(on->timed) / on->seconds,
            {},
            on->wrong,
            on->is_broken_off.load(std::memory_order_relaxed)};
  }
};

}  // namespace annulus::bench
