// annulus stat: rings seen from outside. Reads only, disturbs nobody.
#include "cli/commands.hpp"
#include "cli/options.hpp"
#include "cli/signals.hpp"
#include "cli/text.hpp"
#include <dirent.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include <annulus/ring/inspect.hpp>
#include <annulus/ring/record.hpp>

namespace annulus::cli {
namespace {

using json = nlohmann::ordered_json;
using clock = std::chrono::steady_clock;

struct stat_options {
  std::string name;  // empty: all there are
  bool as_json = false;
  double watch_seconds = 0;  // 0: once
};

struct sight {
  ring_report ring;
  clock::time_point at;
};

struct rates {
  double messages = 0;  // read, a second
  double bytes = 0;
};

sight look(const std::string& name) {
  // Of whoever owns it: nothing is written, and no word of it is believed.
  const auto memory = must(segment::open(name, access::read_only, ownership::any));
  return {must(inspect(memory)), clock::now()};
}

rates between(const sight& before, const sight& now) {
  const double seconds = std::chrono::duration<double>(now.at - before.at).count();
  const auto per_second = [&](std::uint64_t was, std::uint64_t is) {
    return is >= was && seconds > 0 ? static_cast<double>(is - was) / seconds : 0;
  };
  const auto& was = before.ring.consumer.counters;
  const auto& is = now.ring.consumer.counters;
  return {per_second(was.messages, is.messages), per_second(was.bytes, is.bytes)};
}

counters_report sum(const std::vector<producer_report>& producers) {
  counters_report all;
  for (const auto& one : producers) {
    all.messages += one.counters.messages;
    all.bytes += one.counters.bytes;
    all.refused += one.counters.refused;
    all.dropped += one.counters.dropped;
    all.waits += one.counters.waits;
    all.high_water = std::max(all.high_water, one.counters.high_water);
  }
  return all;
}

std::uint64_t high_water(const ring_report& ring) {
  return std::max({ring.consumer.counters.high_water, sum(ring.producers).high_water, ring.depth});
}

const char* word_for(presence p) noexcept {
  switch (p) {
    case presence::never_came: return "never came";
    case presence::attached: return "alive";
    case presence::closed: return "closed";
    case presence::died: return "dead";
  }
  return "?";
}

std::string show_bytes_of(std::uint64_t bytes) { return show_bytes(static_cast<double>(bytes)); }

// Who holds whom up, in words; empty: nobody.
std::string blocked_by(const ring_report& r) {
  const auto since = r.stalled_for_ns > 0
                         ? ", for " + show_span(std::chrono::nanoseconds(r.stalled_for_ns))
                         : std::string();
  if (r.front == front::unfinished) {
    if (r.front_producer >= r.producers.size()) {
      return fmt::format("a claim at {} without a header holds the consumer up{}", r.read_pos,
                         since);
    }
    const auto& who = r.producers[r.front_producer];
    return fmt::format("producer {} (process {}, {}) has claimed at {} and not committed{}",
                       r.front_producer, who.pid, word_for(who.state), r.read_pos, since);
  }
  if (!r.producers_wait) return {};
  switch (r.consumer.state) {
    case presence::attached:
      return fmt::format("producers wait for room: the consumer (process {}) is slow",
                         r.consumer.pid);
    case presence::died:
      return fmt::format("producers wait for room: the consumer (process {}) is dead",
                         r.consumer.pid);
    default: return "producers wait for room: there is no consumer";
  }
}

void show_role(const std::string& who, const role_report& role) {
  const auto& c = role.counters;
  fmt::print("  {:<12} {:<10} {:>8}  {:<19} {:>12} {:>10} {:>8} {:>8} {:>8}\n", who,
             word_for(role.state), role.pid,
             role.attached_at != 0 ? show_time(role.attached_at) : "", c.messages,
             show_bytes_of(c.bytes), c.refused, c.dropped, c.waits);
}

void show_ring(const std::string& name, const sight& seen, const rates* speed) {
  const auto& r = seen.ring;
  const auto& shape = r.geometry;
  fmt::print("shm:{}  {}, capacity {}, messages up to {}, integrity {}{}{}, since {}\n", name,
             to_string(shape.topology), show_bytes_of(shape.capacity),
             show_bytes_of(shape.max_message), to_string(shape.integrity),
             shape.huge_pages != 0 ? ", huge pages" : "",
             shape.transient != 0 ? ", made in passing" : "", show_time(shape.created_at));
  fmt::print("  depth {} ({:.0f} %), high water {}, read up to {}, written up to {}, next: {}\n",
             show_bytes_of(r.depth),
             100 * static_cast<double>(r.depth) / static_cast<double>(shape.capacity),
             show_bytes_of(high_water(r)), r.read_pos, r.write_pos, to_string(r.front));
  const auto& c = r.consumer.counters;
  if (c.recovered + c.corrupt > 0) {
    fmt::print("  claims of the dead skipped {}, stretches of damage skipped {}\n", c.recovered,
               c.corrupt);
  }
  if (speed != nullptr) {
    fmt::print("  now {} messages/s, {}/s\n", show_count(std::floor(speed->messages)),
               show_bytes(std::floor(speed->bytes)));
  }
  if (const auto why = blocked_by(r); !why.empty()) fmt::print("  BLOCKED: {}\n", why);
  fmt::print("  {:<12} {:<10} {:>8}  {:<19} {:>12} {:>10} {:>8} {:>8} {:>8}\n", "role", "state",
             "process", "attached", "messages", "bytes", "refused", "dropped", "waits");
  show_role("consumer", r.consumer);
  for (std::size_t i = 0; i < r.producers.size(); ++i) {
    if (r.producers[i].state == presence::never_came) continue;
    show_role(fmt::format("producer {}", i), r.producers[i]);
  }
}

json json_of(const counters_report& c) {
  return {{"messages", c.messages}, {"bytes", c.bytes},          {"refused", c.refused},
          {"dropped", c.dropped},   {"waits", c.waits},          {"recovered", c.recovered},
          {"corrupt", c.corrupt},   {"high_water", c.high_water}};
}

json json_of(const role_report& role) {
  return {{"state", std::string(to_string(role.state))},
          {"pid", role.pid},
          {"attached_at", role.attached_at},
          {"generation", role.generation},
          {"counters", json_of(role.counters)}};
}

json json_of(const std::string& name, const sight& seen, const rates* speed) {
  const auto& r = seen.ring;
  const auto& shape = r.geometry;
  json out = {{"name", "shm:" + name},
              {"topology", to_string(shape.topology)},
              {"capacity", shape.capacity},
              {"max_message", shape.max_message},
              {"integrity", to_string(shape.integrity)},
              {"huge_pages", shape.huge_pages != 0},
              {"transient", shape.transient != 0},
              {"created_at", shape.created_at},
              {"created_by", shape.created_by},
              {"read_pos", r.read_pos},
              {"write_pos", r.write_pos},
              {"depth", r.depth},
              {"high_water", high_water(r)},
              {"front", std::string(to_string(r.front))},
              {"consumer_sleeps", r.consumer_sleeps},
              {"producers_wait", r.producers_wait},
              {"stalled_for_ns", r.stalled_for_ns}};
  const auto why = blocked_by(r);
  out["blocked_by"] = why.empty() ? json() : json(why);
  if (speed != nullptr) {
    out["messages_per_second"] = speed->messages;
    out["bytes_per_second"] = speed->bytes;
  }
  out["consumer"] = json_of(r.consumer);
  out["producers"] = json::array();
  for (std::size_t i = 0; i < r.producers.size(); ++i) {
    if (r.producers[i].state == presence::never_came) continue;
    auto one = json_of(r.producers[i]);
    one["number"] = i;
    one["has_claim"] = r.producers[i].has_claim;
    if (r.producers[i].has_claim) one["claim_pos"] = r.producers[i].claim_pos;
    out["producers"].push_back(std::move(one));
  }
  return out;
}

std::vector<std::string> all_names() {
  constexpr std::string_view prefix = "annulus.";
  std::vector<std::string> names;
  DIR* const folder = opendir("/dev/shm");
  if (folder == nullptr) return names;
  while (const dirent* entry = readdir(folder)) {
    const std::string_view name = entry->d_name;
    if (name.starts_with(prefix)) names.emplace_back(name.substr(prefix.size()));
  }
  closedir(folder);
  std::ranges::sort(names);
  return names;
}

void show_line(const std::string& name, const ring_report& r) {
  const auto producers = sum(r.producers);
  const auto alive = std::ranges::count(r.producers, presence::attached, &role_report::state);
  const auto dead = std::ranges::count(r.producers, presence::died, &role_report::state);
  fmt::print("{:<24} {:<5} {:>9} {:>9} {:>10} {:>10} {:<11} {} alive, {} dead{}\n", "shm:" + name,
             to_string(r.geometry.topology), show_bytes_of(r.geometry.capacity),
             show_bytes_of(r.depth), producers.messages, r.consumer.counters.messages,
             word_for(r.consumer.state), alive, dead, blocked_by(r).empty() ? "" : "  BLOCKED");
}

void list_all(bool as_json) {
  const auto names = all_names();
  json all = json::array();
  if (!as_json && !names.empty()) {
    fmt::print("{:<24} {:<5} {:>9} {:>9} {:>10} {:>10} {:<11} {}\n", "ring", "kind", "capacity",
               "depth", "sent", "received", "consumer", "producers");
  }
  for (const auto& name : names) {
    try {
      const auto seen = look(name);
      if (as_json)
        all.push_back(json_of(name, seen, nullptr));
      else
        show_line(name, seen.ring);
    } catch (const command_error& e) {
      if (e.code == exit_code::not_found) continue;  // gone since we listed it
      if (as_json)
        all.push_back({{"name", "shm:" + name}, {"error", e.message}});
      else
        fmt::print("{:<24} {}\n", "shm:" + name, e.message);
    }
  }
  if (as_json)
    fmt::print("{}\n", all.dump(2));
  else if (names.empty())
    fmt::print("there are no rings in /dev/shm\n");
}

void sleep_for(double seconds) {
  const auto until = clock::now() + std::chrono::duration<double>(seconds);
  while (stop_signal() == 0 && clock::now() < until) {
    const auto left = until - clock::now();
    std::this_thread::sleep_for(
        std::min<std::chrono::duration<double>>(left, std::chrono::milliseconds(50)));
  }
  throw_if_stopped();
}

// One report for each interval: a page on a terminal, a line of JSON with --json.
void watch(const stat_options& o) {
  auto before = look(o.name);
  for (;;) {
    sleep_for(o.watch_seconds);
    const auto now = look(o.name);
    const auto speed = between(before, now);
    if (o.as_json) {
      fmt::print("{}\n", json_of(o.name, now, &speed).dump());
    } else {
      fmt::print("\x1b[H\x1b[2J");
      show_ring(o.name, now, &speed);
    }
    if (std::fflush(stdout) != 0) return;  // nobody reads any more
    before = now;
  }
}

void stat(const stat_options& o) {
  if (o.watch_seconds > 0) {
    if (o.name.empty()) throw command_error{exit_code::usage, "--watch wants a ring, shm:NAME"};
    return watch(o);
  }
  if (o.name.empty()) return list_all(o.as_json);
  const auto seen = look(o.name);
  if (o.as_json)
    fmt::print("{}\n", json_of(o.name, seen, nullptr).dump(2));
  else
    show_ring(o.name, seen, nullptr);
}

constexpr const char* footer =
    "Without a name: all rings in /dev/shm. Reads only. Who is alive is the kernel's word.\n"
    "\n"
    "Examples:\n"
    "  annulus stat shm:orders\n"
    "  annulus stat shm:orders --watch 0.5\n"
    "  annulus stat shm:orders --json | jq .depth";

}  // namespace

void add_stat(CLI::App& app, exit_code&) {
  auto o = std::make_shared<stat_options>();
  auto* command = app.add_subcommand("stat", "Tell who is attached, what waits, and who blocks");
  command->footer(footer);
  add_endpoint(*command, o->name);
  command->add_flag("--json", o->as_json, "as JSON; with --watch a line for each look");
  command
      ->add_option_function<double>(
          "--watch", [o](double seconds) { o->watch_seconds = seconds; },
          "again every so many seconds, with rates (default: 1)")
      ->expected(0, 1)
      ->default_str("1")
      ->check(CLI::Range(0.01, 86400.0))
      ->type_name("SECONDS");
  command->callback([o] { stat(*o); });
}

}  // namespace annulus::cli
