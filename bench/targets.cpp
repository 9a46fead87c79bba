#include "bench/targets.hpp"

#include <fmt/format.h>

#include <array>

#include <annulus/bus/quantity.hpp>

namespace annulus::bench {
namespace {

using bus::show_bytes;
using bus::show_count;
using bus::show_ns;

constexpr std::array all_targets{
    target{metric::throughput, "throughput", ">= 50,000/s", "1,832/s", 50'000, false},
    target{metric::p50, "latency p50", "0.05 ms", "0.54 ms", 50'000, false},
    target{metric::p95, "latency p95", "0.1 ms", "1.2 ms", 100'000, false},
    target{metric::p99, "latency p99", "0.5 ms", "2.8 ms", 500'000, false},
    target{metric::cpu, "CPU per process", "< 3 % of 8 cores", "8 %", 0.03, true},
    target{metric::memory, "memory", "< 10 MB", "5 MB", 10e6, true},
};

}  // namespace

std::span<const target> targets() { return all_targets; }

std::optional<double> value_of(metric of, const summary& seen) {
  switch (of) {
    case metric::throughput:
      if (seen.rate() > 0) return seen.rate();
      break;
    case metric::p50:
      if (seen.latency) return seen.latency->p50;
      break;
    case metric::p95:
      if (seen.latency) return seen.latency->p95;
      break;
    case metric::p99:
      if (seen.latency) return seen.latency->p99;
      break;
    case metric::cpu:
      if (seen.cpu) return seen.cpu->busier() / cores_of_the_target;
      break;
    case metric::memory:
      if (seen.memory_bytes > 0) return static_cast<double>(seen.memory_bytes);
      break;
  }
  return std::nullopt;
}

bool is_met(const target& asked, double value) {
  if (asked.of == metric::throughput) return value >= asked.limit;
  return asked.is_strict ? value < asked.limit : value <= asked.limit;
}

std::string show(metric of, double value) {
  switch (of) {
    case metric::throughput: return show_count(value) + "/s";
    case metric::cpu: return fmt::format("{:.2f} %", 100 * value);
    case metric::memory: return show_bytes(value);
    default: return show_ns(value);
  }
}

}  // namespace annulus::bench
