// A trial: one system in one experiment with one setting. A sample: one measurement of it. Every
// program that measures makes trials, has them measured, and shows the samples.
#pragma once

#include "bench/experiments.hpp"
#include "bench/statistics.hpp"
#include "bench/system.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace annulus::bench {

enum class experiment : std::uint8_t {
  per_message,     // pushed one by one, each read and released: messages a second
  drained,         // pushed one by one, read and released together
  batches,         // pushed 100 at a time, drained
  many_producers,  // drained
  at_once,         // pushed `batch` at a time, as many read at a time
  round_trip,      // ns
  bursts,          // 100 messages each 100 us: ns from the time that one was due, the median
  on_time,         // one by one at the plan's rate: ns from the time that one was due, the median
  cpu,             // at that rate: shares of a core
  steps,           // at that rate: ns of each step of a message, medians
  calls,           // at that rate and in batches: system calls and copies. Measured once
};
// Those that `peers` makes.
inline constexpr std::array peer_experiments{experiment::per_message, experiment::drained,
                                             experiment::batches,     experiment::many_producers,
                                             experiment::round_trip,  experiment::bursts};
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

struct trial {
  const system* of;
  group in;
  std::size_t capacity = shape().capacity;
};

// Every experiment of `peers` that these systems take part in; each with `most_capacities` at the
// most.
[[nodiscard]] std::vector<trial> trials_of(const std::vector<system>& all,
                                           std::size_t most_capacities);

struct sample {
  std::size_t trial = 0;
  unsigned repeat = 0;
  double raw = 0;                     // the raw round trip just before, ns
  bool is_near = false;               // by the median raw round trip of its group in this repeat
  double value = 0;                   // messages a second, or ns
  percentiles tail{};                 // of single round trips or latencies, ns
  std::vector<std::uint64_t> each{};  // all of them, if the plan keeps them
  cpu_shares cpu{};
  std::array<double, step_count> steps{};
  calls single{}, batched{};
  std::uint64_t memory_bytes = 0;
};

struct plan {
  std::vector<trial> trials;
  unsigned repeats = 5;
  nanoseconds span{};                // of one measurement
  std::chrono::seconds patience{5};  // with a measurement that lasts longer than it should
  double rate = 50'000;              // of the open loop and of the CPU's share, messages a second
  std::vector<int> processors;       // the first is the consumer's
  priority wanted = priority::normal;
  bool are_busy = false;  // other programs use the processors too
  bool polls = false;     // the ends poll, where they could also wait in the kernel
  bool keeps_each = false;
  nanoseconds raw_span{};  // of the raw round trip before each measurement; 0: there is none
  // Measures on a near and on a far pair of the processors, where there are both. Where there is
  // one pair, and the host moves it, waits so long for the other distance.
  bool has_distances = false;
  std::chrono::duration<double> wait{};
  std::chrono::duration<double> rest{};  // of each minute, between measurements, for others
  std::function<void(laboratory&)> before_each_repeat{};
  std::function<bool()> is_asked_to_stop{};
  std::function<void(const std::string&)> tell{};  // how far it is
};

// The span of one measurement, so that so many take about as long as planned; a fifth of the time
// is left for opening and for raw round trips.
[[nodiscard]] nanoseconds span_for(double seconds, std::size_t measurements);

struct failure {
  std::size_t trial;
  std::string why;
};

using samples = std::vector<const sample*>;

// Of all of them together, sorted: single round trips or latencies, ns.
[[nodiscard]] std::vector<std::uint64_t> pooled(const samples& of);

struct measurement {
  // Of one trial, in the order of the repeats.
  [[nodiscard]] bench::samples of_trial(std::size_t trial) const;

  nanoseconds span{};
  std::vector<trial> trials;
  std::vector<sample> samples;
  std::vector<std::vector<int>> pairs;  // of processors that were measured on
  std::vector<failure> failures;
};

// Interleaved: each repeat visits every group; in a visit the trials follow each other, another one
// first each time. So whatever the machine does meanwhile meets all systems alike. A trial that
// fails is given up, with its reason noted; the others go on. Throws broken_off when asked to stop.
[[nodiscard]] measurement measure(const plan& how);

}  // namespace annulus::bench
