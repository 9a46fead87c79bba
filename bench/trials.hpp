// A trial: one system in one experiment with one setting. A sample: one measurement of it.
#pragma once

#include "bench/experiments.hpp"
#include "bench/system.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace annulus::bench {

enum class experiment : std::uint8_t {
  per_message,     // pushed one by one, each read and released: messages a second
  drained,         // pushed one by one, read and released together
  batches,         // pushed 100 at a time, drained
  many_producers,  // drained
  round_trip,      // ns
  bursts,          // 100 messages each 100 us: ns from the time that one was due, the median
};
inline constexpr std::array all_experiments{experiment::per_message, experiment::drained,
                                            experiment::batches,     experiment::many_producers,
                                            experiment::round_trip,  experiment::bursts};
[[nodiscard]] const char* to_string(experiment e) noexcept;
[[nodiscard]] constexpr bool is_time(experiment e) noexcept { return e >= experiment::round_trip; }

// What is measured together, and only compared among itself.
struct group {
  experiment what{};
  unsigned producers = 1;
  std::size_t bytes = 0;

  friend auto operator<=>(const group&, const group&) = default;
};

struct trial {
  const system* of;
  group in;
  std::size_t capacity;
};

// Every experiment that these systems take part in; each with `most_capacities` at the most.
[[nodiscard]] std::vector<trial> trials_of(const std::vector<system>& all,
                                           std::size_t most_capacities);

struct sample {
  std::size_t trial = 0;
  unsigned repeat = 0;
  double raw = 0;                     // the raw round trip just before, ns
  bool is_near = false;               // by the median raw round trip of its group in this repeat
  double value = 0;                   // messages a second, or ns
  std::vector<std::uint64_t> each{};  // of round trips and bursts: p50, p99, p99.9, max, ns
};

struct rounds {
  unsigned repeats = 9;
  std::chrono::duration<double> span{0.02};  // of one measurement
  std::chrono::duration<double> wait{60};    // for near or far cores, where the host moves us
  std::chrono::duration<double> rest{0};     // of each minute, between measurements, for others
  bool is_quick = false;                     // a few messages: whether all works, not how fast
  priority wanted = priority::normal;
  std::vector<int> processors;  // the first is the consumer's
};

struct measurement {
  std::vector<trial> trials;
  std::vector<sample> samples;
  std::vector<std::vector<int>> pairs;  // of processors that were measured on
  std::vector<std::string> failures;    // systems that failed, with the reason
};

// Interleaved: each repeat visits every group; in a visit the trials follow each other, another one
// first each time, each after a raw round trip. So whatever the machine does meanwhile meets all
// systems alike. Measures on a near and on a far pair of processors where there are both. Where
// there is one pair, and the host moves it, waits for the other distance, no longer than `wait`.
// Shows its progress on stderr.
[[nodiscard]] measurement measure(std::vector<trial> trials, const rounds& how);

}  // namespace annulus::bench
