// What waiting costs: the curve of CPU against latency at a steady rate, for each way in which a
// consumer waits, and what roles cost that have nothing to do.
#include "bench/program.hpp"
#include "bench/systems/all.hpp"
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include <annulus/ring/ring.hpp>

namespace annulus::bench {
namespace {

using std::chrono::microseconds;

struct choices {
  program_options program{.milliseconds = 500, .repeats = 3};
  double rate = 50'000;
  unsigned idle = 100;
};

struct way {
  system of;  // the producer waits as the consumer does, but only where there is no room
  bool naps;
  // One of each round.
  std::vector<double> p50, p99, consumer, producer;
};

std::vector<way> ways() {
  using kind = waiting::kind;
  std::vector<way> all;
  const auto add = [&](std::string name, const waiting& how) {
    all.push_back({ring_system(topology::spsc, how), how.how == kind::nap, {}, {}, {}, {}});
    all.back().of.name = std::move(name);
  };
  add("spin", {kind::spin});
  add("block, 20 us of spinning", {kind::block});
  add("block at once", {kind::block, nanoseconds(0)});
  for (const int us : {20, 50, 100, 150, 200, 300, 500, 1000, 2000}) {
    add(fmt::format("nap {} us", us), {kind::nap, {}, microseconds(us)});
  }
  return all;
}

// Fills in what was measured of each.
void measure_curve(std::vector<way>& all, plan how) {
  const auto bytes = shape().bytes;
  for (const auto& one : all) {
    how.trials.push_back({&one.of, {experiment::on_time, 1, bytes}});
    how.trials.push_back({&one.of, {experiment::cpu, 1, bytes}});
  }
  const auto seen = measure_or_throw(how);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto on_time = seen.of_trial(2 * i), cpu = seen.of_trial(2 * i + 1);
    all[i].p50 = each(on_time, [](auto* s) { return s->tail.p50 / 1000; });
    all[i].p99 = each(on_time, [](auto* s) { return s->tail.p99 / 1000; });
    all[i].consumer = each(cpu, [](auto* s) { return 100 * s->cpu.consumer; });
    all[i].producer = each(cpu, [](auto* s) { return 100 * s->cpu.producer_calls; });
  }
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
    return idle_cost{cpu_seconds(), static_cast<double>(u.ru_nvcsw)};
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

report report_of(const choices& chosen, const std::vector<way>& all, const idle_cost& idle) {
  report out;
  out.data["rate"] = chosen.rate;
  table figures({"the consumer", "p50, us", "p99, us", "CPU, consumer", "CPU, producer"});
  curve naps{"nap", "", true}, others{"spin and block", "", false};
  for (const auto& one : all) {
    const auto p50 = median_of(one.p50), cpu = median_of(one.consumer);
    figures.add({one.of.name, fmt::format("{:.1f}", p50), fmt::format("{:.1f}", median_of(one.p99)),
                 hundredths(cpu), hundredths(median_of(one.producer))});
    out.data["curve"].push_back({{"name", one.of.name},
                                 {"p50_us", one.p50},
                                 {"p99_us", one.p99},
                                 {"consumer_percent", one.consumer},
                                 {"producer_percent", one.producer}});
    (one.naps ? naps : others).rows += fmt::format("{} {}\n", p50, std::max(cpu, 0.01));
  }
  out.add(fmt::format("128 B, {:.0f} messages a second", chosen.rate),
          "CPU in % of a core; the producer's: in its sends.", std::move(figures));
  out.data["idle"] = {{"consumers", chosen.idle},
                      {"cpu_percent", idle.cpu},
                      {"wake_ups_per_second", idle.wake_ups}};
  out.remarks = fmt::format(
      "\n{} idle blocked consumers: {:.2f} % of a core, {:.1f} wake-ups a second each\n",
      chosen.idle, idle.cpu, idle.wake_ups / chosen.idle);
  out.pictures = {{"waiting.svg",
                   fmt::format("A consumer at {:.0f} messages a second", chosen.rate),
                   "p50 one way, us",
                   "CPU, % of a core",
                   {naps, others}}};
  return out;
}

int measure_all(const choices& chosen) {
  plan how = plan_of(chosen.program, std::chrono::seconds(10));
  how.rate = chosen.rate;
  double raw = 0;
  how.before_each_repeat = [&raw](laboratory& lab) {
    raw = lab.raw(where::processes, std::chrono::milliseconds(20)).mean;
  };
  auto all = ways();
  measure_curve(all, how);
  auto found = report_of(chosen, all, idle(chosen.idle, std::chrono::seconds(4)));
  found.machine = facts_of_cores(raw);
  deliver(found, "What waiting costs", chosen.program);
  return 0;
}

}  // namespace
}  // namespace annulus::bench

int main(int argc, char** argv) {
  annulus::bench::choices chosen;
  CLI::App app("What waiting costs: CPU against latency at a steady rate, and idle roles.",
               "waiting");
  annulus::bench::add_options(app, chosen.program);
  app.add_option("--rate", chosen.rate, "Messages a second")
      ->check(annulus::bench::from_to(1, 1e6))
      ->capture_default_str();
  app.add_option("--idle", chosen.idle, "How many idle consumers")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  return annulus::bench::run_program(app, argc, argv, [&] { return measure_all(chosen); });
}
