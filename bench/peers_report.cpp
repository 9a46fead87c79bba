#include "bench/peers_report.hpp"

#include "bench/json.hpp"
#include "bench/plot.hpp"
#include "bench/table.hpp"
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
    row("raw round trip, ns", [&](const group& at) { return fmt::format("{:.0f}", in_.raw(at)); });
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
  [[nodiscard]] std::string under(const std::string& title) const {
    if (sizes_.empty()) return "";
    return fmt::format("### {}, cores {}\n\n{}", title, in_.distance(), table_.markdown());
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

std::string rates(const results& in, experiment what, const std::string& title,
                  const rivals& beside, unsigned producers = 1) {
  size_table all(in, what, producers);
  all.systems([&](std::size_t trial) { return figure(in.values(trial).median / 1e6); });
  for (const auto& [ours, against] : beside) all.rivalry(ours, against);
  return all.under(title + ", million messages a second");
}

std::string round_trips(const results& in) {
  size_table all(in, experiment::round_trip, 1);
  all.systems([&](std::size_t trial) { return figure(in.over_raw(trial).median); });
  all.rivalry("annulus spsc", peers_in_process());
  return all.under("Round trip, as a multiple of the raw one");
}

std::string bursts(const results& in) {
  size_table all(in, experiment::bursts, 1);
  all.systems([&](std::size_t trial) {
    return fmt::format("{:.0f}; {:.0f}", in.tail(trial, 0), in.tail(trial, 1));
  });
  all.rivalry("annulus spsc", peers_in_process());
  return all.under("Bursts of 100 messages each 100 us, p50 and p99 since a message was due, ns");
}

std::string tails(const results& in, std::size_t bytes) {
  const group at{experiment::round_trip, 1, bytes};
  table all({"system", "mean", "p50", "p99", "p99.9", "max"});
  bool has_rows = false;
  for (const system* one : in.systems(at.what)) {
    const auto best = in.best(one->name, at);
    if (!best) continue;
    table::row cells{one->name, fmt::format("{:.0f}", in.values(*best).median)};
    for (std::size_t q = 0; q < 4; ++q) cells.push_back(fmt::format("{:.0f}", in.tail(*best, q)));
    all.add(std::move(cells));
    has_rows = true;
  }
  if (!has_rows) return "";
  return fmt::format(
      "### Single round trips of {} bytes, ns, cores {}\n\nMedians over the repeats. The mean has "
      "no clock in it; each of the others has one reading of it.\n\n{}",
      bytes, in.distance(), all.markdown());
}

std::string figures_of(const results& in) {
  const rivals many{{"annulus mpsc", peers_that_keep_order()},
                    {"annulus mpsc", only("ConcurrentQueue")}};
  std::string out = round_trips(in);
  for (const std::size_t bytes : {8U, 512U}) out += tails(in, bytes);
  out += rates(in, experiment::per_message, "Pushed one by one, each read and released",
               {{"annulus spsc", peers_in_process()}, {"annulus by name", only("annulus spsc")}});
  out += rates(in, experiment::drained, "Pushed one by one, drained",
               {{"annulus spsc", peers_in_process()},
                {"annulus spsc, claims", peers_in_process()},
                {"annulus by name", only("annulus spsc")},
                {"annulus by name, claims", only("annulus spsc, claims")}});
  out += rates(in, experiment::batches, "In batches of 100", {});
  out += bursts(in);
  for (unsigned producers = 1; producers <= 4; ++producers) {
    out += rates(in, experiment::many_producers,
                 fmt::format("Many-producer systems, producers: {}", producers), many, producers);
  }
  return out;
}

std::string settings(const measurement& of) {
  std::string out = "## Settings\n\n";
  std::vector<const system*> told;
  for (const auto& t : of.trials) {
    if (std::ranges::find(told, t.of) != told.end()) continue;
    told.push_back(t.of);
    out += fmt::format("- {}: {}{}{}\n", t.of->name, t.of->setting,
                       t.of->sides == where::processes ? "; between processes" : "",
                       t.of->keeps_order_of_all ? "" : "; keeps the order of each producer only");
  }
  for (const auto& why : of.failures) out += fmt::format("- **failed**: {}\n", why);
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

}  // namespace

peers_report report_of(facts machine, const measurement& seen) {
  peers_report all{std::move(machine), seen, {{seen, true}, {seen, false}}};
  const auto near = std::ranges::count_if(seen.samples, &sample::is_near);
  all.machine.emplace_back(
      "distances", fmt::format("{} samples near, {} far (near: a raw round trip below {} ns), on "
                               "the processors {}",
                               near, std::ssize(seen.samples) - near, near_below,
                               fmt::join(seen.pairs, " and ")));
  return all;
}

std::string as_markdown(const peers_report& of) {
  std::string out = "# annulus and its peers, measured\n\n";
  for (const auto& [name, value] : of.machine) out += fmt::format("- {}: {}\n", name, value);
  table verdicts({"target", "cores", "found"});
  for (const bool is_met : {false, true}) {
    for (const auto& in : of.by_distance) {
      for (const auto& one : judge(in)) {
        if (one.is_met == is_met) verdicts.add({one.target, in.distance(), one.found});
      }
    }
  }
  out += "\n## Targets\n\nMisses first. Judged where there are three repeats or more.\n\n" +
         verdicts.markdown() + "## Figures\n\n";
  for (const auto& in : of.by_distance) out += figures_of(in);
  return out + settings(of.seen);
}

std::string as_json(const peers_report& of) {
  json all;
  for (const auto& [name, value] : of.machine) all["machine"][name] = value;
  all["near_below_ns"] = near_below;
  all["samples"] = json::array();
  for (const auto& one : of.seen.samples) {
    const auto& t = of.seen.trials[one.trial];
    json line{{"experiment", to_string(t.in.what)},
              {"system", t.of->name},
              {"bytes", t.in.bytes},
              {"producers", t.in.producers},
              {"capacity", t.capacity},
              {"repeat", one.repeat},
              {"near", one.is_near},
              {"raw_round_trip_ns", one.raw}};
    line[is_time(t.in.what) ? "ns" : "messages_per_second"] = one.value;
    if (!one.each.empty()) {
      line["each_ns"] = {
          {"p50", one.each[0]}, {"p99", one.each[1]}, {"p99.9", one.each[2]}, {"max", one.each[3]}};
    }
    all["samples"].push_back(std::move(line));
  }
  all["failures"] = of.seen.failures;
  all["verdicts"] = json::array();
  for (const auto& in : of.by_distance) {
    for (const auto& one : judge(in)) {
      all["verdicts"].push_back({{"near", in.is_near()},
                                 {"target", one.target},
                                 {"found", one.found},
                                 {"met", one.is_met}});
    }
  }
  return all.dump(1) + "\n";
}

std::string plot(const peers_report& of, const std::string& directory) {
  using enum experiment;
  std::vector<picture> all;
  for (const auto& in : of.by_distance) {
    for (const auto what : {per_message, drained, round_trip}) {
      all.push_back(picture_of(in, what, 1));
    }
    for (unsigned producers = 1; producers <= 4; ++producers) {
      all.push_back(picture_of(in, many_producers, producers));
    }
  }
  return draw(all, directory);
}

}  // namespace annulus::bench
