// What the programs of developers share: the options of a measurement, and where its report goes.
#pragma once

#include "bench/from_to.hpp"
#include "bench/line.hpp"
#include "bench/report.hpp"
#include "bench/trials.hpp"
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>

namespace annulus::bench {

struct program_options {
  double milliseconds = 20;
  unsigned repeats = 5;
  std::string json{}, plots{};

  [[nodiscard]] nanoseconds span() const {
    return nanoseconds(static_cast<std::int64_t>(milliseconds * 1e6));
  }
};

inline void add_options(CLI::App& app, program_options& o) {
  app.add_option("--span", o.milliseconds, "How long one measurement lasts, milliseconds")
      ->check(from_to(1, 10000))
      ->capture_default_str();
  app.add_option("--repeats,--rounds", o.repeats, "How often everything is measured")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--json", o.json, "Write every figure to this file");
  app.add_option("--plot", o.plots, "Write SVG plots into this directory");
}

// On two cores, with real-time priority where that is allowed.
[[nodiscard]] inline plan plan_of(const program_options& o, std::chrono::seconds patience) {
  plan how;
  how.span = o.span();
  how.repeats = o.repeats;
  how.patience = patience;
  how.processors = processors::two_cores();
  if (how.processors.empty()) how.processors = processors::allowed();
  if (may_be_realtime()) how.wanted = priority::realtime;
  return how;
}

// This machine, and how near each other its cores were.
[[nodiscard]] inline facts facts_of_cores(double raw_ns) {
  auto all = facts_of_this_machine();
  all.emplace_back("raw round trip",
                   fmt::format("{:.0f} ns: cores {}", raw_ns, distance_of(raw_ns)));
  return all;
}

// Prints the report, and writes what was asked for. Throws what cannot be written.
inline void deliver(const report& of, const std::string& title, const program_options& o) {
  fmt::print("# {}\n\n{}", title, as_markdown(of));
  if (!o.json.empty()) {
    std::ofstream to(o.json);
    to << as_json(of);
    if (!to.flush()) throw std::runtime_error("cannot write " + o.json);
  }
  if (o.plots.empty()) return;
  if (const auto why = draw(of.pictures, o.plots); !why.empty()) throw std::runtime_error(why);
}

// Parses the command line, and runs. What main() returns.
template <class Run>
int run_program(CLI::App& app, int argc, char** argv, Run run) {
  try {
    app.parse(argc, argv);
    return run();
  } catch (const CLI::ParseError& e) {
    return app.exit(e);
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}: {}\n", app.get_name(), e.what());
    return 2;
  }
}

}  // namespace annulus::bench
