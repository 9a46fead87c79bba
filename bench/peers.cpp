// Measures annulus and its peers, interleaved in one run. README.md has the method.
#include "bench/peers_report.hpp"
#include "bench/systems/all.hpp"
#include "bench/trials.hpp"
#include <CLI/CLI.hpp>
#include <boost/version.hpp>
#include <ck_md.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

namespace annulus::bench {
namespace {

struct choices {
  plan how;
  bool is_quick = false;
  double milliseconds = 20;
  double wait = 60;
  double rest = 0;
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
  app.add_option("--wait", chosen.wait,
                 "How long to wait for near or far cores where the host moves us, seconds")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  app.add_option("--rest", chosen.rest, "Leave the machine to others for so long of each minute")
      ->check(CLI::Range(0.0, 59.0))
      ->capture_default_str();
  std::vector<std::string> experiments;
  for (const auto one : peer_experiments) experiments.emplace_back(to_string(one));
  app.add_option("--only", chosen.only, "Only these experiments")
      ->check(CLI::IsMember(experiments));
  app.add_option("--sizes", chosen.sizes, "Only messages of these sizes, bytes");
  app.add_option("--systems", chosen.named, "Only systems whose name contains one of these");
  app.add_option("--processors", chosen.how.processors,
                 "Use these; the first is the consumer's (default: all that are allowed)")
      ->delimiter(',');
  app.add_flag("--quick", chosen.is_quick,
               "A few messages each: whether all works, not how fast it is");
  app.add_option("--json", chosen.json, "Write every sample and the verdicts to this file");
  app.add_option("--markdown", chosen.markdown, "Write the report to this file too");
  app.add_option("--plot", chosen.plots, "Write SVG plots into this directory");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    std::exit(app.exit(e));
  }
  if (chosen.is_quick) chosen.milliseconds = 1;
  chosen.how.span = nanoseconds(static_cast<std::int64_t>(chosen.milliseconds * 1e6));
  chosen.how.patience = std::chrono::minutes(1);
  chosen.how.raw_span = std::chrono::milliseconds(chosen.is_quick ? 1 : 2);
  chosen.how.polls = true;
  chosen.how.are_busy = chosen.is_quick;
  chosen.how.has_distances = !chosen.is_quick;
  chosen.how.wait = std::chrono::duration<double>(chosen.wait);
  chosen.how.rest = std::chrono::duration<double>(chosen.rest);
  if (chosen.how.processors.empty()) chosen.how.processors = processors::allowed();
  if (!chosen.is_quick && may_be_realtime()) chosen.how.wanted = priority::realtime;
  if (isatty(STDERR_FILENO) != 0) {
    chosen.how.tell = [](const std::string& where) { fmt::print(stderr, "\r{}\x1b[K", where); };
  }
  return chosen;
}

std::vector<system> all_systems() {
  std::vector<system> all;
  for (const auto& some :
       {sized_ring_systems(), named_systems(), limited_systems(), plain_systems(),
        plain_claimed_systems(), boost_systems(), moodycamel_systems(), ck_systems(),
        pipe_systems(),
        std::vector{boost_message_queue_system(), posix_queue_system(), unix_socket_system()}}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

template <class T>
bool admits(const std::vector<T>& chosen, const T& value) {
  return chosen.empty() || std::ranges::find(chosen, value) != chosen.end();
}

std::vector<trial> trials_from(const choices& chosen, const std::vector<system>& all) {
  auto trials = trials_of(all, chosen.is_quick ? 1 : 2);
  std::erase_if(trials, [&](const trial& t) {
    const auto is_in_name = [&](const std::string& part) {
      return t.of->name.find(part) != std::string::npos;
    };
    return !admits(chosen.only, std::string(to_string(t.in.what))) ||
           !admits(chosen.sizes, t.in.bytes) ||
           (!chosen.named.empty() && std::ranges::none_of(chosen.named, is_in_name));
  });
  return trials;
}

facts facts_of(const choices& chosen) {
  auto all = facts_of_this_machine();
  all.emplace_back(
      "peers", fmt::format("Boost {}.{}.{}, Concurrency Kit {}, moodycamel as packaged",
                           BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100,
                           CK_VERSION));
  all.emplace_back("priority", chosen.how.wanted == priority::realtime
                                   ? "real-time, where each side has a processor of its own"
                                   : "normal");
  all.emplace_back("method", fmt::format("{} repeats, interleaved; {} ms each; medians; ratios "
                                         "within the same repeat",
                                         chosen.how.repeats, chosen.milliseconds));
  return all;
}

void write(const std::string& file, const std::string& text) {
  if (file.empty()) return;
  std::ofstream to(file);
  to << text;
  if (!to.flush()) throw std::runtime_error("cannot write " + file);
}

int run(choices chosen) {
  const auto systems = all_systems();
  chosen.how.trials = trials_from(chosen, systems);
  const auto seen = measure(chosen.how);
  const auto report = report_of(facts_of(chosen), seen);
  const auto text = "# annulus and its peers, measured\n\n" + as_markdown(report);
  std::fputs(text.c_str(), stdout);
  write(chosen.markdown, text);
  write(chosen.json, as_json(report));
  if (!chosen.plots.empty()) {
    const auto why = draw(report.pictures, chosen.plots);
    if (!why.empty()) throw std::runtime_error(why);
  }
  for (const auto& one : seen.failures) fmt::print(stderr, "peers: {}\n", one.why);
  return seen.failures.empty() ? 0 : 1;
}

}  // namespace
}  // namespace annulus::bench

int main(int argc, char** argv) {
  using namespace annulus::bench;
  try {
    return run(parse(argc, argv));
  } catch (const std::exception& e) {
    fmt::print(stderr, "peers: {}\n", e.what());
    return 2;
  }
}
