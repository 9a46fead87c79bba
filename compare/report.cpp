#include "compare/report.hpp"

#include "compare/show.hpp"
#include "compare/table.hpp"
#include "compare/targets.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace annulus::compare {
namespace {

constexpr const char* nothing = "-";

std::string span(double ns) {
  return show_span(std::chrono::nanoseconds(static_cast<std::int64_t>(ns)));
}
std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }
std::string count_of(double n) { return fmt::format("{:.2f}", n); }

std::string rate(const std::map<std::size_t, spread>& rates, std::size_t key) {
  const auto at = rates.find(key);
  if (at == rates.end()) return nothing;
  const auto& [low, median, high] = at->second;
  return fmt::format("{} ({}-{})", show_count(median), show_count(low), show_count(high));
}

// What the targets ask, and what our transports do.
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
      cells.push_back(span(ns));
    }
    if (which == &summary::latency && one.median_latency) {
      cells.push_back(
          fmt::format("{}-{}", span(one.median_latency->low), span(one.median_latency->high)));
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
    for (const auto& each : one.steps) cells.push_back(span(each.median));
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
  all.machine.emplace_back("raw round trip",
                           fmt::format("{} ({}-{}): a cache line there and back", span(raw.median),
                                       span(raw.low), span(raw.high)));
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
  part(fmt::format(
           "Costs. CPU at {}/s of one core: of the consumer all of it, its waiting too; of the "
           "producer\nits sends, for to sleep until each message is due takes {} with no transport "
           "at all.\nSystem calls per message, counted by tracing, which lets a sleeper find more "
           "at each waking:\nat {}/s, and of both sides in batches of 100.\nCopies per message: "
           "the places in both processes where the last message lies, and the bytes\nthat the "
           "kernel took; 0: it is read where it was written",
           at_rate,
           of.measured.pacing_cpu.empty() ? "-" : percent(median_of(of.measured.pacing_cpu)),
           at_rate),
       costs(of));
  part("Step by step at that rate, medians, a reading of the clock in each", steps(of));
  part("Not measured", notes(of));
  return out;
}

std::string recommendation(const report& of) {
  std::string out = "\nFor this machine\n";
  for (const auto& one : of.advised) {
    out += fmt::format("  {}?\n    {}: {}\n", one.need,
                       one.choice.empty() ? "nothing here" : one.choice, one.why);
  }
  return out;
}

}  // namespace annulus::compare
