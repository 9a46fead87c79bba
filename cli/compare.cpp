// annulus compare: the ring, the pipe and the usual alternatives, measured on this machine.
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/measure.hpp"
#include "cli/signals.hpp"
#include "compare/report.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace annulus::cli {
namespace {

struct compare_options {
  compare::plan how;
  std::vector<std::string> only;
  bool is_quick = false;
  bool as_json = false;
  std::string plots;
};

constexpr double quick_seconds = 12;
constexpr unsigned quick_rounds = 3;

std::vector<compare::transport> chosen(const std::vector<std::string>& only) {
  auto all = compare::all_transports();
  std::vector<std::string> names;
  for (const auto& one : all) names.push_back(one.name);
  std::erase_if(all, [&](const compare::transport& one) {
    return !only.empty() && std::ranges::none_of(only, [&](const std::string& part) {
      return one.name.find(part) != std::string::npos;
    });
  });
  if (!all.empty()) return all;
  throw command_error{exit_code::usage, fmt::format("--only {}: there are {}", fmt::join(only, ","),
                                                    fmt::join(names, "; "))};
}

compare::plan plan_of(const compare_options& o) {
  compare::plan how = o.how;
  if (o.is_quick) {
    how.seconds = std::min(how.seconds, quick_seconds);
    how.rounds = std::min(how.rounds, quick_rounds);
  }
  if (how.bytes % 8 != 0) {
    throw command_error{exit_code::usage,
                        fmt::format("--bytes {} is not a multiple of 8: every word is written and "
                                    "checked",
                                    how.bytes)};
  }
  how.transports = chosen(o.only);
  if (!o.plots.empty()) how.sizes = {8, 64, 256, 1024, 4096, 16384, 65536};
  if (how.processors.empty()) how.processors = choose_cpus();
  if (how.processors.empty()) how.processors = allowed_cpus();
  require_ours(how.processors);
  how.is_asked_to_stop = [] { return stop_signal() != 0; };
  const bool is_terminal = isatty(STDERR_FILENO) != 0;
  how.tell = [is_terminal](const std::string& where) {
    if (is_terminal) remark_text("\r" + where + "\x1b[K");
  };
  return how;
}

compare::comparison measured(const compare::plan& how) {
  try {
    auto seen = compare::measure(how);
    if (isatty(STDERR_FILENO) != 0) remark_text("\r\x1b[K");
    return seen;
  } catch (const compare::broken_off&) {
    throw stopped{};
  }
}

void run_compare(const compare_options& o) {
  const auto seen = compare::report_of(compare::facts_of_this_machine(), measured(plan_of(o)));
  if (o.as_json) {
    print_text(compare::as_json(seen));
  } else {
    print_text(compare::heading(seen) + compare::tables(seen) + compare::recommendation(seen));
  }
  if (o.plots.empty()) return;
  if (const auto why = compare::plot(seen, o.plots); !why.empty()) {
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

void add_compare(CLI::App& app, exit_code&) {
  auto o = std::make_shared<compare_options>();
  auto* command = app.add_subcommand("compare", "Measure the transports against each other");
  command->footer(footer);
  command->add_flag("--quick", o->is_quick, "some 12 seconds, three rounds");
  command->add_option("--bytes", o->how.bytes, "message size, a multiple of 8 (default: 128)")
      ->check(CLI::Range(8, 64 << 10));
  command
      ->add_option("--rate", o->how.rate,
                   "messages a second of the open loop and of the CPU's share (default: 50000)")
      ->check(CLI::Range(10.0, 10e6));
  command->add_option("--seconds", o->how.seconds, "how long it all takes, about (default: 75)")
      ->check(CLI::Range(0.1, 86400.0))
      ->excludes("--quick");
  command->add_option("--rounds", o->how.rounds, "interleaved rounds (default: 5)")
      ->check(CLI::Range(1, 1000))
      ->excludes("--quick");
  command->add_option("--only", o->only, "only transports whose name contains one of these")
      ->delimiter(',')
      ->type_name("NAME,...");
  command
      ->add_option("--cpus", o->how.processors,
                   "processors to pin to, the consumer's first (default: two)")
      ->delimiter(',')
      ->type_name("N,N");
  command->add_flag("--json", o->as_json, "as JSON");
  command->add_option("--plots", o->plots, "write SVG plots into this directory (by gnuplot)")
      ->type_name("DIR");
  command->callback([o] { run_compare(*o); });
}

}  // namespace annulus::cli
