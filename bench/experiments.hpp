// The experiments. Each runs one system once and returns what was seen. Throws std::runtime_error
// with the reason when the system fails, delivers a damaged message or takes too long, and
// broken_off when the caller asked to stop.
#pragma once

#include "bench/calls.hpp"
#include "bench/line.hpp"
#include "bench/system.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <vector>

namespace annulus::bench {

struct rhythm {
  double rate = 50'000;     // messages a second
  std::uint64_t burst = 1;  // that are due together
};

struct one_way_latencies {
  std::vector<std::uint64_t> each;  // ns, one way, from the time that each message was due
  std::uint64_t memory_bytes = 0;
};

// Shares of one core.
struct cpu_shares {
  double producer = 0;        // of a producer that sleeps until each message is due
  double producer_calls = 0;  // so much of it is its sends
  double consumer = 0;
};

class laboratory {
 public:
  // `span` is how long one run lasts, `patience` how much longer it may take than ten times that.
  laboratory(processors on, nanoseconds span, std::chrono::seconds patience,
             std::function<bool()> is_asked_to_stop = {});

  [[nodiscard]] const processors& on() const noexcept { return on_; }
  [[nodiscard]] nanoseconds span() const noexcept { return span_; }
  // The same, where a run lasts at least so long.
  [[nodiscard]] laboratory lasting(nanoseconds at_least) const;

  [[nodiscard]] round_trips raw(where at, nanoseconds span);
  // Messages a second, as fast as it goes.
  [[nodiscard]] double throughput(const system& of, const shape& how, std::size_t batch,
                                  std::size_t limit);
  // There and back, closed loop: each trip starts when the one before has ended.
  [[nodiscard]] round_trips round_trip(const system& of, const shape& how);
  // One way, open loop.
  [[nodiscard]] one_way_latencies one_way(const system& of, const shape& how, rhythm at);
  [[nodiscard]] cpu_shares cpu(const system& of, const shape& how, double rate);
  // What sleeping until each message is due costs by itself, with no system at all.
  [[nodiscard]] double cpu_of_pacing(double rate);
  // The median time of each step of a message, ns.
  [[nodiscard]] std::array<double, step_count> steps(const system& of, const shape& how,
                                                     double rate);
  [[nodiscard]] calls calls_at(const system& of, const shape& how, double rate);
  [[nodiscard]] calls calls_in_batches(const system& of, const shape& how);

 private:
  [[nodiscard]] load load_of(const system& of, const shape& how, pace how_fast);
  [[nodiscard]] patience until() const;
  using consuming = std::function<void(stage&)>;
  using producing = std::function<void(stage&, unsigned number)>;
  // Runs the sides, and returns their reports. Throws if a message was damaged or out of order.
  shared<stage> run(const system& of, const consuming& consumer, const producing& producer,
                    unsigned producers = 1);
  // Sends the load through the channel.
  shared<stage> deliver(const system& of, link& channel, const load& how,
                        std::span<std::uint64_t> latencies = {});

  processors on_;
  nanoseconds span_;
  std::chrono::seconds patience_;
  std::function<bool()> is_asked_to_stop_;
  std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace annulus::bench
