#include "bench/comparison.hpp"

#include "bench/line.hpp"
#include "bench/recommendation.hpp"
#include "bench/targets.hpp"
#include <fmt/format.h>

#include <algorithm>

#include <annulus/bus/quantity.hpp>

namespace annulus::bench {
namespace {

using bus::show_bytes;
using bus::show_count;
using bus::show_ns;

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

// What was seen.

json json_of(const calls& c) {
  return {{"producer_system_calls", c.producer},
          {"consumer_system_calls", c.consumer},
          {"copies", c.copies}};
}

json cpu_of(const samples& seen) {
  const auto share = [&](double cpu_shares::*which) {
    return median_of(each(seen, [&](const sample& s) { return s.cpu.*which; }));
  };
  // A send that waits for room takes longer than it costs.
  const double producer =
      std::min(share(&cpu_shares::producer_calls), share(&cpu_shares::producer));
  const double consumer = share(&cpu_shares::consumer);
  return {{"producer_of_one_core", producer},
          {"consumer_of_one_core", consumer},
          {"busier_of_one_core", std::max(producer, consumer)},
          {"busier_of_eight_cores", std::max(producer, consumer) / cores_of_the_target}};
}

json spread_json(const samples& seen, const auto& value) {
  return json_of(spread_of(each(seen, value)));
}

// Each of the keys, with no rate yet.
json rates_for(const char* key, const std::vector<std::size_t>& values) {
  json all = json::array();
  for (const auto value : values) all.push_back({{key, value}, {"messages_per_second", json()}});
  return all;
}
void add_rate(json& to, const char* key, std::size_t value, const samples& seen) {
  for (auto& one : to) {
    if (one[key] == value) one["messages_per_second"] = spread_json(seen, &sample::value);
  }
}

// Adds what the samples of one trial say.
void add(json& to, const group& in, const samples& seen, std::size_t usual_bytes) {
  switch (in.what) {
    case experiment::at_once:
      if (in.bytes == usual_bytes) add_rate(to["throughput"], "batch", in.batch, seen);
      if (in.batch == 1) add_rate(to["throughput_by_size"], "bytes", in.bytes, seen);
      break;
    case experiment::round_trip:
      to["closed_loop_ns"] = json_of(*percentiles_of(pooled(seen)));
      break;
    case experiment::on_time:
      to["open_loop_ns"] = json_of(*percentiles_of(pooled(seen)));
      to["open_loop_p50_of_rounds_ns"] = spread_json(seen, &sample::value);
      if (seen.back()->memory_bytes > 0) to["memory_bytes"] = seen.back()->memory_bytes;
      break;
    case experiment::cpu: to["cpu"] = cpu_of(seen); break;
    case experiment::steps:
      for (std::size_t i = 0; i < step_count; ++i) {
        to["steps_ns"][to_string(static_cast<step>(i))] =
            spread_json(seen, [&](const sample& s) { return s.steps[i]; });
      }
      break;
    default:
      to["per_message"] = json_of(seen.back()->single);
      to["per_message_in_batches_of_100"] = json_of(seen.back()->batched);
  }
}

json verdicts_on(const json& transport) {
  json all = json::array();
  for (const auto& asked : targets()) {
    const auto value = number_at(transport, asked.figure);
    all.push_back({{"target", asked.name},
                   {"asked", asked.asked},
                   {"value", value ? json(*value) : json()},
                   {"met", value ? json(asked.wanted.is_met(*value)) : json()}});
  }
  return all;
}

json transport_of(const system& one, const comparison& of) {
  json out = {{"name", one.name},
              {"setting", one.setting},
              {"missing", one.missing.empty() ? json() : json(one.missing)},
              {"throughput", rates_for("batch", of.how.batches)},
              {"throughput_by_size", rates_for("bytes", of.how.sizes)}};
  for (const auto* key : {"open_loop_ns", "open_loop_p50_of_rounds_ns", "closed_loop_ns", "cpu",
                          "memory_bytes", "per_message", "per_message_in_batches_of_100"}) {
    out[key] = json();
  }
  out["steps_ns"] = json::object();
  for (std::size_t i = 0; i < of.seen.trials.size(); ++i) {
    const auto& t = of.seen.trials[i];
    const auto seen = t.of == &one ? of.seen.of_trial(i) : samples();
    if (!seen.empty()) add(out, t.in, seen, of.how.bytes);
  }
  // A size that a system does not carry is no failure.
  for (const auto& [trial, why] : of.seen.failures) {
    const auto& t = of.seen.trials[trial];
    if (t.of == &one && t.in.bytes == of.how.bytes && out["missing"].is_null())
      out["missing"] = why;
  }
  if (one.is_ours) out["targets"] = verdicts_on(out);
  return out;
}

// Tables.

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }
std::string whole(double n) { return fmt::format("{:.0f}", n); }

// Each target, and beside it the figure of each transport of ours.
table against_targets(const json& transports) {
  table::row head{"", "target", "pipes were"};
  for (const auto& one : transports) {
    if (one.contains("targets")) head.push_back(one["name"]);
  }
  table all(head);
  const auto add = [&](const target& asked) {
    table::row cells{asked.name, asked.asked, asked.pipes};
    for (const auto& one : transports) {
      if (!one.contains("targets")) continue;
      const auto value = number_at(one, asked.figure);
      cells.push_back(value ? asked.show(*value) + (asked.wanted.is_met(*value) ? " ✓" : " ✗")
                            : "-");
    }
    all.add(std::move(cells));
  };
  for (const auto& asked : targets()) add(asked);
  add({"  of one core", "< 3 %", "", {.below = 0.03}, "/cpu/busier_of_one_core", percent});
  return all;
}

const column name_column = text_column("", "/name");

table throughput(const json& transports, const comparison_options& how) {
  std::vector<column> columns{name_column};
  for (std::size_t i = 0; i < how.batches.size(); ++i) {
    columns.push_back(spread_column(
        how.batches[i] == 1 ? "one by one" : fmt::format("batches of {}", how.batches[i]),
        fmt::format("/throughput/{}/messages_per_second", i), show_count));
  }
  for (std::size_t i = 0; i < how.sizes.size(); ++i) {
    columns.push_back(number_column(
        show_bytes(how.sizes[i]),
        fmt::format("/throughput_by_size/{}/messages_per_second/median", i), show_count));
  }
  return table_of(transports, columns);
}

std::vector<column> latency_columns(const std::string& of) {
  std::vector<column> columns{name_column};
  for (const auto* p : {"p50", "p95", "p99", "p99.9", "max"}) {
    columns.push_back(number_column(p, of + "/" + p, show_ns));
  }
  return columns;
}

table open_loop(const json& transports) {
  auto columns = latency_columns("/open_loop_ns");
  columns.push_back({"p50 of the rounds", [](const json& of) -> std::string {
                       const auto& seen = of["open_loop_p50_of_rounds_ns"];
                       return seen.is_null() ? "-"
                                             : show_ns(seen["low"]) + "-" + show_ns(seen["high"]);
                     }});
  return table_of(transports, columns);
}

table costs(const json& transports) {
  const column both{"in batches", [](const json& of) -> std::string {
                      const auto& seen = of["per_message_in_batches_of_100"];
                      if (seen.is_null()) return "-";
                      return hundredths(seen["producer_system_calls"].get<double>() +
                                        seen["consumer_system_calls"].get<double>());
                    }};
  return table_of(
      transports,
      {name_column, number_column("CPU: producer", "/cpu/producer_of_one_core", percent),
       number_column("consumer", "/cpu/consumer_of_one_core", percent),
       number_column("of 8 cores", "/cpu/busier_of_eight_cores", percent),
       number_column("memory", "/memory_bytes", show_bytes),
       number_column("copies", "/per_message/copies", whole),
       number_column("calls: producer", "/per_message/producer_system_calls", hundredths),
       number_column("consumer", "/per_message/consumer_system_calls", hundredths), both});
}

table steps(const json& transports) {
  std::vector<column> columns{name_column};
  for (std::size_t i = 0; i < step_count; ++i) {
    const std::string name = to_string(static_cast<step>(i));
    columns.push_back(number_column(name, "/steps_ns/" + name + "/median", show_ns));
  }
  return table_of(transports, columns);
}

// Why figures are missing, and which transport to take.
std::string remarks(const json& told) {
  std::string missing, out;
  for (const auto& one : told["transports"]) {
    if (one["missing"].is_null()) continue;
    missing += fmt::format("  {}: {}\n", one["name"].get<std::string>(),
                           one["missing"].get<std::string>());
  }
  if (!missing.empty()) out = "\nNot measured\n" + missing;
  out += "\nFor this machine\n";
  for (const auto& one : told["recommendation"]) {
    out += fmt::format("  {}?\n    {}: {}\n", one["need"].get<std::string>(),
                       one["choice"].is_null() ? "nothing here" : one["choice"].get<std::string>(),
                       one["why"].get<std::string>());
  }
  return out;
}

// Pictures.

// How many messages in so many took longer: a logarithmic axis gives the tail room.
std::string latency_curve(const std::vector<std::uint64_t>& sorted) {
  std::string rows;
  for (double beyond = 1; beyond <= static_cast<double>(sorted.size()); beyond *= 1.3) {
    const double us = quantile_of_sorted(std::span(sorted), 1 - 1 / beyond) / 1000;
    rows += fmt::format("{} {}\n", beyond, std::max(us, 0.01));
  }
  return rows;
}

std::vector<picture> pictures_of(const comparison& of, const json& transports) {
  picture latency{"latency.svg",
                  fmt::format("Latency, open loop at {:.0f} messages a second", of.how.rate),
                  "one in so many messages takes longer", "microseconds"};
  latency.more =
      "set xtics ('p0' 1, 'p50' 2, 'p90' 10, 'p99' 100, 'p99.9' 1000, 'p99.99' 10000, 'p99.999' "
      "100000)";
  for (std::size_t i = 0; i < of.seen.trials.size(); ++i) {
    const auto& [system, in, capacity] = of.seen.trials[i];
    if (in.what != experiment::on_time) continue;
    latency.curves.push_back(
        {system->name, latency_curve(pooled(of.seen.of_trial(i))), system->is_ours});
  }
  picture throughput{"throughput.svg", "Throughput, one message at a time", "message, bytes",
                     "messages a second"};
  for (const auto& one : transports) {
    auto& rates = throughput.curves.emplace_back(curve{one["name"], "", one.contains("targets")});
    for (const auto& at : one["throughput_by_size"]) {
      const auto rate = number_at(at, "/messages_per_second/median");
      if (rate) rates.rows += fmt::format("{} {}\n", at["bytes"].get<std::size_t>(), *rate);
    }
  }
  return {latency, throughput};
}

facts facts_of(facts machine, const comparison& of) {
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
  for (const auto& one : how.systems) {
    if (!one.setting.empty()) machine.emplace_back(one.name, one.setting);
  }
  return machine;
}

json told_of(const comparison& of) {
  json out = {{"bytes", of.how.bytes},
              {"messages_per_second", of.how.rate},
              {"rounds", of.how.repeats},
              {"slice_ms", std::chrono::duration<double, std::milli>(of.seen.span).count()},
              {"raw_round_trip_ns", json_of(spread_of(of.raw_trips))},
              {"pacing_of_one_core", json_of(spread_of(of.pacing_cpu))},
              {"transports", transports_of(of)},
              {"recommendation", json::array()}};
  for (const auto& [need, choice, why] : recommend(out["transports"], of.how.rate)) {
    out["recommendation"].push_back(
        {{"need", need}, {"choice", choice.empty() ? json() : json(choice)}, {"why", why}});
  }
  return out;
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

json transports_of(const comparison& of) {
  json all = json::array();
  for (const auto& one : of.how.systems) all.push_back(transport_of(one, of));
  return all;
}

report report_of(facts machine, const comparison& of) {
  report out;
  out.machine = facts_of(std::move(machine), of);
  out.data = told_of(of);
  const auto& seen = out.data["transports"];
  const auto at_rate = show_count(of.how.rate);
  out.add(fmt::format("The targets (latency and CPU at {}/s)", at_rate), "", against_targets(seen));
  out.add("Throughput, messages a second", "", throughput(seen, of.how));
  out.add(fmt::format("Latency one way, open loop at {}/s", at_rate),
          "From the time that a message was due, so a stall shows in all that were due meanwhile",
          open_loop(seen));
  out.add("Latency there and back, closed loop", "",
          table_of(seen, latency_columns("/closed_loop_ns")));
  out.add("Costs",
          fmt::format("CPU at {}/s, of one core: the consumer's with its waiting; of the "
                      "producer's only its\nsends, because sleeping until each message is due "
                      "takes {} without any transport.\nSystem calls per message, counted by "
                      "tracing: at {}/s, and of both sides in batches of 100.\nTracing slows a "
                      "sleeper down, so it finds more messages at each waking.\nCopies per "
                      "message: 0 if it is read where it was written",
                      at_rate, percent(median_of(of.pacing_cpu)), at_rate),
          costs(seen));
  out.add("Step by step at that rate, medians, a reading of the clock in each", "", steps(seen));
  out.remarks = remarks(out.data);
  out.pictures = pictures_of(of, seen);
  return out;
}

}  // namespace annulus::bench
