// annulus bench: round trips and throughput of a ring between processes on this machine.
#include "bench/report.hpp"
#include "bench/systems/all.hpp"
#include "bench/trials.hpp"
#include "cli/commands.hpp"
#include "cli/measuring.hpp"
#include "cli/options.hpp"
#include "cli/text.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace annulus::cli {
namespace {

using bench::json;

struct bench_options {
  std::vector<std::uint64_t> sizes{8, 64, 256, 1024, 4096};
  double seconds = 5;
  unsigned repeats = 5;
  std::optional<annulus::topology> asked;
  std::uint32_t producers = 1;
  waiting wait;
  std::vector<int> cpus;
  bool as_json = false;

  [[nodiscard]] annulus::topology topology() const {
    return asked.value_or(producers > 1 ? topology::mpsc : topology::spsc);
  }
};

using repeats = std::vector<std::vector<std::uint64_t>>;  // single round trips of each, ns

struct outcome {
  bench::measurement seen;  // two trials for each size: round trips, and the throughput
  repeats line;             // a bare cache line's
};

outcome measure(const bench_options& o, const bench::system& ring) {
  using enum bench::experiment;
  constexpr auto line_span = std::chrono::milliseconds(20);
  outcome out;
  bench::plan how;
  for (const auto bytes : o.sizes) {
    how.trials.push_back({&ring, {round_trip, 1, bytes}});
    how.trials.push_back({&ring, {drained, o.producers, bytes}});
  }
  how.repeats = o.repeats;
  how.span = bench::span_for(o.seconds, o.repeats * (1 + how.trials.size()));
  how.processors = processors_from(o.cpus);
  how.keeps_each = true;
  how.before_each_repeat = [&](bench::laboratory& lab) {
    out.line.push_back(lab.raw(bench::where::processes, line_span).each);
  };
  how.is_asked_to_stop = is_asked_to_stop;
  how.tell = show_progress;
  out.seen = bench::measure(how);
  for (const auto& one : out.seen.failures) throw std::runtime_error(one.why);
  return out;
}

std::vector<double> medians_of(const repeats& trips) {
  std::vector<double> all;
  for (const auto& one : trips) all.push_back(bench::median_of({one.begin(), one.end()}));
  return all;
}

json json_of(const repeats& trips) {
  std::vector<std::uint64_t> all;
  for (const auto& one : trips) all.insert(all.end(), one.begin(), one.end());
  std::ranges::sort(all);
  const auto at = bench::percentiles_of(all).value_or(bench::percentiles());
  return {{"samples", all.size()},
          {"p50_ns", at.p50},
          {"p99_ns", at.p99},
          {"p999_ns", at.p999},
          {"max_ns", at.max},
          {"p50_ns_of_repeats", bench::json_of(bench::spread_of(medians_of(trips)))}};
}

// What was seen of one size.
json size_of(std::uint64_t bytes, const outcome& out, std::size_t first_trial) {
  repeats trips;
  for (const auto* one : out.seen.of_trial(first_trial)) trips.push_back(one->each);
  auto ratios = medians_of(trips);
  std::ranges::transform(ratios, medians_of(out.line), ratios.begin(), std::divides());
  const auto rate =
      bench::spread_of(bench::each(out.seen.of_trial(first_trial + 1), &bench::sample::value));
  return {{"bytes", bytes},
          {"round_trip", json_of(trips)},
          {"p50_to_cache_line", bench::json_of(bench::spread_of(ratios))},
          {"messages_per_second", bench::json_of(rate)}};
}

// A line for the bare cache line, and one for each size.
bench::table table_of(const json& line, json sizes) {
  using bench::number_column;
  using bench::spread_column;
  sizes.insert(sizes.begin(), json::object({{"name", "line"}, {"round_trip", line}}));
  const auto payload = [](const json& of) -> std::string {
    const auto rate = bench::number_at(of, "/messages_per_second/median");
    return rate ? show_bytes(*rate * of["bytes"].get<double>()) + "/s" : "";
  };
  const auto name = [](const json& of) {
    return of.contains("name") ? of["name"].get<std::string>()
                               : show_bytes(of["bytes"].get<std::uint64_t>());
  };
  return bench::table_of(sizes, {{"bytes", name},
                                 number_column("p50", "/round_trip/p50_ns", bus::show_ns),
                                 number_column("p99", "/round_trip/p99_ns", bus::show_ns),
                                 number_column("p99.9", "/round_trip/p999_ns", bus::show_ns),
                                 number_column("max", "/round_trip/max_ns", bus::show_ns),
                                 spread_column("p50/line", "/p50_to_cache_line", bench::hundredths),
                                 spread_column("messages/s", "/messages_per_second", show_count),
                                 {"payload/s", payload}});
}

bench::report report_of(const bench_options& o, const outcome& out) {
  const double slice_ms = static_cast<double>(out.seen.span.count()) / 1e6;
  const auto cpus = processors_from(o.cpus);
  bench::report all;
  all.machine = bench::facts_of_this_machine();
  all.data = {{"cpus", cpus},
              {"wait", to_string(o.wait.how)},
              {"topology", to_string(o.topology())},
              {"producers", o.producers},
              {"repeats", o.repeats},
              {"slice_ms", slice_ms},
              {"loop", "closed"},
              {"cache_line", json_of(out.line)}};
  for (std::size_t i = 0; i < o.sizes.size(); ++i) {
    all.data["sizes"].push_back(size_of(o.sizes[i], out, 2 * i));
  }
  all.add(fmt::format(
              "Pinned to {}, waiting by {}; {}{}", fmt::join(cpus, ", "), to_string(o.wait.how),
              to_string(o.topology()),
              o.producers > 1 ? fmt::format(" with {} producers (throughput)", o.producers) : ""),
          fmt::format(
              "{} interleaved repeats of {:.0f} ms; closed loop: each round trip starts when the "
              "one\nbefore has ended, so waiting in a queue does not show. In brackets: the range "
              "of the\nmiddle half of the repeats. p50, p99, p99.9 and max are of a round trip "
              "between two\nprocesses; p50/line is its ratio to a bare cache line's, the limit",
              o.repeats, slice_ms),
          table_of(all.data["cache_line"], all.data["sizes"]));
  return all;
}

void run_bench(const bench_options& o) {
  if (o.asked == topology::spsc && o.producers > 1) {
    end_with(exit_code::usage, "an spsc ring has one producer; ask for mpsc");
  }
  static_cast<void>(processors_from(o.cpus));
  const auto ring = bench::ring_system(o.topology(), o.wait);
  const auto seen = report_of(o, measured([&] { return measure(o, ring); }));
  print_text(o.as_json ? bench::as_json(seen) : bench::as_text(seen));
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
    "in the same run: on a shared machine only the ratio to it means anything. Producers copy\n"
    "messages in; the consumer reads them in place. Every word is written and checked.\n"
    "\n"
    "Example: annulus bench --sizes 8,64,1KiB --seconds 10 --json >figures.json";

}  // namespace

const char* const measuring_examples =
    "  annulus bench\n"
    "      what this machine can do\n"
    "  annulus compare --quick\n"
    "      the ring, the pipe and the usual alternatives, and which of them to take\n";

void add_bench(CLI::App& app, exit_code& ends_with) {
  auto& command = add_command(app, "bench", "Measure this machine", footer);
  auto& o = options_of(command, ends_with, run_bench);
  o.wait.how = bench::processors::allowed().size() < 2 ? waiting::kind::block : waiting::kind::spin;
  command
      .add_option_function<std::vector<std::string>>(
          "--sizes", [&o](const std::vector<std::string>& texts) { o.sizes = parse_sizes(texts); },
          "message sizes (default: 8,64,256,1KiB,4KiB)")
      ->delimiter(',')
      ->type_name("SIZE,...");
  add_seconds(command, o.seconds);
  command.add_option("--repeats", o.repeats, "interleaved repeats (default: 5)")
      ->check(CLI::Range(1, 1000));
  add_topology(command, o.asked);
  command.add_option("--producers", o.producers, "producers of the throughput (mpsc; default: 1)")
      ->check(CLI::Range(1, 1024));
  add_waiting(command, o.wait);
  add_processors(command, o.cpus);
  command.add_flag("--json", o.as_json, "as JSON");
}

}  // namespace annulus::cli
