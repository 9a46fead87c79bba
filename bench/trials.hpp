// Trials, measured in rounds. Every program that measures makes trials, has them measured, and
// shows the samples.
#pragma once

#include "bench/laboratory.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace annulus::bench {

struct plan : lab_options {
  std::vector<trial> trials;
  unsigned repeats = 5;
  std::vector<int> processors;  // the first is the consumer's
  priority wanted = priority::normal;
  bool are_busy = false;   // other programs use the processors too
  nanoseconds raw_span{};  // of the raw round trip before each measurement; 0: there is none
  // Measures on a near and on a far pair of the processors, where there are both. Where there is
  // one pair, and the host moves it, waits so long for the other distance.
  bool has_distances = false;
  std::chrono::duration<double> wait{};
  std::chrono::duration<double> rest{};  // of each minute, between measurements, for others
  std::function<void(laboratory&)> before_each_repeat{};
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
// The same where a trial that fails leaves nothing to report: throws its reason.
[[nodiscard]] measurement measure_or_throw(const plan& how);

}  // namespace annulus::bench
