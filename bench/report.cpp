#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace annulus::bench {
namespace {

// A Markdown table whose columns are as wide as their widest cell.
class table {
 public:
  using row = std::vector<std::string>;

  void add(row cells) { rows_.push_back(std::move(cells)); }

  [[nodiscard]] std::string text() const {
    std::vector<std::size_t> widths;
    for (const auto& r : rows_) {
      widths.resize(std::max(widths.size(), r.size()), 3);
      for (std::size_t c = 0; c < r.size(); ++c) widths[c] = std::max(widths[c], r[c].size());
    }
    std::string out;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      out += line(rows_[i], widths);
      if (i == 0) out += rule(widths);
    }
    return out += '\n';
  }

 private:
  static std::string line(const row& cells, const std::vector<std::size_t>& widths) {
    std::string out = "|";
    for (std::size_t c = 0; c < widths.size(); ++c) {
      const std::string cell = c < cells.size() ? cells[c] : "";
      out += c == 0 ? fmt::format(" {:<{}} |", cell, widths[c])
                    : fmt::format(" {:>{}} |", cell, widths[c]);
    }
    return out += '\n';
  }
  static std::string rule(const std::vector<std::size_t>& widths) {
    std::string out = "|";
    for (std::size_t c = 0; c < widths.size(); ++c) {
      out += fmt::format("{:-<{}}{}|", "", widths[c] + 1, c == 0 ? '-' : ':');
    }
    return out += '\n';
  }

  std::vector<row> rows_;
};

const char* word_for(const results& in) { return in.is_near() ? "near" : "far"; }

// Three digits that mean something.
std::string figure(double value) {
  const int whole = value < 1 ? 1 : 1 + static_cast<int>(std::log10(value));
  return fmt::format("{:.{}f}", value, std::max(0, 3 - whole));
}

// A table over sizes: its columns, and a function from a size to a cell for each row.
class size_table {
 public:
  size_table(std::vector<std::size_t> sizes, const std::string& title) : sizes_(std::move(sizes)) {
    row(title, [](std::size_t bytes) { return std::to_string(bytes); });
  }
  template <class Cell>
  void row(std::string name, Cell cell) {
    table::row cells{std::move(name)};
    for (const std::size_t bytes : sizes_) cells.push_back(cell(bytes));
    table_.add(std::move(cells));
  }
  [[nodiscard]] std::string text() const { return table_.text(); }

 private:
  std::vector<std::size_t> sizes_;
  table table_;
};

// Rows that set `ours` against its strongest rival.
template <class Admits>
void add_rivalry(size_table& to, const results& in, const char* ours, activity what,
                 unsigned producers, const char* whom, Admits admits) {
  const auto rival_at = [&](std::size_t bytes) {
    return strongest_rival(in, in.system(ours), {what, producers, bytes}, admits);
  };
  const auto cell = [&](auto get) {
    return [&, get](std::size_t bytes) {
      const auto found = rival_at(bytes);
      return found ? std::string(get(*found)) : "";
    };
  };
  to.row(fmt::format("**{} / best peer {}**", ours, whom),
         cell([](const rival& r) { return fmt::format("**{:.2f}**", r.ratio.median); }));
  to.row("half of the repeats within", cell([](const rival& r) {
           return fmt::format("{:.2f}..{:.2f}", r.ratio.low, r.ratio.high);
         }));
  to.row("that peer", cell([](const rival& r) { return r.peer->name; }));
}

std::string throughput_table(const results& in, activity what, unsigned producers,
                             bool is_crowded) {
  const auto sizes = in.sizes(what, producers);
  if (sizes.empty()) return "";
  size_table all(sizes, "bytes");
  all.row("raw round trip, ns", [&](std::size_t bytes) {
    return fmt::format("{:.0f} {}", in.raw({what, producers, bytes}), word_for(in));
  });
  for (const traits* system : in.systems(what)) {
    all.row(system->name, [&](std::size_t bytes) {
      const auto best = in.best(system, {what, producers, bytes});
      return best ? figure(in.values(*best).median / 1e6) : "";
    });
  }
  if (what == activity::throughput) {
    add_rivalry(all, in, "annulus spsc", what, producers, "in process", is_in_process);
  } else {
    add_rivalry(all, in, "annulus mpsc", what, producers, "that keeps order", keeps_order);
  }
  return fmt::format("### Throughput, {}{}, million messages per second, cores {}\n\n{}{}",
                     what == activity::throughput ? "" : "many-producer systems, ",
                     producers == 1 ? "1 producer" : fmt::format("{} producers", producers),
                     word_for(in),
                     is_crowded ? "Oversubscribed: there are more sides than processors, so they "
                                  "take turns, and the scheduler is measured as well.\n\n"
                                : "",
                     all.text());
}

std::string round_trip_table(const results& in) {
  const auto sizes = in.sizes(activity::round_trip, 1);
  if (sizes.empty()) return "";
  size_table all(sizes, "bytes");
  all.row("raw round trip, ns", [&](std::size_t bytes) {
    return fmt::format("{:.0f} {}", in.raw({activity::round_trip, 1, bytes}), word_for(in));
  });
  for (const traits* system : in.systems(activity::round_trip)) {
    const auto best = [&](std::size_t bytes) {
      return in.best(system, {activity::round_trip, 1, bytes});
    };
    all.row(system->name, [&](std::size_t bytes) {
      const auto at = best(bytes);
      return at ? figure(in.over_raw(*at).median) : "";
    });
    if (!system->is_annulus) continue;
    all.row("half of the repeats within", [&](std::size_t bytes) {
      const auto at = best(bytes);
      if (!at) return std::string();
      const auto ratio = in.over_raw(*at);
      return fmt::format("{:.2f}..{:.2f}", ratio.low, ratio.high);
    });
  }
  return fmt::format("### Round trip, as a multiple of the raw one, cores {}\n\n{}", word_for(in),
                     all.text());
}

std::string tail_table(const results& in, std::size_t bytes) {
  const group at{activity::round_trip, 1, bytes};
  if (!in.are_enough(at)) return "";
  table all;
  all.add({"system", "mean", "p50", "p99", "p99.9", "max"});
  const auto add = [&](const char* name, std::size_t trial, outcome sample::*of) {
    const auto cell = [&](auto get) {
      return fmt::format("{:.0f}", in.median(trial, [&](const sample& s) { return get(s.*of); }));
    };
    all.add({name, cell([](const outcome& o) { return o.value; }),
             cell([](const outcome& o) { return o.tail.p50; }),
             cell([](const outcome& o) { return o.tail.p99; }),
             cell([](const outcome& o) { return o.tail.p999; }),
             cell([](const outcome& o) { return o.tail.max; })});
  };
  bool is_first = true;
  for (const traits* system : in.systems(at.what)) {
    const auto best = in.best(system, at);
    if (!best) continue;
    if (is_first) add("raw", *best, &sample::raw);
    is_first = false;
    add(system->name, *best, &sample::seen);
  }
  return fmt::format(
      "### Single round trips of {} bytes, ns, cores {}\n\nMedians over the repeats. The mean has "
      "no clock in it; each of the others has one reading of it.\n\n{}",
      bytes, word_for(in), all.text());
}

std::string verdicts(const std::vector<results>& by_distance) {
  table all;
  all.add({"target", "cores", "found"});
  for (const auto& in : by_distance) {
    for (const auto& one : judge(in)) all.add({one.target, word_for(in), one.found});
  }
  return fmt::format("## Verdicts\n\nJudged where there are three repeats or more.\n\n{}",
                     all.text());
}

}  // namespace

std::string report_for_people(const facts& of_machine, const processors& on,
                              const std::vector<trial>& trials,
                              const std::vector<results>& by_distance) {
  std::string out = "# annulus and its peers, measured\n\n";
  for (const auto& [name, value] : of_machine) out += fmt::format("- {}: {}\n", name, value);

  out += fmt::format("\n{}## Figures\n\n", verdicts(by_distance));
  for (const auto& in : by_distance) {
    out += round_trip_table(in);
    for (const std::size_t bytes : {8U, 48U, 512U}) out += tail_table(in, bytes);
    out += throughput_table(in, activity::throughput, 1, on.are_crowded_by(2));
    for (unsigned producers = 1; producers <= 4; ++producers) {
      out += throughput_table(in, activity::many_producers, producers,
                              on.are_crowded_by(producers + 1));
    }
  }

  out += "## Settings\n\n";
  std::vector<std::string_view> told;
  for (const auto& t : trials) {
    if (std::find(told.begin(), told.end(), t.system->name) != told.end()) continue;
    told.push_back(t.system->name);
    out += fmt::format("- {}: {}{}\n", t.system->name, t.system->setting,
                       t.system->sides == where::processes ? "; between processes" : "");
  }
  return out;
}

}  // namespace annulus::bench
