// Measures annulus and its peers, interleaved in one run. See README.md for the method.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>

#include "machine.hpp"
#include "measure.hpp"
#include "report.hpp"
#include "trial.hpp"

namespace {

using namespace annulus::bench;

struct choices {
  plan how;
  double milliseconds = 20;
  std::vector<int> processors_to_use;
  std::vector<std::string> only;
  std::vector<std::size_t> sizes;
  std::vector<std::string> named;
  std::string json, markdown, plots;
};

choices parse(int argc, char** argv) {
  choices chosen;
  CLI::App app{"Measures annulus and its peers, interleaved in one run."};
  app.add_option("--repeats", chosen.how.repeats, "How often everything is measured")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--span", chosen.milliseconds, "How long one measurement lasts, milliseconds")
      ->check(CLI::Range(1.0, 10000.0))
      ->capture_default_str();
  app.add_option("--only", chosen.only, "Only these")
      ->check(CLI::IsMember({"throughput", "many_producers", "round_trip"}));
  app.add_option("--sizes", chosen.sizes, "Only messages of these sizes, bytes");
  app.add_option("--systems", chosen.named, "Only systems whose name contains one of these");
  app.add_option("--processors", chosen.processors_to_use,
                 "Use these; the first is the consumer's (default: all that are allowed)")
      ->delimiter(',');
  app.add_flag("--quick", chosen.how.quick,
               "A few messages each: whether all works, not how fast it is");
  app.add_option("--json", chosen.json, "Write every sample and the verdicts to this file");
  app.add_option("--markdown", chosen.markdown, "Write the report to this file too");
  app.add_option("--plot", chosen.plots, "Write SVG plots into this directory");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    std::exit(app.exit(e));
  }
  chosen.how.span = std::chrono::duration<double, std::milli>(chosen.milliseconds);
  if (chosen.processors_to_use.empty()) chosen.processors_to_use = processors::allowed();
  return chosen;
}

template <class T>
bool admits(const std::vector<T>& chosen, const T& value) {
  return chosen.empty() || std::find(chosen.begin(), chosen.end(), value) != chosen.end();
}

std::vector<trial> trials_of(const choices& chosen) {
  std::vector<trial> all;
  if (admits<std::string>(chosen.only, "round_trip")) add_round_trips(all);
  if (admits<std::string>(chosen.only, "throughput")) add_throughput(all);
  if (admits<std::string>(chosen.only, "many_producers")) add_many_producers(all);
  std::erase_if(all, [&](const trial& t) {
    const auto is_in_name = [&](const std::string& part) {
      return std::string_view(t.system->name).find(part) != std::string_view::npos;
    };
    return !admits(chosen.sizes, t.bytes) ||
           (!chosen.named.empty() &&
            std::none_of(chosen.named.begin(), chosen.named.end(), is_in_name));
  });
  return all;
}

void write(const std::string& file, const std::string& text) {
  if (file.empty()) return;
  std::ofstream to(file);
  to << text;
  if (!to.flush()) throw std::runtime_error("cannot write " + file);
}

int run(const choices& chosen) {
  const processors on(chosen.processors_to_use, chosen.how.quick);
  const auto trials = trials_of(chosen);
  const auto samples = measure(trials, on, chosen.how);

  const std::vector<results> by_distance{{trials, samples, true}, {trials, samples, false}};
  auto machine = facts_of_this_machine(on);
  machine.emplace_back(
      "method", fmt::format("{} repeats, interleaved; {} ms each; medians; ratios within the same "
                            "repeat; cores near: raw round trip below {} ns",
                            chosen.how.repeats, chosen.milliseconds, near_below));
  const auto text = report_for_people(machine, on, trials, by_distance);
  std::fputs(text.c_str(), stdout);
  write(chosen.markdown, text);
  write(chosen.json, report_as_json(machine, trials, samples, by_distance));
  if (!chosen.plots.empty()) plot(chosen.plots, by_distance);

  int wrong = 0;
  for (const auto& one : samples) {
    if (one.seen.wrong == 0) continue;
    ++wrong;
    fmt::print(stderr, "{}, {} bytes: {} messages were damaged or out of order\n",
               trials[one.trial].system->name, trials[one.trial].bytes, one.seen.wrong);
  }
  return wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(parse(argc, argv));
  } catch (const std::exception& e) {
    fmt::print(stderr, "compare: {}\n", e.what());
    return 2;
  }
}
