// A trial: one system doing one thing, with one setting. A sample: one measurement of it.
#pragma once

#include "shared.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <tuple>
#include <utility>
#include <vector>

namespace annulus::bench {

enum class ordering { of_all, of_each_producer };

// What the reader of a table should know of a system.
struct traits {
  const char* name;
  const char* setting;
  bool is_annulus = false;
  where sides = where::threads;
  ordering keeps = ordering::of_all;
};

enum class activity { throughput, many_producers, round_trip };

[[nodiscard]] constexpr const char* to_string(activity a) noexcept {
  switch (a) {
    case activity::throughput: return "throughput";
    case activity::many_producers: return "many producers";
    case activity::round_trip: return "round trip";
  }
  return "unknown activity";
}

struct setup {
  std::uint64_t count;     // messages, or round trips
  std::uint64_t capacity;  // bytes
  unsigned producers;
  const processors* on;
  std::chrono::duration<double> limit;  // of throughput: longer, and it is broken off
};

// Nanoseconds of single round trips, each with one reading of the clock in it.
struct tail {
  double p50 = 0;
  double p99 = 0;
  double p999 = 0;
  double max = 0;
};

struct outcome {
  double value = 0;         // messages per second, or nanoseconds per round trip
  bench::tail tail;         // of round trips
  std::uint64_t wrong = 0;  // messages damaged or out of order
  bool is_broken_off = false;
};

struct trial {
  const traits* system;
  activity what;
  std::size_t bytes;
  unsigned producers;
  std::uint64_t capacity;
  outcome (*run)(const setup&);

  // Trials of one group are measured together, and only they are compared.
  [[nodiscard]] auto group() const { return std::tuple(what, producers, bytes); }
};

struct sample {
  std::size_t trial;
  unsigned repeat;
  outcome raw;   // the raw round trip just before
  bool is_near;  // by the median raw round trip of its group in this repeat
  outcome seen;
};

// Cores are near each other below this raw round trip, ns.
inline constexpr double near_below = 300;

// A system is a template over the message size.
template <template <std::size_t> class... Systems>
struct systems {};

// One trial of each system for each size and capacity.
template <template <class> class Measure, template <std::size_t> class... Systems,
          std::size_t... Bytes>
void add_trials(std::vector<trial>& to, activity what, systems<Systems...>,
                std::index_sequence<Bytes...>, unsigned producers,
                std::initializer_list<std::uint64_t> capacities) {
  const auto add = [&]<std::size_t Size>() {
    for (const auto capacity : capacities) {
      (to.push_back(
           {&Systems<Size>::about, what, Size, producers, capacity, &Measure<Systems<Size>>::run}),
       ...);
    }
  };
  (add.template operator()<Bytes>(), ...);
}

using all_sizes = std::index_sequence<8, 16, 32, 48, 64, 128, 256, 512, 1024, 2048, 4096>;
using fewer_sizes = std::index_sequence<8, 16, 32, 48, 128, 512, 4096>;

// The trials of throughput.cpp, many_producers.cpp and round_trip.cpp, and the round trip of one
// cache line between two threads.
void add_throughput(std::vector<trial>& to);
void add_many_producers(std::vector<trial>& to);
void add_round_trips(std::vector<trial>& to);
[[nodiscard]] outcome raw_round_trip(std::uint64_t count, const processors& on);

}  // namespace annulus::bench
