// annulus compare: the ring, the pipe and the usual alternatives, measured on this machine.
#include "bench/comparison_report.hpp"
#include "bench/systems/all.hpp"
#include "cli/commands.hpp"
#include "cli/measuring.hpp"

#include <string>
#include <vector>

namespace annulus::cli {
namespace {

struct compare_options {
  bench::comparison_options how;
  std::vector<std::string> only;
  bool is_quick = false;
  bool as_json = false;
  std::string plots;
};

constexpr double quick_seconds = 12;
constexpr unsigned quick_rounds = 3;

std::vector<bench::system> chosen(const std::vector<std::string>& only) {
  auto all = bench::all_transports();
  std::vector<std::string> names;
  names.reserve(all.size());
  for (const auto& one : all) names.push_back(one.name);
  std::erase_if(all, [&](const bench::system& one) {
    return !only.empty() && std::ranges::none_of(only, [&](const std::string& part) {
      return one.name.find(part) != std::string::npos;
    });
  });
  if (!all.empty()) return all;
  end_with(exit_code::usage, "--only {}: there are {}", fmt::join(only, ","),
           fmt::join(names, "; "));
}

bench::comparison_options plan_of(const compare_options& o) {
  bench::comparison_options how = o.how;
  if (o.is_quick) {
    how.seconds = std::min(how.seconds, quick_seconds);
    how.repeats = std::min(how.repeats, quick_rounds);
  }
  if (how.bytes % 8 != 0) {
    end_with(exit_code::usage,
             "--bytes {} is not a multiple of 8: every word is written and checked", how.bytes);
  }
  how.systems = chosen(o.only);
  if (!o.plots.empty()) how.sizes = {8, 64, 256, 1024, 4096, 16384, 65536};
  how.processors = processors_from(how.processors);
  how.is_asked_to_stop = is_asked_to_stop;
  how.tell = show_progress;
  return how;
}

void run_compare(const compare_options& o) {
  const auto how = plan_of(o);
  const auto seen = bench::report_of(bench::facts_of_this_machine(),
                                     measured([&] { return bench::compare(how); }));
  print_text(o.as_json ? bench::as_json(seen) : bench::as_text(seen));
  if (o.plots.empty()) return;
  if (const auto why = bench::draw(seen.pictures, o.plots); !why.empty()) {
    remark("no plots: {}", why);
  }
}

constexpr const char* footer =
    "Two processes, each transport in turn, round after round; each figure beside its target. It\n"
    "ends with a recommendation: which transport for which need, on this machine.\n"
    "\n"
    "Examples:\n"
    "  annulus compare --quick\n"
    "  annulus compare --only ring --rate 200000 --bytes 64\n"
    "  annulus compare --plots plots --json >figures.json";

}  // namespace

void add_compare(CLI::App& app, exit_code& ends_with) {
  auto& command = add_command(app, "compare", "Measure the transports against each other", footer);
  auto& o = options_of(command, ends_with, run_compare);
  command.add_flag("--quick", o.is_quick, "some 12 seconds, three rounds");
  command.add_option("--bytes", o.how.bytes, "message size, a multiple of 8 (default: 128)")
      ->check(CLI::Range(8, 64 << 10));
  command
      .add_option("--rate", o.how.rate,
                  "messages a second of the open loop and of the CPU's share (default: 50000)")
      ->check(from_to(10.0, 10e6));
  add_seconds(command, o.how.seconds)->excludes("--quick");
  command.add_option("--rounds", o.how.repeats, "interleaved rounds (default: 5)")
      ->check(CLI::Range(1, 1000))
      ->excludes("--quick");
  command.add_option("--only", o.only, "only transports whose name contains one of these")
      ->delimiter(',')
      ->type_name("NAME,...");
  add_processors(command, o.how.processors);
  command.add_flag("--json", o.as_json, "as JSON");
  command.add_option("--plots", o.plots, "write SVG plots into this directory (by gnuplot)")
      ->type_name("DIR");
}

}  // namespace annulus::cli
