// annulus bench: what this machine's processes can do to each other through a ring.
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/json.hpp"
#include "cli/measure.hpp"
#include "cli/options.hpp"
#include "cli/signals.hpp"
#include "cli/text.hpp"
#include "compare/machine.hpp"
#include "compare/statistics.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace annulus::cli {
namespace {

struct bench_options {
  std::vector<std::uint64_t> sizes{8, 64, 256, 1024, 4096};
  double seconds = 5;
  int repeats = 5;
  std::optional<topology> asked;
  std::uint32_t producers = 1;
  waiting wait;
  std::vector<int> cpus;
  bool as_json = false;
};

// Requires: sorted, not empty.
double quantile(const samples& sorted, double q) {
  return compare::quantile_of_sorted(std::span<const float>(sorted), q);
}

struct latency {
  std::vector<double> medians;  // of each repeat
  samples all;                  // of all repeats

  void add(samples one) {
    std::ranges::sort(one);
    medians.push_back(quantile(one, 0.5));
    all.insert(all.end(), one.begin(), one.end());
  }
};

struct row {
  std::uint64_t bytes = 0;
  latency trip;
  std::vector<double> ratios;  // of each repeat's median to the bare cache line's
  std::vector<double> rates;   // messages a second
};

struct outcome {
  setting how;
  double slice_ms = 0;
  latency line;
  std::vector<row> rows;
};

std::string placing(const setting& how) {
  return how.cpus.empty() ? "not pinned" : fmt::format("pinned to {}", fmt::join(how.cpus, ", "));
}

// Interleaved, so that a change of the machine's mood meets all alike.
outcome measure(const bench_options& o, const setting& how) {
  outcome out;
  out.how = how;
  const pinned here(how.cpus);
  const double parts = o.repeats * (1 + 2 * static_cast<double>(o.sizes.size())) * 1.1;
  const auto slice = std::chrono::nanoseconds(
      std::max<std::int64_t>(5'000'000, static_cast<std::int64_t>(o.seconds * 1e9 / parts)));
  out.slice_ms = static_cast<double>(slice.count()) / 1e6;
  for (const auto bytes : o.sizes) out.rows.push_back({bytes, {}, {}, {}});
  const bool shows_progress = isatty(STDERR_FILENO) != 0;
  for (int repeat = 0; repeat < o.repeats; ++repeat) {
    if (shows_progress) remark_text(fmt::format("\rrepeat {} of {}\x1b[K", repeat + 1, o.repeats));
    out.line.add(measure_cache_line(how));
    for (auto& one : out.rows) {
      one.trip.add(measure_round_trip(how, one.bytes, slice));
      one.ratios.push_back(one.trip.medians.back() / out.line.medians.back());
      one.rates.push_back(measure_throughput(how, one.bytes, slice));
    }
  }
  if (shows_progress) remark_text("\r\x1b[K");
  std::ranges::sort(out.line.all);
  for (auto& one : out.rows) std::ranges::sort(one.trip.all);
  return out;
}

std::string show_ns(double ns) {
  return show_span(std::chrono::nanoseconds(static_cast<std::int64_t>(ns)));
}

void show_trip(const std::string& name, const latency& trip, const std::string& ratio,
               const std::string& rate) {
  print("{:>8} {:>9} {:>9} {:>9} {:>9}  {:<19} {}\n", name, show_ns(quantile(trip.all, 0.5)),
        show_ns(quantile(trip.all, 0.99)), show_ns(quantile(trip.all, 0.999)),
        show_ns(trip.all.back()), ratio, rate);
}

void show(const bench_options& o, const outcome& out) {
  for (const auto& [name, value] : compare::facts_of_this_machine()) {
    print("{:<10} {}\n", name, value);
  }
  print("{}, waiting by {}; {}{}\n", placing(out.how), to_string(out.how.wait.how),
        to_string(out.how.topology),
        out.how.producers > 1 ? fmt::format(" with {} producers (throughput)", out.how.producers)
                              : "");
  print(
      "{} interleaved repeats of {:.0f} ms; closed loop: each round trip starts when the one\n"
      "before has ended, so waiting in a queue is not seen. In brackets: where half of the\n"
      "repeats lie\n\n",
      o.repeats, out.slice_ms);
  print(
      "         round trip between two processes       p50 to bare line    throughput\n"
      "{:>8} {:>9} {:>9} {:>9} {:>9}  {:<19} {}\n",
      "bytes", "p50", "p99", "p99.9", "max", "median (half)", "messages/s (half), payload/s");
  show_trip("line", out.line, "1", "(a bare cache line, the limit)");
  for (const auto& one : out.rows) {
    const auto ratio = compare::spread_of(one.ratios);
    const auto rate = compare::spread_of(one.rates);
    show_trip(show_bytes(static_cast<double>(one.bytes)), one.trip,
              fmt::format("{:.2f} ({:.2f}-{:.2f})", ratio.median, ratio.low, ratio.high),
              fmt::format("{} ({}-{}), {}/s", show_count(rate.median), show_count(rate.low),
                          show_count(rate.high),
                          show_bytes(rate.median * static_cast<double>(one.bytes))));
  }
}

json json_of(const compare::spread& s) {
  return {{"median", s.median}, {"low", s.low}, {"high", s.high}};
}

json json_of(const latency& trip) {
  return {{"samples", trip.all.size()},
          {"p50_ns", quantile(trip.all, 0.5)},
          {"p99_ns", quantile(trip.all, 0.99)},
          {"p999_ns", quantile(trip.all, 0.999)},
          {"max_ns", trip.all.back()},
          {"p50_ns_of_repeats", json_of(compare::spread_of(trip.medians))}};
}

void show_json(const bench_options& o, const outcome& out) {
  json machine;
  for (const auto& [name, value] : compare::facts_of_this_machine()) machine[name] = value;
  json all = {{"machine", machine},
              {"cpus", out.how.cpus},
              {"wait", to_string(out.how.wait.how)},
              {"topology", to_string(out.how.topology)},
              {"producers", out.how.producers},
              {"repeats", o.repeats},
              {"slice_ms", out.slice_ms},
              {"loop", "closed"},
              {"cache_line", json_of(out.line)}};
  all["sizes"] = json::array();
  for (const auto& one : out.rows) {
    all["sizes"].push_back({{"bytes", one.bytes},
                            {"round_trip", json_of(one.trip)},
                            {"p50_to_cache_line", json_of(compare::spread_of(one.ratios))},
                            {"messages_per_second", json_of(compare::spread_of(one.rates))}});
  }
  print_json(all, 2);
}

setting setting_of(const bench_options& o) {
  if (o.asked == topology::spsc && o.producers > 1) {
    throw command_error{exit_code::usage, "an spsc ring has one producer; ask for mpsc"};
  }
  setting how;
  how.topology = o.asked.value_or(o.producers > 1 ? topology::mpsc : topology::spsc);
  how.producers = o.producers;
  how.wait = o.wait;
  how.cpus = o.cpus.empty() ? choose_cpus() : o.cpus;
  require_ours(how.cpus);
  return how;
}

std::vector<std::uint64_t> parse_sizes(const std::vector<std::string>& texts) {
  std::vector<std::uint64_t> out;
  for (const auto& text : texts) {
    const auto bytes = parse_bytes(text);
    if (!bytes || *bytes < 1 || *bytes > 64 << 20) {
      throw CLI::ValidationError(
          "--sizes", fmt::format("'{}' is no size from 1 to 64MiB; write 8,64,1KiB", text));
    }
    out.push_back(*bytes);
  }
  return out;
}

constexpr const char* footer =
    "Round trips and throughput between processes, beside the round trip of a bare cache line\n"
    "in the same run: on a shared machine only the ratio to it means anything. The consumer\n"
    "reads messages in place; producers copy them in.\n"
    "\n"
    "Example: annulus bench --sizes 8,64,1KiB --seconds 10 --json >figures.json";

}  // namespace

void add_bench(CLI::App& app, exit_code&) {
  auto o = std::make_shared<bench_options>();
  o->wait.how = allowed_cpus().size() < 2 ? waiting::kind::block : waiting::kind::spin;
  auto* command = app.add_subcommand("bench", "Measure this machine");
  command->footer(footer);
  command
      ->add_option_function<std::vector<std::string>>(
          "--sizes", [o](const std::vector<std::string>& texts) { o->sizes = parse_sizes(texts); },
          "message sizes (default: 8,64,256,1KiB,4KiB)")
      ->delimiter(',')
      ->type_name("SIZE,...");
  command->add_option("--seconds", o->seconds, "how long it all takes, about (default: 5)")
      ->check(CLI::Range(0.1, 86400.0));
  command->add_option("--repeats", o->repeats, "interleaved repeats (default: 5)")
      ->check(CLI::Range(1, 1000));
  add_topology(*command, o->asked);
  command->add_option("--producers", o->producers, "producers of the throughput (mpsc; default: 1)")
      ->check(CLI::Range(1, 1024));
  add_waiting(*command, o->wait);
  command
      ->add_option("--cpus", o->cpus, "processors to pin to, the consumer's first (default: two)")
      ->delimiter(',')
      ->type_name("N,N");
  command->add_flag("--json", o->as_json, "as JSON");
  command->callback([o] {
    const auto how = setting_of(*o);
    const auto out = measure(*o, how);
    if (o->as_json)
      show_json(*o, out);
    else
      show(*o, out);
  });
}

}  // namespace annulus::cli
