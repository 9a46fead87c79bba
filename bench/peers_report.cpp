#include "bench/peers_report.hpp"

#include "bench/line.hpp"
#include "bench/verdicts.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace annulus::bench {
namespace {

// Three significant digits.
std::string figure(double value) {
  const int whole = value < 1 ? 1 : 1 + static_cast<int>(std::log10(value));
  return fmt::format("{:.{}f}", value, std::max(0, 3 - whole));
}

// A table over the sizes of an experiment: a row is a name, and a function from a group to a cell.
class size_table {
 public:
  size_table(const results& in, experiment what, unsigned producers)
      : in_(in),
        what_(what),
        producers_(producers),
        sizes_(in.sizes(what, producers)),
        table_(head()) {
    row("raw round trip, ns", [&](const group& at) { return whole(in_.raw(at)); });
  }

  template <class Cell>
  void row(std::string name, Cell cell) {
    table::row cells{std::move(name)};
    for (const auto bytes : sizes_) cells.push_back(cell(group{what_, producers_, bytes}));
    table_.add(std::move(cells));
  }
  // A row for each system. `cell` of its trial.
  template <class Cell>
  void systems(Cell cell) {
    for (const system* one : in_.systems(what_)) {
      row(one->name, [&](const group& at) {
        const auto best = in_.best(one->name, at);
        return best ? cell(*best) : std::string();
      });
    }
  }
  // `ours` beside the best of the field.
  void rivalry(const char* ours, const field& against) {
    const auto cell = [&](auto get) {
      return [&, get](const group& at) {
        const auto found = in_.best_rival(ours, at, against.counts);
        return found ? std::string(get(*found)) : "";
      };
    };
    row(fmt::format("**{} / {}**", ours, against.name),
        cell([](const rival& r) { return fmt::format("**{:.2f}**", r.ratio.median); }));
    row("middle half of the repeats", cell([](const rival& r) {
          return fmt::format("{:.2f}..{:.2f}", r.ratio.low, r.ratio.high);
        }));
    row("that peer", cell([](const rival& r) { return r.peer->name; }));
  }
  void add_to(report& all, const std::string& title) {
    if (!sizes_.empty()) all.add(title + ", cores " + in_.distance(), "", std::move(table_));
  }

 private:
  [[nodiscard]] table::row head() const {
    table::row cells{"bytes"};
    for (const auto bytes : sizes_) cells.push_back(std::to_string(bytes));
    return cells;
  }

  const results& in_;
  experiment what_;
  unsigned producers_;
  std::vector<std::size_t> sizes_;
  table table_;
};

using rivals = std::vector<std::pair<const char*, field>>;

void add_rates(report& to, const results& in, experiment what, const std::string& title,
               const rivals& beside, unsigned producers = 1) {
  size_table all(in, what, producers);
  all.systems([&](std::size_t trial) { return figure(in.values(trial).median / 1e6); });
  for (const auto& [ours, against] : beside) all.rivalry(ours, against);
  all.add_to(to, title + ", million messages a second");
}

void add_round_trips(report& to, const results& in) {
  size_table all(in, experiment::round_trip, 1);
  all.systems([&](std::size_t trial) { return figure(in.over_raw(trial).median); });
  all.rivalry("annulus spsc", peers_in_process());
  all.add_to(to, "Round trip, as a multiple of the raw one");
}

void add_bursts(report& to, const results& in) {
  size_table all(in, experiment::bursts, 1);
  all.systems([&](std::size_t trial) {
    return whole(in.tail(trial, &percentiles::p50)) + "; " +
           whole(in.tail(trial, &percentiles::p99));
  });
  all.rivalry("annulus spsc", peers_in_process());
  all.add_to(to, "Bursts of 100 messages each 100 us, p50 and p99 since a message was due, ns");
}

void add_tails(report& to, const results& in, std::size_t bytes) {
  const group at{experiment::round_trip, 1, bytes};
  table all({"system", "mean", "p50", "p99", "p99.9", "max"});
  for (const system* one : in.systems(at.what)) {
    const auto best = in.best(one->name, at);
    if (!best) continue;
    table::row cells{one->name, whole(in.values(*best).median)};
    for (const auto which :
         {&percentiles::p50, &percentiles::p99, &percentiles::p999, &percentiles::max}) {
      cells.push_back(whole(in.tail(*best, which)));
    }
    all.add(std::move(cells));
  }
  to.add(
      fmt::format("Single round trips of {} bytes, ns, cores {}", bytes, in.distance()),
      "Medians over the repeats. The mean has no clock in it; each of the others has one reading "
      "of it.",
      std::move(all));
}

void add_figures(report& to, const results& in) {
  const rivals many{{"annulus mpsc", peers_that_keep_order()},
                    {"annulus mpsc", only("ConcurrentQueue")}};
  add_round_trips(to, in);
  for (const std::size_t bytes : {8U, 512U}) add_tails(to, in, bytes);
  add_rates(to, in, experiment::per_message, "Pushed one by one, each read and released",
            {{"annulus spsc", peers_in_process()}, {"annulus by name", only("annulus spsc")}});
  add_rates(to, in, experiment::drained, "Pushed one by one, drained",
            {{"annulus spsc", peers_in_process()},
             {"annulus spsc, claims", peers_in_process()},
             {"annulus by name", only("annulus spsc")},
             {"annulus by name, claims", only("annulus spsc, claims")}});
  add_rates(to, in, experiment::batches, "In batches of 100", {});
  add_bursts(to, in);
  for (unsigned producers = 1; producers <= 4; ++producers) {
    add_rates(to, in, experiment::many_producers,
              fmt::format("Many-producer systems, producers: {}", producers), many, producers);
  }
}

std::string settings(const measurement& of) {
  std::string out = "\n## Settings\n\n";
  std::vector<const system*> told;
  for (const auto& t : of.trials) {
    if (std::ranges::find(told, t.of) != told.end()) continue;
    told.push_back(t.of);
    out += fmt::format("- {}: {}{}{}\n", t.of->name, t.of->setting,
                       t.of->sides == where::processes ? "; between processes" : "",
                       t.of->keeps_order_of_all ? "" : "; keeps the order of each producer only");
  }
  for (const auto& one : of.failures) out += fmt::format("- **failed**: {}\n", one.why);
  return out;
}

// The curves of an experiment over the sizes; none where there are fewer than two sizes.
picture picture_of(const results& in, experiment what, unsigned producers) {
  std::string name = to_string(what);
  std::ranges::replace(name, ' ', '_');
  picture out{fmt::format("{}_{}_{}.svg", name, producers, in.distance()),
              fmt::format("{}, producers: {}, cores {}", to_string(what), producers, in.distance()),
              "message, bytes",
              is_time(what) ? "multiple of the raw round trip" : "messages a second",
              {}};
  out.has_spreads = true;
  const auto sizes = in.sizes(what, producers);
  if (sizes.size() < 2) return out;
  for (const system* one : in.systems(what)) {
    curve points{one->name, "", one->is_ours};
    for (const auto bytes : sizes) {
      const auto best = in.best(one->name, {what, producers, bytes});
      if (!best) continue;
      const auto at = is_time(what) ? in.over_raw(*best) : in.values(*best);
      points.rows += fmt::format("{} {} {} {}\n", bytes, at.median, at.low, at.high);
    }
    out.curves.push_back(std::move(points));
  }
  return out;
}

std::vector<picture> pictures_of(const std::vector<results>& by_distance) {
  using enum experiment;
  std::vector<picture> all;
  for (const auto& in : by_distance) {
    for (const auto what : {per_message, drained, round_trip}) {
      all.push_back(picture_of(in, what, 1));
    }
    for (unsigned producers = 1; producers <= 4; ++producers) {
      all.push_back(picture_of(in, many_producers, producers));
    }
  }
  return all;
}

// Every sample.
json json_of(const measurement& seen) {
  json all = {
      {"near_below_ns", near_below}, {"samples", json::array()}, {"failures", json::array()}};
  for (const auto& one : seen.samples) {
    const auto& t = seen.trials[one.trial];
    json line{{"experiment", to_string(t.in.what)},
              {"system", t.of->name},
              {"bytes", t.in.bytes},
              {"producers", t.in.producers},
              {"capacity", t.capacity},
              {"repeat", one.repeat},
              {"near", one.is_near},
              {"raw_round_trip_ns", one.raw}};
    line[is_time(t.in.what) ? "ns" : "messages_per_second"] = one.value;
    if (is_time(t.in.what)) line["each_ns"] = json_of(one.tail);
    all["samples"].push_back(std::move(line));
  }
  for (const auto& one : seen.failures) all["failures"].push_back(one.why);
  return all;
}

}  // namespace

report report_of(facts machine, const measurement& seen) {
  const std::vector<results> by_distance{{seen, true}, {seen, false}};
  report out;
  out.machine = std::move(machine);
  const auto near = std::ranges::count_if(seen.samples, &sample::is_near);
  out.machine.emplace_back(
      "distances", fmt::format("{} samples near, {} far (near: a raw round trip below {} ns), on "
                               "the processors {}",
                               near, std::ssize(seen.samples) - near, near_below,
                               fmt::join(seen.pairs, " and ")));
  out.data = json_of(seen);
  out.data["verdicts"] = json::array();
  table verdicts({"target", "cores", "found"});
  for (const bool is_met : {false, true}) {
    for (const auto& in : by_distance) {
      for (const auto& one : judge(in)) {
        if (one.is_met != is_met) continue;
        verdicts.add({one.target, in.distance(), one.found});
        out.data["verdicts"].push_back({{"near", in.is_near()},
                                        {"target", one.target},
                                        {"found", one.found},
                                        {"met", one.is_met}});
      }
    }
  }
  out.add("Targets", "Misses first. Judged where there are three repeats or more.",
          std::move(verdicts));
  for (const auto& in : by_distance) add_figures(out, in);
  out.remarks = settings(seen);
  out.pictures = pictures_of(by_distance);
  return out;
}

}  // namespace annulus::bench
