#include "bench/comparison.hpp"

#include <chrono>

namespace annulus::bench {
namespace {

constexpr nanoseconds raw_span = std::chrono::milliseconds(12);

std::vector<trial> trials_of(const comparison_options& how) {
  using enum experiment;
  std::vector<trial> all;
  for (const auto& one : how.systems) {
    if (!one.missing.empty()) continue;
    for (const auto batch : how.batches) {
      all.push_back({&one, {at_once, 1, how.bytes, batch}});
    }
    for (const auto bytes : how.sizes) {
      if (bytes != how.bytes) all.push_back({&one, {at_once, 1, bytes}});
    }
    for (const auto what : {round_trip, on_time, cpu, steps, calls}) {
      if (what != steps || one.has_steps) all.push_back({&one, {what, 1, how.bytes}});
    }
  }
  return all;
}

}  // namespace

comparison compare(const comparison_options& how) {
  comparison out{how, {}, {}, {}};
  plan all = out.how;
  all.trials = trials_of(out.how);
  all.span = span_for(how.seconds, all.trials.size() * how.repeats);
  all.keeps_each = true;
  all.before_each_repeat = [&](laboratory& lab) {
    out.raw_trips.push_back(lab.raw(where::processes, raw_span).mean);
    out.pacing_cpu.push_back(lab.cpu_of_pacing());
  };
  out.seen = measure(all);
  return out;
}

}  // namespace annulus::bench
