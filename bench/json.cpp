#include "bench/json.hpp"

#include "bench/report.hpp"
#include "bench/targets.hpp"

namespace annulus::bench {
namespace {

json json_of(const percentiles& p) {
  return {{"p50", p.p50}, {"p95", p.p95}, {"p99", p.p99}, {"p99.9", p.p999}, {"max", p.max}};
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
    const auto value = value_of(asked.of, one);
    all.push_back({{"target", asked.name},
                   {"asked", asked.asked},
                   {"value", value ? json(*value) : json()},
                   {"met", value ? json(is_met(asked, *value)) : json()}});
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

}  // namespace

std::string as_json(const report& of) {
  json all;
  for (const auto& [name, value] : of.machine) all["machine"][name] = value;
  const auto& how = of.measured.how;
  all["bytes"] = how.bytes;
  all["messages_per_second"] = how.rate;
  all["rounds"] = how.rounds;
  all["slice_ms"] = of.measured.slice_ms;
  all["raw_round_trip_ns"] = json_of(spread_of(of.measured.raw_trips));
  all["pacing_of_one_core"] = json_of(spread_of(of.measured.pacing_cpu));
  all["transports"] = json::array();
  for (const auto& one : of.drawn) all["transports"].push_back(json_of(one));
  all["recommendation"] = json::array();
  for (const auto& one : of.advised) {
    all["recommendation"].push_back({{"need", one.need},
                                     {"choice", one.choice.empty() ? json() : json(one.choice)},
                                     {"why", one.why}});
  }
  return all.dump(2) + "\n";
}

}  // namespace annulus::bench
