#include "report.hpp"
#include <nlohmann/json.hpp>

namespace annulus::bench {

std::string report_as_json(const facts& of_machine, const std::vector<trial>& trials,
                           const std::vector<sample>& samples,
                           const std::vector<results>& by_distance) {
  nlohmann::ordered_json all;
  for (const auto& [name, value] : of_machine) all["machine"][name] = value;
  all["near_below_ns"] = near_below;

  all["samples"] = nlohmann::json::array();
  for (const auto& one : samples) {
    const auto& t = trials[one.trial];
    nlohmann::ordered_json line{{"activity", to_string(t.what)},
                                {"system", t.system->name},
                                {"bytes", t.bytes},
                                {"producers", t.producers},
                                {"capacity", t.capacity},
                                {"repeat", one.repeat},
                                {"near", one.is_near},
                                {"raw_round_trip_ns", one.raw.value},
                                {"wrong_messages", one.seen.wrong}};
    if (t.what == activity::round_trip) {
      const auto& tail = one.seen.tail;
      line["round_trip_ns"] = one.seen.value;
      line["single_trips_ns"] = {
          {"p50", tail.p50}, {"p99", tail.p99}, {"p99.9", tail.p999}, {"max", tail.max}};
    } else {
      line["messages_per_second"] = one.seen.value;
      line["broken_off"] = one.seen.is_broken_off;
    }
    all["samples"].push_back(std::move(line));
  }

  all["verdicts"] = nlohmann::json::array();
  for (const auto& in : by_distance) {
    for (const auto& one : judge(in)) {
      all["verdicts"].push_back({{"near", in.is_near()},
                                 {"target", one.target},
                                 {"found", one.found},
                                 {"met", one.is_met}});
    }
  }
  return all.dump(1) + "\n";
}

}  // namespace annulus::bench
