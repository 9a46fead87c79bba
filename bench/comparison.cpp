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

std::map<std::size_t, spread> spreads_of(const std::map<std::size_t, std::vector<double>>& rates) {
  std::map<std::size_t, spread> out;
  for (const auto& [key, values] : rates) out[key] = spread_of(values);
  return out;
}

// Of all rounds together.
std::optional<percentiles> pool(std::vector<std::uint64_t>& all) {
  std::ranges::sort(all);
  return percentiles_of(all);
}

// The samples of one system.
struct figures {
  std::map<std::size_t, std::vector<double>> rates, rates_by_size;
  std::vector<std::uint64_t> trips, latencies;
  std::vector<double> medians, producer, producer_calls, consumer;
  std::array<std::vector<double>, step_count> steps;

  void add(const sample& one, const group& in, const comparison_options& how, summary& to) {
    switch (in.what) {
      case experiment::at_once:
        if (in.bytes == how.bytes) rates[in.batch].push_back(one.value);
        if (in.batch == 1 && std::ranges::count(how.sizes, in.bytes) > 0) {
          rates_by_size[in.bytes].push_back(one.value);
        }
        break;
      case experiment::round_trip:
        trips.insert(trips.end(), one.each.begin(), one.each.end());
        break;
      case experiment::on_time:
        latencies.insert(latencies.end(), one.each.begin(), one.each.end());
        medians.push_back(one.value);
        to.memory_bytes = one.memory_bytes;
        break;
      case experiment::cpu:
        producer.push_back(one.cpu.producer);
        producer_calls.push_back(one.cpu.producer_calls);
        consumer.push_back(one.cpu.consumer);
        break;
      case experiment::steps:
        for (std::size_t i = 0; i < step_count; ++i) steps[i].push_back(one.steps[i]);
        break;
      default: to.single = one.single, to.batched = one.batched;
    }
  }

  void summarize(summary& to) {
    to.rates = spreads_of(rates);
    to.rates_by_size = spreads_of(rates_by_size);
    to.latency = pool(latencies);
    to.latencies = std::move(latencies);
    to.trip = pool(trips);
    if (!medians.empty()) to.median_latency = spread_of(medians);
    // A send that waits for room takes longer than it costs.
    if (!producer.empty()) {
      to.cpu =
          cpu_use{std::min(median_of(producer_calls), median_of(producer)), median_of(consumer)};
    }
    for (const auto& one : steps) {
      if (!one.empty()) to.steps.push_back(spread_of(one));
    }
  }
};

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
    figures all;
    for (const auto& seen : of.seen.samples) {
      const auto& t = of.seen.trials[seen.trial];
      if (t.of == &one) all.add(seen, t.in, of.how, s);
    }
    all.summarize(s);
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
