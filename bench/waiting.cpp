// What waiting costs: the curve of CPU against latency at a steady rate, for each way in which a
// consumer waits, and what roles cost that have nothing to do.
#include "bench/experiments.hpp"
#include "bench/json.hpp"
#include "bench/machine.hpp"
#include "bench/plot.hpp"
#include "bench/statistics.hpp"
#include "bench/summary.hpp"
#include "bench/systems/all.hpp"
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <annulus/ring/ring.hpp>

namespace annulus::bench {
namespace {

using std::chrono::microseconds;

struct choices {
  double rate = 50'000;
  double milliseconds = 500;
  unsigned rounds = 3;
  unsigned idle = 100;
  std::string json, plots;
};

struct way {
  std::string name;
  waiting how;
  // One of each round.
  std::vector<double> p50, p99, consumer, producer;
};

std::vector<way> ways() {
  using kind = waiting::kind;
  std::vector<way> all{{"spin", {kind::spin}, {}, {}, {}, {}},
                       {"block, 20 us of spinning", {kind::block}, {}, {}, {}, {}},
                       {"block at once", {kind::block, nanoseconds(0)}, {}, {}, {}, {}}};
  for (const int us : {20, 50, 100, 150, 200, 300, 500, 1000, 2000}) {
    all.push_back(
        {fmt::format("nap {} us", us), {kind::nap, {}, microseconds(us)}, {}, {}, {}, {}});
  }
  return all;
}

void measure(laboratory& lab, way& of, double rate) {
  // The producer sleeps as well only where there is no room; so it waits as the consumer does.
  const auto ring = ring_system(topology::spsc, of.how);
  const shape how;
  auto seen = lab.one_way(ring, how, {rate, 1}).each;
  std::ranges::sort(seen);
  const auto latency = percentiles_of(seen).value();
  const auto cpu = lab.cpu(ring, how, rate);
  of.p50.push_back(latency.p50 / 1000);
  of.p99.push_back(latency.p99 / 1000);
  of.consumer.push_back(100 * cpu.consumer);
  of.producer.push_back(100 * cpu.producer_calls);
}

// N consumers, each blocked with a live producer that is silent.
struct idle_cost {
  double cpu = 0;       // of one core
  double wake_ups = 0;  // a second, of all
};

idle_cost idle(unsigned count, std::chrono::seconds span) {
  const auto used = [] {
    rusage u{};
    getrusage(RUSAGE_SELF, &u);
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return idle_cost{seconds(u.ru_utime) + seconds(u.ru_stime), static_cast<double>(u.ru_nvcsw)};
  };
  std::vector<spsc_producer> silent;
  std::vector<spsc_consumer> blocked;
  for (unsigned i = 0; i < count; ++i) {
    const auto ring = segment::anonymous({.capacity = 4096}).value();
    silent.push_back(spsc_producer::attach(ring).value());
    blocked.push_back(spsc_consumer::attach(ring).value());
  }
  std::vector<std::jthread> waits;
  for (auto& one : blocked) waits.emplace_back([&one] { (void)one.read(no_deadline); });
  std::this_thread::sleep_for(std::chrono::seconds(2));  // the silence grows
  const auto before = used();
  std::this_thread::sleep_for(span);
  const auto after = used();
  for (auto& one : blocked) one.interrupt();
  const auto seconds = static_cast<double>(span.count());
  return {100 * (after.cpu - before.cpu) / seconds, (after.wake_ups - before.wake_ups) / seconds};
}

void print(const choices& chosen, const std::vector<way>& all) {
  fmt::print(
      "\n128 B, {:.0f} messages a second. CPU in % of a core; the producer's: in its sends.\n\n",
      chosen.rate);
  fmt::print(
      "| the consumer | p50, us | p99, us | CPU, consumer | CPU, producer |\n"
      "|---|---:|---:|---:|---:|\n");
  for (const auto& one : all) {
    fmt::print("| {} | {:.1f} | {:.1f} | {:.2f} | {:.2f} |\n", one.name, median_of(one.p50),
               median_of(one.p99), median_of(one.consumer), median_of(one.producer));
  }
}

void write_json(const std::string& file, const choices& chosen, const std::vector<way>& all,
                const idle_cost& idle) {
  json curve = json::array();
  for (const auto& one : all) {
    curve.push_back({{"name", one.name},
                     {"p50_us", one.p50},
                     {"p99_us", one.p99},
                     {"consumer_percent", one.consumer},
                     {"producer_percent", one.producer}});
  }
  const json whole{{"rate", chosen.rate},
                   {"curve", curve},
                   {"idle",
                    {{"consumers", chosen.idle},
                     {"cpu_percent", idle.cpu},
                     {"wake_ups_per_second", idle.wake_ups}}}};
  std::ofstream(file) << whole.dump(1) << '\n';
}

std::string drawn(const choices& chosen, const std::vector<way>& all) {
  curve naps{"nap", "", true}, others{"spin and block", "", false};
  for (const auto& one : all) {
    auto& of = one.how.how == waiting::kind::nap ? naps : others;
    of.rows += fmt::format("{} {}\n", median_of(one.p50), std::max(median_of(one.consumer), 0.01));
  }
  return draw({{"waiting.svg",
                fmt::format("A consumer at {:.0f} messages a second", chosen.rate),
                "p50 one way, us",
                "CPU, % of a core",
                {naps, others}}},
              chosen.plots);
}

int measure_all(const choices& chosen) {
  laboratory lab(
      processors(processors::two_cores().empty() ? processors::allowed() : processors::two_cores(),
                 priority::realtime),
      nanoseconds(static_cast<std::int64_t>(chosen.milliseconds * 1e6)), std::chrono::seconds(10));
  const auto raw = spread_of([&] {
    const auto trips = lab.raw(where::processes, std::chrono::milliseconds(20));
    return std::vector<double>(trips.each.begin(), trips.each.end());
  }());
  fmt::print("raw round trip {:.0f} ns: cores {}\n", raw.median,
             raw.median < near_below ? "near" : "far");
  auto all = ways();
  for (unsigned round = 0; round < chosen.rounds; ++round) {
    for (auto& one : all) measure(lab, one, chosen.rate);
  }
  print(chosen, all);
  const auto cost = idle(chosen.idle, std::chrono::seconds(4));
  fmt::print("\n{} idle blocked consumers: {:.2f} % of a core, {:.1f} wake-ups a second each\n",
             chosen.idle, cost.cpu, cost.wake_ups / chosen.idle);
  if (!chosen.json.empty()) write_json(chosen.json, chosen, all, cost);
  const std::string why = chosen.plots.empty() ? "" : drawn(chosen, all);
  if (!why.empty()) fmt::print(stderr, "no plot: {}\n", why);
  return why.empty() ? 0 : 1;
}

int run(int argc, char** argv) {
  choices chosen;
  CLI::App app{"What waiting costs: CPU against latency at a steady rate, and idle roles."};
  app.add_option("--rate", chosen.rate, "Messages a second")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  app.add_option("--span", chosen.milliseconds, "How long one measurement lasts, milliseconds")
      ->check(CLI::Range(1.0, 10000.0))
      ->capture_default_str();
  app.add_option("--rounds", chosen.rounds, "How often everything is measured")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--idle", chosen.idle, "How many idle consumers")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--json", chosen.json, "Write every sample to this file");
  app.add_option("--plot", chosen.plots, "Write an SVG plot into this directory");
  try {
    app.parse(argc, argv);
    return measure_all(chosen);
  } catch (const CLI::ParseError& e) {
    return app.exit(e);
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 1;
  }
}

}  // namespace
}  // namespace annulus::bench

int main(int argc, char** argv) { return annulus::bench::run(argc, argv); }
