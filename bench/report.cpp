#include "bench/report.hpp"

#include "bench/line.hpp"
#include "bench/plot.hpp"
#include "bench/show.hpp"
#include "bench/table.hpp"
#include "bench/targets.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

namespace annulus::bench {
namespace {

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
std::string against_targets(const report& of) {
  table::row head{
      "",
      "target",
      "pipes were",
  };
  for (const auto& one : of.drawn) {
    if (one.is_ours) head.push_back(one.name);
  }
  table all(head);
  for (const auto& asked : targets()) {
    table::row cells{asked.name, asked.asked, asked.pipes};
    for (const auto& one : of.drawn) {
      if (!one.is_ours) continue;
      const auto value = value_of(asked.of, one);
      cells.push_back(
          value ? fmt::format("{} {}", show(asked.of, *value), is_met(asked, *value) ? "✓" : "✗")
                : nothing);
    }
    all.add(std::move(cells));
  }
  table::row of_one_core{"  of one core", "< 3 %", ""};
  for (const auto& one : of.drawn) {
    if (!one.is_ours) continue;
    of_one_core.push_back(one.cpu ? fmt::format("{} {}", percent(one.cpu->busier()),
                                                one.cpu->busier() < 0.03 ? "✓" : "✗")
                                  : nothing);
  }
  all.add(std::move(of_one_core));
  return all.text();
}

std::string throughput(const report& of) {
  table::row head{""};
  for (const auto batch : of.measured.how.batches) {
    head.push_back(batch == 1 ? "one by one" : fmt::format("batches of {}", batch));
  }
  for (const auto bytes : of.measured.how.sizes) {
    head.push_back(show_bytes(static_cast<double>(bytes)));
  }
  table all(head);
  for (const auto& one : of.drawn) {
    if (one.rates.empty()) continue;
    table::row cells{one.name};
    for (const auto batch : of.measured.how.batches) cells.push_back(rate(one.rates, batch));
    for (const auto bytes : of.measured.how.sizes) {
      const auto at = one.rates_by_size.find(bytes);
      cells.push_back(at == one.rates_by_size.end() ? nothing : show_count(at->second.median));
    }
    all.add(std::move(cells));
  }
  return all.text();
}

std::string latencies(const report& of, std::optional<percentiles> summary::*which) {
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
  return all.text();
}

std::string costs(const report& of) {
  table all({"", "CPU: producer", "consumer", "of 8 cores", "memory", "copies", "calls: producer",
             "consumer", "in batches"});
  for (const auto& one : of.drawn) {
    if (!one.cpu && !one.single) continue;
    table::row cells{one.name};
    cells.push_back(one.cpu ? percent(one.cpu->producer) : nothing);
    cells.push_back(one.cpu ? percent(one.cpu->consumer) : nothing);
    cells.push_back(one.cpu ? percent(one.cpu->busier() / cores_of_the_target) : nothing);
    cells.push_back(one.memory_bytes > 0 ? show_bytes(static_cast<double>(one.memory_bytes))
                                         : nothing);
    cells.push_back(one.single ? fmt::format("{:.0f}", one.single->copies) : nothing);
    cells.push_back(one.single ? count_of(one.single->producer) : nothing);
    cells.push_back(one.single ? count_of(one.single->consumer) : nothing);
    cells.push_back(one.batched ? count_of(one.batched->producer + one.batched->consumer)
                                : nothing);
    all.add(std::move(cells));
  }
  return all.text();
}

std::string steps(const report& of) {
  if (std::ranges::all_of(of.drawn, [](const summary& one) { return one.steps.empty(); }))
    return "";
  table::row head{""};
  for (std::size_t i = 0; i < step_count; ++i) head.push_back(to_string(static_cast<step>(i)));
  table all(head);
  for (const auto& one : of.drawn) {
    if (one.steps.empty()) continue;
    table::row cells{one.name};
    for (const auto& each : one.steps) cells.push_back(show_ns(each.median));
    all.add(std::move(cells));
  }
  return all.text();
}

std::string notes(const report& of) {
  std::string out;
  for (const auto& one : of.drawn) {
    if (!one.missing.empty()) out += fmt::format("  {}: {}\n", one.name, one.missing);
  }
  return out;
}

}  // namespace

report report_of(facts machine, comparison measured) {
  report all{std::move(machine), std::move(measured), {}, {}};
  all.drawn = summaries_of(all.measured);
  all.advised = recommend(all.drawn, all.measured.how.rate);
  const auto& how = all.measured.how;
  all.machine.emplace_back(
      "pinned", fmt::format("the consumer to processor {}, the producer to {}",
                            how.processors.front(), processors(how.processors).of_side(1)));
  const auto raw = spread_of(all.measured.raw_trips);
  all.machine.emplace_back(
      "raw round trip",
      fmt::format("{} ({}-{}): a cache line there and back, the cores are {}", show_ns(raw.median),
                  show_ns(raw.low), show_ns(raw.high), distance_of(raw.median)));
  all.machine.emplace_back(
      "method", fmt::format("two processes, {}-byte messages, each written and read whole; {} "
                            "interleaved rounds of {:.0f} ms each; medians (half lie between)",
                            how.bytes, how.rounds, all.measured.slice_ms));
  return all;
}

std::string heading(const report& of) {
  std::string out;
  for (const auto& [name, value] : of.machine) out += fmt::format("{:<20} {}\n", name, value);
  for (const auto& one : of.drawn) {
    if (!one.setting.empty()) out += fmt::format("{:<20} {}\n", one.name, one.setting);
  }
  return out;
}

std::string tables(const report& of) {
  const auto at_rate = show_count(of.measured.how.rate);
  std::string out;
  const auto part = [&](const std::string& title, const std::string& text) {
    if (!text.empty()) out += fmt::format("\n{}\n{}", title, text);
  };
  part(fmt::format("The targets (latency and CPU at {}/s)", at_rate), against_targets(of));
  part("Throughput, messages a second", throughput(of));
  part(
      fmt::format("Latency one way, open loop at {}/s: from the time that a message was due, so a\n"
                  "stall shows in all that were due meanwhile",
                  at_rate),
      latencies(of, &summary::latency));
  part("Latency there and back, closed loop", latencies(of, &summary::trip));
  part(
      fmt::format(
          "Costs. CPU at {}/s, of one core: the consumer's with its waiting; of the producer's "
          "only "
          "its\nsends, because sleeping until each message is due takes {} without any transport.\n"
          "System calls per message, counted by tracing: at {}/s, and of both sides in batches of "
          "100.\nTracing slows a sleeper down, so it finds more messages at each waking.\n"
          "Copies per message: 0 if it is read where it was written",
          at_rate,
          of.measured.pacing_cpu.empty() ? "-" : percent(median_of(of.measured.pacing_cpu)),
          at_rate),
      costs(of));
  part("Step by step at that rate, medians, a reading of the clock in each", steps(of));
  part("Not measured", notes(of));
  return out;
}

// How many messages in so many took longer: a logarithmic axis gives the tail room.
curve latency_curve(const summary& one, const std::vector<std::uint64_t>& sorted) {
  curve out{one.name, "", one.is_ours};
  for (double beyond = 1; beyond <= static_cast<double>(sorted.size()); beyond *= 1.3) {
    const double us = quantile_of_sorted(std::span(sorted), 1 - 1 / beyond) / 1000;
    out.rows += fmt::format("{} {}\n", beyond, std::max(us, 0.01));
  }
  return out;
}

std::string plot(const report& of, const std::string& directory) {
  picture latency{
      "latency.svg",
      fmt::format("Latency, open loop at {:.0f} messages a second", of.measured.how.rate),
      "one in so many messages takes longer",
      "microseconds",
      {}};
  latency.more =
      "set xtics ('p0' 1, 'p50' 2, 'p90' 10, 'p99' 100, 'p99.9' 1000, 'p99.99' 10000, 'p99.999' "
      "100000)";
  picture throughput{"throughput.svg",
                     "Throughput, one message at a time",
                     "message, bytes",
                     "messages a second",
                     {}};
  for (std::size_t i = 0; i < of.drawn.size(); ++i) {
    const auto& one = of.drawn[i];
    latency.curves.push_back(latency_curve(one, of.measured.all[i].latencies));
    curve rates{one.name, "", one.is_ours};
    for (const auto& [bytes, rate] : one.rates_by_size) {
      rates.rows += fmt::format("{} {}\n", bytes, rate.median);
    }
    throughput.curves.push_back(std::move(rates));
  }
  return draw({latency, throughput}, directory);
}

std::string recommendation(const report& of) {
  std::string out = "\nFor this machine\n";
  for (const auto& one : of.advised) {
    out += fmt::format("  {}?\n    {}: {}\n", one.need,
                       one.choice.empty() ? "nothing here" : one.choice, one.why);
  }
  return out;
}

}  // namespace annulus::bench
