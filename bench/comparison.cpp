#include "bench/comparison.hpp"

#include <algorithm>

namespace annulus::bench {
namespace {

constexpr nanoseconds raw_span = std::chrono::milliseconds(12);

std::vector<trial> trials_of(const comparison_options& how) {
  std::vector<trial> all;
  for (const auto& one : how.systems) {
    if (!one.missing.empty()) continue;
    for (const auto batch : how.batches) {
      all.push_back({&one, {experiment::at_once, 1, how.bytes, batch}});
    }
    for (const auto bytes : how.sizes) {
      const group in{experiment::at_once, 1, bytes};
      if (bytes != how.bytes) all.push_back({&one, in});
    }
    using enum experiment;
    for (const auto what : {round_trip, on_time, cpu, steps, calls}) {
      if (what != steps || one.has_steps) all.push_back({&one, {what, 1, how.bytes}});
    }
  }
  return all;
}

// Adds what the samples of one trial say.
void add(summary& to, const group& in, const samples& seen, const comparison_options& how) {
  switch (in.what) {
    case experiment::at_once: {
      const auto rate = spread_of(each(seen, &sample::value));
      if (in.bytes == how.bytes) to.rates[in.batch] = rate;
      const bool is_wanted = std::ranges::count(how.sizes, in.bytes) > 0;
      if (in.batch == 1 && is_wanted) to.rates_by_size[in.bytes] = rate;
      break;
    }
    case experiment::round_trip: to.trip = percentiles_of(pooled(seen)); break;
    case experiment::on_time:
      to.latencies = pooled(seen);
      to.latency = percentiles_of(to.latencies);
      to.median_latency = spread_of(each(seen, &sample::value));
      to.memory_bytes = seen.back()->memory_bytes;
      break;
    case experiment::cpu: {
      const auto share = [&](double cpu_shares::*which) {
        return median_of(each(seen, [&](const sample& s) { return s.cpu.*which; }));
      };
      // A send that waits for room takes longer than it costs.
      to.cpu = cpu_use{std::min(share(&cpu_shares::producer_calls), share(&cpu_shares::producer)),
                       share(&cpu_shares::consumer)};
      break;
    }
    case experiment::steps:
      for (std::size_t i = 0; i < step_count; ++i) {
        to.steps.push_back(spread_of(each(seen, [&](const sample& s) { return s.steps[i]; })));
      }
      break;
    default: to.single = seen.back()->single, to.batched = seen.back()->batched;
  }
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
    out.pacing_cpu.push_back(lab.cpu_of_pacing(how.rate));
  };
  out.seen = measure(all);
  return out;
}

std::vector<summary> summaries_of(const comparison& of) {
  std::vector<summary> out;
  for (const auto& one : of.how.systems) {
    summary s{.name = one.name, .setting = one.setting, .missing = one.missing};
    s.is_ours = one.is_ours;
    s.is_pipe = one.is_ours && one.name == pipe_name;
    for (std::size_t i = 0; i < of.seen.trials.size(); ++i) {
      const auto& t = of.seen.trials[i];
      const auto seen = t.of == &one ? of.seen.of_trial(i) : samples();
      if (!seen.empty()) add(s, t.in, seen, of.how);
    }
    // A size that a system does not carry is no failure.
    for (const auto& [trial, why] : of.seen.failures) {
      const auto& t = of.seen.trials[trial];
      if (t.of == &one && t.in.bytes == of.how.bytes && s.missing.empty()) s.missing = why;
    }
    out.push_back(std::move(s));
  }
  return out;
}

}  // namespace annulus::bench
