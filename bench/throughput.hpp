// Throughput: producers push as fast as they can, the consumer takes as fast as it can.
//
// The first messages warm the pages, the caches and the branch predictors; the clock runs on the
// consumer's side, from there to the last message.
#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "message.hpp"
#include "shared.hpp"
#include "trial.hpp"

namespace annulus::bench {

template <class System>
struct throughput {
  using message = typename System::message;

  struct stage {
    bench::gate gate;
    double seconds = 0;
    std::uint64_t timed = 0;
    std::uint64_t wrong = 0;
  };

  static void produce(System& system, stage& on, const setup& with, unsigned number) {
    auto producer = system.producer();
    poll wait(with.on->are_crowded_by(with.producers + 1));
    on.gate.pass(with.producers + 1);
    message next;
    for (std::uint64_t n = 0; n < with.count / with.producers; ++n) {
      next.fill(label_of(number, n));
      while (!producer.push(next)) wait.again();
    }
  }

  static void consume(System& system, stage& on, const setup& with) {
    auto consumer = system.consumer();
    poll wait(with.on->are_crowded_by(with.producers + 1));
    order_check check(with.producers);
    on.gate.pass(with.producers + 1);

    std::uint64_t seen = 0;
    const auto take_until = [&](std::uint64_t end) {
      while (seen < end) {
        const std::uint64_t taken = consumer.take(check);
        if (taken == 0) wait.again();
        seen += taken;
      }
    };
    const std::uint64_t all = with.count / with.producers * with.producers;
    take_until(all / 5);
    const std::uint64_t first = seen;
    const auto started = std::chrono::steady_clock::now();
    take_until(all);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
    on.seconds = took.count();
    on.timed = all - first;
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
    return {static_cast<double>(on->timed) / on->seconds, {}, on->wrong};
  }
};

}  // namespace annulus::bench
