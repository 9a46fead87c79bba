// Measures annulus and its peers, interleaved in one run. README.md has the method.
#include "bench/peers_report.hpp"
#include "bench/program.hpp"
#include "bench/systems/all.hpp"
#include "bench/trials.hpp"
#include <boost/version.hpp>
#include <ck_md.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace annulus::bench {
namespace {

constexpr unsigned most_producers = 4;

const std::vector<std::size_t> all_sizes{8, 16, 32, 48, 64, 128, 256, 512, 1024, 2048, 4096};
const std::vector<std::size_t> fewer_sizes{8, 16, 32, 48, 128, 512, 4096};

struct series {
  experiment what;
  std::vector<std::size_t> sizes;
  std::vector<std::size_t> capacities;  // each system is shown with the better one
};
const std::vector<series> all_series{
    {experiment::per_message, all_sizes, {128 << 10, 1 << 20}},
    {experiment::drained, all_sizes, {128 << 10, 1 << 20}},
    {experiment::batches, {128}, {1 << 20}},
    {experiment::many_producers, {8, 16, 32, 48, 128, 512, 1024, 4096}, {128 << 10, 1 << 20}},
    {experiment::round_trip, fewer_sizes, {16 << 10, 128 << 10}},
    {experiment::bursts, {16, 128, 1024}, {1 << 20}},
};

bool takes_part(const system& one, experiment what) {
  if (what == experiment::many_producers) return one.most_producers > 1;
  return what != experiment::batches || one.has_batches;
}

struct choices {
  program_options program;
  plan how;
  bool is_quick = false;
  double wait = 60;
  double rest = 0;
  std::vector<std::string> only;
  std::vector<std::size_t> sizes;
  std::vector<std::string> named;
};

void describe(CLI::App& app, choices& chosen) {
  add_options(app, chosen.program);
  app.add_option("--wait", chosen.wait,
                 "How long to wait for near or far cores where the host moves us, seconds")
      ->check(from_to(0, 86400))
      ->capture_default_str();
  app.add_option("--rest", chosen.rest, "Leave the machine to others for so long of each minute")
      ->check(from_to(0, 59))
      ->capture_default_str();
  std::vector<std::string> experiments;
  for (const auto& one : all_series) experiments.emplace_back(to_string(one.what));
  app.add_option("--only", chosen.only, "Only these experiments")
      ->check(CLI::IsMember(experiments));
  app.add_option("--sizes", chosen.sizes, "Only messages of these sizes, bytes");
  app.add_option("--systems", chosen.named, "Only systems whose name contains one of these");
  app.add_option("--processors", chosen.how.processors,
                 "Use these; the first is the consumer's (default: all that are allowed)")
      ->delimiter(',');
  app.add_flag("--quick", chosen.is_quick,
               "A few messages each: whether all works, not how fast it is");
}

void complete(choices& chosen) {
  if (chosen.is_quick) chosen.program.milliseconds = 1;
  chosen.how.span = chosen.program.span();
  chosen.how.repeats = chosen.program.repeats;
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

std::vector<trial> trials_of(const std::vector<system>& all, std::size_t most_capacities) {
  std::vector<trial> out;
  for (const auto& [what, sizes, capacities] : all_series) {
    const unsigned most = what == experiment::many_producers ? most_producers : 1;
    for (unsigned producers = 1; producers <= most; ++producers) {
      for (const auto bytes : sizes) {
        for (const auto& one : all) {
          if (!one.missing.empty() || !takes_part(one, what)) continue;
          for (std::size_t i = 0; i < std::min(most_capacities, capacities.size()); ++i) {
            out.push_back({&one, {what, producers, bytes}, capacities[i]});
          }
        }
      }
    }
  }
  return out;
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
                                         chosen.how.repeats, chosen.program.milliseconds));
  return all;
}

int run(choices chosen) {
  complete(chosen);
  const auto systems = all_systems();
  chosen.how.trials = trials_from(chosen, systems);
  const auto seen = measure(chosen.how);
  deliver(report_of(facts_of(chosen), seen), "annulus and its peers, measured", chosen.program);
  for (const auto& one : seen.failures) fmt::print(stderr, "peers: {}\n", one.why);
  return seen.failures.empty() ? 0 : 1;
}

}  // namespace
}  // namespace annulus::bench

int main(int argc, char** argv) {
  annulus::bench::choices chosen;
  CLI::App app("Measures annulus and its peers, interleaved in one run.", "peers");
  annulus::bench::describe(app, chosen);
  return annulus::bench::run_program(app, argc, argv, [&] { return run(chosen); });
}
