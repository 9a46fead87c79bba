#include "bench/comparison.hpp"
#include "bench/line.hpp"
#include "bench/recommendation.hpp"
#include "bench/targets.hpp"
#include <fmt/format.h>

#include <algorithm>
#include <span>

#include <annulus/bus/quantity.hpp>

namespace annulus::bench {
namespace {

using bus::show_bytes;
using bus::show_count;
using bus::show_ns;

struct figures {
  const comparison_options& how;
  std::vector<summary> drawn;
};

constexpr const char* nothing = "-";

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }
std::string count_of(double n) { return fmt::format("{:.2f}", n); }

std::string rate(const std::map<std::size_t, spread>& rates, std::size_t key) {
  const auto at = rates.find(key);
  if (at == rates.end()) return nothing;
  const auto& [low, median, high] = at->second;
  return fmt::format("{} ({}-{})", show_count(median), show_count(low), show_count(high));
}

// Each target, and beside it the figure of each transport of ours.
table against_targets(const figures& of) {
  table::row head{"", "target", "pipes were"};
  for (const auto& one : of.drawn) {
    if (one.is_ours) head.push_back(one.name);
  }
  table all(head);
  const auto add = [&](table::row cells, const auto& value_of, const auto& show, const limit& by) {
    for (const auto& one : of.drawn) {
      if (!one.is_ours) continue;
      const std::optional<double> value = value_of(one);
      cells.push_back(value ? fmt::format("{} {}", show(*value), by.is_met(*value) ? "✓" : "✗")
                            : nothing);
    }
    all.add(std::move(cells));
  };
  for (const auto& asked : targets()) {
    add({asked.name, asked.asked, asked.pipes}, asked.value_of, asked.show, asked.wanted);
  }
  const auto of_one_core = [](const summary& one) {
    return one.cpu ? std::optional(one.cpu->busier()) : std::nullopt;
  };
  add({"  of one core", "< 3 %", ""}, of_one_core, percent, {.below = 0.03});
  return all;
}

table throughput(const figures& of) {
  table::row head{""};
  for (const auto batch : of.how.batches) {
    head.push_back(batch == 1 ? "one by one" : fmt::format("batches of {}", batch));
  }
  for (const auto bytes : of.how.sizes) {
    head.push_back(show_bytes(bytes));
  }
  table all(head);
  for (const auto& one : of.drawn) {
    if (one.rates.empty()) continue;
    table::row cells{one.name};
    for (const auto batch : of.how.batches) cells.push_back(rate(one.rates, batch));
    for (const auto bytes : of.how.sizes) {
      const auto at = one.rates_by_size.find(bytes);
      cells.push_back(at == one.rates_by_size.end() ? nothing : show_count(at->second.median));
    }
    all.add(std::move(cells));
  }
  return all;
}

table latencies(const figures& of, std::optional<percentiles> summary::*which) {
  table all({"", "p50", "p95", "p99", "p99.9", "max", "p50 of the rounds"});
  for (const auto& one : of.drawn) {
    const auto& seen = one.*which;
    if (!seen) continue;
    table::row cells{one.name};
    for (const double ns : {seen->p50, seen->p95, seen->p99, seen->p999, seen->max}) {
      cells.push_back(show_ns(ns));
    }
    if (which == &summary::latency && one.median_latency) {
      cells.push_back(fmt::format("{}-{}", show_ns(one.median_latency->low),
                                  show_ns(one.median_latency->high)));
    }
    all.add(std::move(cells));
  }
  return all;
}

table costs(const figures& of) {
  table all({"", "CPU: producer", "consumer", "of 8 cores", "memory", "copies", "calls: producer",
             "consumer", "in batches"});
  for (const auto& one : of.drawn) {
    if (!one.cpu && !one.single) continue;
    table::row cells{one.name};
    cells.push_back(one.cpu ? percent(one.cpu->producer) : nothing);
    cells.push_back(one.cpu ? percent(one.cpu->consumer) : nothing);
    cells.push_back(one.cpu ? percent(one.cpu->busier() / cores_of_the_target) : nothing);
    cells.push_back(one.memory_bytes > 0 ? show_bytes(one.memory_bytes) : nothing);
    cells.push_back(one.single ? fmt::format("{:.0f}", one.single->copies) : nothing);
    cells.push_back(one.single ? count_of(one.single->producer) : nothing);
    cells.push_back(one.single ? count_of(one.single->consumer) : nothing);
    cells.push_back(one.batched ? count_of(one.batched->producer + one.batched->consumer)
                                : nothing);
    all.add(std::move(cells));
  }
  return all;
}

table steps(const figures& of) {
  table::row head{""};
  for (std::size_t i = 0; i < step_count; ++i) head.push_back(to_string(static_cast<step>(i)));
  table all(head);
  for (const auto& one : of.drawn) {
    if (one.steps.empty()) continue;
    table::row cells{one.name};
    for (const auto& each : one.steps) cells.push_back(show_ns(each.median));
    all.add(std::move(cells));
  }
  return all;
}

// Why figures are missing, and which transport to take.
std::string remarks(const figures& of, const std::vector<advice>& advised) {
  std::string missing, out;
  for (const auto& one : of.drawn) {
    if (!one.missing.empty()) missing += fmt::format("  {}: {}\n", one.name, one.missing);
  }
  if (!missing.empty()) out = "\nNot measured\n" + missing;
  out += "\nFor this machine\n";
  for (const auto& [need, choice, why] : advised) {
    out += fmt::format("  {}?\n    {}: {}\n", need, choice.empty() ? "nothing here" : choice, why);
  }
  return out;
}

json json_of(const calls& c) {
  return {{"producer_system_calls", c.producer},
          {"consumer_system_calls", c.consumer},
          {"copies", c.copies}};
}

json json_of(const cpu_use& use) {
  return {{"producer_of_one_core", use.producer},
          {"consumer_of_one_core", use.consumer},
          {"busier_of_eight_cores", use.busier() / cores_of_the_target}};
}

template <class T>
json or_null(const std::optional<T>& value) {
  return value ? json_of(*value) : json();
}

json json_of(const std::map<std::size_t, spread>& rates, const char* key) {
  json all = json::array();
  for (const auto& [at, rate] : rates) {
    all.push_back({{key, at}, {"messages_per_second", json_of(rate)}});
  }
  return all;
}

json verdicts_of(const summary& one) {
  json all = json::array();
  for (const auto& asked : targets()) {
    const auto value = asked.value_of(one);
    all.push_back({{"target", asked.name},
                   {"asked", asked.asked},
                   {"value", value ? json(*value) : json()},
                   {"met", value ? json(asked.wanted.is_met(*value)) : json()}});
  }
  return all;
}

json json_of(const summary& one) {
  json out = {{"name", one.name}, {"setting", one.setting}};
  out["missing"] = one.missing.empty() ? json() : json(one.missing);
  out["throughput"] = json_of(one.rates, "batch");
  out["throughput_by_size"] = json_of(one.rates_by_size, "bytes");
  out["open_loop_ns"] = or_null(one.latency);
  out["open_loop_p50_of_rounds_ns"] = or_null(one.median_latency);
  out["closed_loop_ns"] = or_null(one.trip);
  out["cpu"] = or_null(one.cpu);
  out["memory_bytes"] = one.memory_bytes > 0 ? json(one.memory_bytes) : json();
  out["per_message"] = or_null(one.single);
  out["per_message_in_batches_of_100"] = or_null(one.batched);
  out["steps_ns"] = json::object();
  for (std::size_t i = 0; i < one.steps.size(); ++i) {
    out["steps_ns"][to_string(static_cast<step>(i))] = json_of(one.steps[i]);
  }
  if (one.is_ours) out["targets"] = verdicts_of(one);
  return out;
}

json json_of(const comparison& of, const figures& all, const std::vector<advice>& advised) {
  json out = {{"bytes", of.how.bytes},
              {"messages_per_second", of.how.rate},
              {"rounds", of.how.repeats},
              {"slice_ms", std::chrono::duration<double, std::milli>(of.seen.span).count()},
              {"raw_round_trip_ns", json_of(spread_of(of.raw_trips))},
              {"pacing_of_one_core", json_of(spread_of(of.pacing_cpu))}};
  out["transports"] = json::array();
  for (const auto& one : all.drawn) out["transports"].push_back(json_of(one));
  out["recommendation"] = json::array();
  for (const auto& [need, choice, why] : advised) {
    out["recommendation"].push_back(
        {{"need", need}, {"choice", choice.empty() ? json() : json(choice)}, {"why", why}});
  }
  return out;
}

// How many messages in so many took longer: a logarithmic axis gives the tail room.
curve latency_curve(const summary& one) {
  const auto& sorted = one.latencies;
  curve out{one.name, "", one.is_ours};
  for (double beyond = 1; beyond <= static_cast<double>(sorted.size()); beyond *= 1.3) {
    const double us = quantile_of_sorted(std::span(sorted), 1 - 1 / beyond) / 1000;
    out.rows += fmt::format("{} {}\n", beyond, std::max(us, 0.01));
  }
  return out;
}

std::vector<picture> pictures_of(const figures& of) {
  picture latency{"latency.svg",
                  fmt::format("Latency, open loop at {:.0f} messages a second", of.how.rate),
                  "one in so many messages takes longer", "microseconds"};
  latency.more =
      "set xtics ('p0' 1, 'p50' 2, 'p90' 10, 'p99' 100, 'p99.9' 1000, 'p99.99' 10000, 'p99.999' "
      "100000)";
  picture throughput{"throughput.svg", "Throughput, one message at a time", "message, bytes",
                     "messages a second"};
  for (const auto& one : of.drawn) {
    latency.curves.push_back(latency_curve(one));
    curve rates{one.name, "", one.is_ours};
    for (const auto& [bytes, rate] : one.rates_by_size) {
      rates.rows += fmt::format("{} {}\n", bytes, rate.median);
    }
    throughput.curves.push_back(std::move(rates));
  }
  return {latency, throughput};
}

facts facts_of(facts machine, const comparison& of, const figures& all) {
  const auto& how = of.how;
  machine.emplace_back("pinned",
                       fmt::format("the consumer to processor {}, the producer to {}",
                                   how.processors.front(), processors(how.processors).of_side(1)));
  const auto raw = spread_of(of.raw_trips);
  machine.emplace_back(
      "raw round trip",
      fmt::format("{} ({}-{}): a cache line there and back, the cores are {}", show_ns(raw.median),
                  show_ns(raw.low), show_ns(raw.high), distance_of(raw.median)));
  machine.emplace_back(
      "method",
      fmt::format("two processes, {}-byte messages, each written and read whole; {} "
                  "interleaved rounds of {:.0f} ms each; medians (half lie between)",
                  how.bytes, how.repeats, static_cast<double>(of.seen.span.count()) / 1e6));
  for (const auto& one : all.drawn) {
    if (!one.setting.empty()) machine.emplace_back(one.name, one.setting);
  }
  return machine;
}

}  // namespace

report report_of(facts machine, const comparison& of) {
  const figures all{of.how, summaries_of(of)};
  const auto advised = recommend(all.drawn, of.how.rate);
  const auto at_rate = show_count(of.how.rate);
  report out;
  out.machine = facts_of(std::move(machine), of, all);
  out.add(fmt::format("The targets (latency and CPU at {}/s)", at_rate), "", against_targets(all));
  out.add("Throughput, messages a second", "", throughput(all));
  out.add(fmt::format("Latency one way, open loop at {}/s", at_rate),
          "From the time that a message was due, so a stall shows in all that were due meanwhile",
          latencies(all, &summary::latency));
  out.add("Latency there and back, closed loop", "", latencies(all, &summary::trip));
  out.add("Costs",
          fmt::format("CPU at {}/s, of one core: the consumer's with its waiting; of the "
                      "producer's only its\nsends, because sleeping until each message is due "
                      "takes {} without any transport.\nSystem calls per message, counted by "
                      "tracing: at {}/s, and of both sides in batches of 100.\nTracing slows a "
                      "sleeper down, so it finds more messages at each waking.\nCopies per "
                      "message: 0 if it is read where it was written",
                      at_rate, percent(median_of(of.pacing_cpu)), at_rate),
          costs(all));
  out.add("Step by step at that rate, medians, a reading of the clock in each", "", steps(all));
  out.remarks = remarks(all, advised);
  out.data = json_of(of, all, advised);
  out.pictures = pictures_of(all);
  return out;
}

}  // namespace annulus::bench
