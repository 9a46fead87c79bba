#include "bench/comparison_report.hpp"

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

// What was seen of one system in one experiment. Empty: it was not measured.
samples seen_of(const comparison& of, const system& one, const group& in) {
  const auto is = [&](const trial& t) { return t.of == &one && t.in == in; };
  const auto at = std::ranges::find_if(of.seen.trials, is) - of.seen.trials.begin();
  return of.seen.of_trial(static_cast<std::size_t>(at));
}

// Figures.

template <class Get>
json spread_json(const samples& seen, Get get) {
  return seen.empty() ? json() : json_of(spread_of(each(seen, get)));
}
json percentiles_json(const samples& seen) {
  const auto found = percentiles_of(pooled(seen));
  return found ? json_of(*found) : json();
}

json calls_json(const samples& seen, calls sample::*which) {
  if (seen.empty()) return {};
  const auto& [producer, consumer, copies] = seen.back()->*which;
  return {
      {"producer_system_calls", producer}, {"consumer_system_calls", consumer}, {"copies", copies}};
}

json cpu_json(const samples& seen) {
  if (seen.empty()) return {};
  const auto share = [&](double cpu_shares::*which) {
    return median_of(each(seen, [&](auto* s) { return s->cpu.*which; }));
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

json steps_json(const samples& seen) {
  json all = json::object();
  for (std::size_t i = 0; i < step_count && !seen.empty(); ++i) {
    all[to_string(static_cast<step>(i))] = spread_json(seen, [&](auto* s) { return s->steps[i]; });
  }
  return all;
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

// Why it was not measured, or null. A size that a system does not carry is no failure.
json missing_json(const system& one, const comparison& of) {
  if (!one.missing.empty()) return one.missing;
  for (const auto& [trial, why] : of.seen.failures) {
    const auto& t = of.seen.trials[trial];
    if (t.of == &one && t.in.bytes == of.how.bytes) return why;
  }
  return {};
}

json transport_of(const system& one, const comparison& of) {
  const group usual{experiment::at_once, 1, of.how.bytes};
  const auto seen = [&](experiment what) { return seen_of(of, one, {what, 1, usual.bytes}); };
  const auto rates = [&](const char* key, const auto& values, std::size_t group::*which) {
    json all = json::array();
    for (const auto value : values) {
      group in = usual;
      in.*which = value;
      const auto rate = spread_json(seen_of(of, one, in), &sample::value);
      all.push_back({{key, value}, {"messages_per_second", rate}});
    }
    return all;
  };
  const auto on_time = seen(experiment::on_time), called = seen(experiment::calls);
  const auto memory = on_time.empty() ? 0 : on_time.back()->memory_bytes;
  json out = {{"name", one.name},
              {"setting", one.setting},
              {"missing", missing_json(one, of)},
              {"throughput", rates("batch", of.how.batches, &group::batch)},
              {"throughput_by_size", rates("bytes", of.how.sizes, &group::bytes)},
              {"open_loop_ns", percentiles_json(on_time)},
              {"open_loop_p50_of_rounds_ns", spread_json(on_time, &sample::value)},
              {"closed_loop_ns", percentiles_json(seen(experiment::round_trip))},
              {"cpu", cpu_json(seen(experiment::cpu))},
              {"memory_bytes", memory > 0 ? json(memory) : json()},
              {"per_message", calls_json(called, &sample::single)},
              {"per_message_in_batches_of_100", calls_json(called, &sample::batched)},
              {"steps_ns", steps_json(seen(experiment::steps))}};
  if (one.is_ours) out["targets"] = verdicts_on(out);
  return out;
}

// Tables.

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

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
  const auto text = [](const json& one) { return one.get<std::string>(); };
  std::string missing, advice;
  for (const auto& one : told["transports"]) {
    if (one["missing"].is_null()) continue;
    missing += fmt::format("  {}: {}\n", text(one["name"]), text(one["missing"]));
  }
  for (const auto& one : told["recommendation"]) {
    const auto& choice = one["choice"];
    advice += fmt::format("  {}?\n    {}: {}\n", text(one["need"]),
                          choice.is_null() ? "nothing here" : text(choice), text(one["why"]));
  }
  return (missing.empty() ? "" : "\nNot measured\n" + missing) + "\nFor this machine\n" + advice;
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
  picture latency{
      "latency.svg",
      "Latency, open loop at " + whole(of.how.rate) + " messages a second",
      "one in so many messages takes longer",
      "microseconds",
      {},
      "set xtics ('p0' 1, 'p50' 2, 'p90' 10, 'p99' 100, 'p99.9' 1000, 'p99.99' 10000, 'p99.999' "
      "100000)"};
  for (const auto& one : of.how.systems) {
    const auto seen = seen_of(of, one, {experiment::on_time, 1, of.how.bytes});
    latency.curves.push_back({one.name, latency_curve(pooled(seen)), one.is_ours});
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
