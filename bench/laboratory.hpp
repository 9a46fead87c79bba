// The experiments: each runs one system once, and returns what was seen.
#pragma once

#include "bench/calls.hpp"
#include "bench/line.hpp"
#include "bench/statistics.hpp"
#include "bench/system.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <vector>

namespace annulus::bench {

enum class experiment : std::uint8_t {
  per_message,     // pushed one by one, each read and released: messages a second
  drained,         // pushed `batch` at a time, read and released together
  batches,         // pushed 100 at a time, drained
  many_producers,  // drained
  at_once,         // pushed `batch` at a time, as many read at a time
  round_trip,      // closed loop, ns: each trip starts when the one before has ended
  bursts,          // 100 messages each 100 us: ns from the time that one was due, the median
  on_time,         // one by one at the plan's rate: ns from the time that one was due, the median
  cpu,             // at that rate: shares of a core
  steps,           // at that rate: ns of each step of a message, medians
  calls,           // at that rate and in batches: system calls and copies. Measured once
};
[[nodiscard]] const char* to_string(experiment e) noexcept;
[[nodiscard]] constexpr bool is_time(experiment e) noexcept { return e >= experiment::round_trip; }

// What is measured together, and only compared among itself.
struct group {
  experiment what{};
  unsigned producers = 1;
  std::size_t bytes = 0;
  std::size_t batch = 1;

  friend auto operator<=>(const group&, const group&) = default;
};

// One system in one experiment with one setting.
struct trial {
  const system* of;
  group in;
  std::size_t capacity = shape().capacity;
};

// Shares of one core.
struct cpu_shares {
  double producer = 0;        // of a producer that sleeps until each message is due
  double producer_calls = 0;  // so much of it is its sends
  double consumer = 0;
};

// One measurement of a trial.
struct sample {
  std::size_t trial = 0;
  unsigned repeat = 0;
  double raw = 0;                     // the raw round trip just before, ns
  bool is_near = false;               // by the median raw round trip of its group in this repeat
  double value = 0;                   // messages a second, or ns
  percentiles tail{};                 // of single round trips or latencies, ns
  std::vector<std::uint64_t> each{};  // all of them, sorted, if they are kept
  cpu_shares cpu{};
  std::array<double, step_count> steps{};
  calls single{}, batched{};
  std::uint64_t memory_bytes = 0;
};

struct lab_options {
  nanoseconds span{};                // of one measurement
  std::chrono::seconds patience{5};  // with one that lasts longer than ten times that
  double rate = 50'000;              // of the open loop and of the CPU's share, messages a second
  bool polls = false;                // the ends poll, where they could also wait in the kernel
  bool keeps_each = false;
  std::function<bool()> is_asked_to_stop{};
};

class laboratory {
 public:
  laboratory(processors on, lab_options how) : on_(std::move(on)), how_(std::move(how)) {}

  // Throws std::runtime_error with the reason when the system fails, delivers a damaged message or
  // takes too long, and broken_off when asked to stop.
  [[nodiscard]] sample measure(const trial& t);
  [[nodiscard]] round_trips raw(where at, nanoseconds span);
  // What sleeping until each message is due costs by itself, with no system at all.
  [[nodiscard]] double cpu_of_pacing();

 private:
  using side = std::function<void(stage&, unsigned producer)>;

  [[nodiscard]] shape shape_of(const trial& t) const;
  [[nodiscard]] load load_of(const trial& t);
  [[nodiscard]] patience until(nanoseconds span) const;
  // Runs the sides, and returns their reports. Throws if a message was damaged or out of order.
  shared<stage> run(const trial& t, const load& how, const side& consumer, const side& producer);
  shared<stage> deliver(const trial& t, link& channel, const load& how,
                        std::span<std::uint64_t> latencies = {});
  void keep(sample& in, std::span<const std::uint64_t> each) const;

  [[nodiscard]] sample throughput(const trial& t, const load& how);
  [[nodiscard]] sample round_trip(const trial& t, const load& how);
  [[nodiscard]] sample one_way(const trial& t, const load& how);
  [[nodiscard]] sample cpu(const trial& t, const load& how);
  [[nodiscard]] sample steps(const trial& t, const load& how);
  [[nodiscard]] sample count(const trial& t, load how);

  processors on_;
  lab_options how_;
  std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace annulus::bench
