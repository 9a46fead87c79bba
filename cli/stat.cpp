// annulus stat: channels seen from outside. Reads only, disturbs nobody.
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/options.hpp"
#include "cli/signals.hpp"
#include "cli/snapshot.hpp"
#include "cli/text.hpp"
#include <dirent.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include <annulus/channel/directory.hpp>

namespace annulus::cli {

namespace {

using clock = std::chrono::steady_clock;

struct stat_options {
  named_endpoint name;  // none: all there are
  bool as_json = false;
  double watch_seconds = 0;  // 0: once
};

template <class Snapshot>
timed<Snapshot> snapshot_of(const bus::endpoint& at) {
  timed<Snapshot> out;
  inspect(at, out.seen);
  out.at = clock::now();
  return out;
}

// Tables.

template <class Snapshot>
void show_all(const found_endpoint& at, const Snapshot& seen, const rates* speed) {
  const auto name = to_string(at.where);
  if (!at.why.empty()) print("auto:{} leads to {}: {}\n", at.where.name, name, at.why);
  show(seen, name);
  const auto& c = seen.consumer.counters;
  if (c.recovered + c.corrupt > 0) {
    print("  claims of the dead skipped {}, stretches of damage skipped {}\n", c.recovered,
          c.corrupt);
  }
  if (speed != nullptr) {
    print("  now {} messages/s, {}/s\n", show_count(std::floor(speed->messages)),
          show_bytes(std::floor(speed->bytes)));
  }
  if (const auto why = blocked_by(seen); !why.empty()) print("  BLOCKED: {}\n", why);
  show_roles(seen);
  show_audit_log(seen);
}

template <class Snapshot>
void show_line(const std::string& name, const Snapshot& seen) {
  const auto alive = std::ranges::count(seen.producers, presence::attached, &role_report::state);
  const auto dead = std::ranges::count(seen.producers, presence::died, &role_report::state);
  print("{:<24} {:<5} {:>9} {:>9} {:>10} {:>10} {:<11} {} alive, {} dead{}\n", name, kind_of(seen),
        show_bytes(capacity_of(seen)), show_bytes(seen.depth), sum_of_producers(seen).messages,
        seen.consumer.counters.messages, word_for(seen.consumer.state), alive, dead,
        blocked_by(seen).empty() ? "" : "  BLOCKED");
}

// JSON.

template <class Snapshot>
json json_of(const found_endpoint& at, const Snapshot& seen, const rates* speed) {
  json out = {{"name", to_string(at.where)}};
  if (!at.why.empty()) {
    out["asked_for"] = "auto:" + at.where.name;
    out["why"] = at.why;
  }
  add_to(out, seen);
  const auto why = blocked_by(seen);
  out["blocked_by"] = why.empty() ? json() : json(why);
  if (speed != nullptr) {
    out["messages_per_second"] = speed->messages;
    out["bytes_per_second"] = speed->bytes;
  }
  add_roles(out, seen);
  return out;
}

// All there are.

// What the directory has of a kind, by its names alone.
std::vector<bus::endpoint> all_in(const std::string& path, bus::transport carrier) {
  constexpr std::string_view prefix = "annulus.";
  const std::string_view suffix = carrier == bus::transport::pipe ? ".pipe" : "";
  const auto is_other = [&](std::string_view name) {
    return carrier == bus::transport::shm &&
           std::ranges::any_of(files::endings, [&](auto one) { return name.ends_with(one); });
  };
  std::vector<bus::endpoint> found;
  DIR* const folder = opendir(path.c_str());
  if (folder == nullptr) return found;
  while (const dirent* entry = readdir(folder)) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with(prefix) || !name.ends_with(suffix) || is_other(name)) continue;
    if (name.size() <= prefix.size() + suffix.size()) continue;
    auto& one = found.emplace_back();
    one.transport = carrier;
    one.owner = ownership::any;
    one.name = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
  }
  closedir(folder);
  std::ranges::sort(found, {}, &bus::endpoint::name);
  return found;
}

template <class Snapshot>
void list(const bus::endpoint& at, json* into) {
  try {
    const auto now = snapshot_of<Snapshot>(at);
    if (into != nullptr)
      into->push_back(json_of({at, {}}, now.seen, nullptr));
    else
      show_line(to_string(at), now.seen);
  } catch (const command_error& e) {
    if (e.code == exit_code::not_found) return;  // gone since we listed it
    if (into != nullptr)
      into->push_back({{"name", to_string(at)}, {"error", e.message}});
    else
      print("{:<24} {}\n", to_string(at), e.message);
  }
}

void list_all(bool as_json) {
  const auto directory = files::directory();
  static_cast<void>(must(files::check_directory(directory, ownership::any)));
  const auto rings = all_in(directory, bus::transport::shm);
  const auto pipes = all_in(directory, bus::transport::pipe);
  json all = json::array();
  if (!as_json && rings.empty() && pipes.empty()) {
    print("there are no rings and no pipes in {}\n", directory);
    return;
  }
  if (!as_json) {
    print("{:<24} {:<5} {:>9} {:>9} {:>10} {:>10} {:<11} {}\n", "channel", "kind", "capacity",
          "depth", "sent", "received", "consumer", "producers");
  }
  for (const auto& one : rings) list<ring_snapshot>(one, as_json ? &all : nullptr);
  for (const auto& one : pipes) list<pipe_snapshot>(one, as_json ? &all : nullptr);
  if (as_json) print_json(all, 2);
}

// One of them.

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
template <class Snapshot>
void watch(const stat_options& o, const found_endpoint& at) {
  auto before = snapshot_of<Snapshot>(at.where);
  for (;;) {
    sleep_for(o.watch_seconds);
    const auto now = snapshot_of<Snapshot>(at.where);
    const auto speed = between(before, now);
    if (o.as_json) {
      print_json(json_of(at, now.seen, &speed), -1);
    } else {
      print("\x1b[H\x1b[2J");
      show_all(at, now.seen, &speed);
    }
    if (std::fflush(stdout) != 0) return;  // nobody reads any more
    before = now;
  }
}

template <class Snapshot>
void stat_one(const stat_options& o, const found_endpoint& at) {
  if (o.watch_seconds > 0) return watch<Snapshot>(o, at);
  const auto now = snapshot_of<Snapshot>(at.where);
  if (o.as_json)
    print_json(json_of(at, now.seen, nullptr), 2);
  else
    show_all(at, now.seen, nullptr);
}

void stat(const stat_options& o) {
  if (!o.name.is_named()) {
    if (o.watch_seconds == 0) return list_all(o.as_json);
    end_with(exit_code::usage, "--watch wants a channel, for example shm:orders");
  }
  auto e = o.name.whole();
  e.owner = ownership::any;
  const auto at = find(e);
  if (at.where.transport == bus::transport::shm) return stat_one<ring_snapshot>(o, at);
  stat_one<pipe_snapshot>(o, at);
}

constexpr const char* footer =
    "Without a name: all rings and pipes in the directory. Reads only. Who is alive is the\n"
    "kernel's word. A process is told by the number that it has in its own pid namespace. Where\n"
    "that is another than ours, as in another container, it is said, with the kernel's number of\n"
    "the namespace (`lsns -t pid` lists them); the audit log has the process number alone.\n"
    "For a pipe, the audit log: who attached, closed, or was found dead.\n"
    "For auto:NAME, its transport and why.\n"
    "\n"
    "Examples:\n"
    "  annulus stat shm:orders\n"
    "  annulus stat pipe:orders --watch 0.5\n"
    "  annulus stat auto:orders --json | jq .depth";

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
      ->check(from_to(0.01, 86400.0))
      ->type_name("SECONDS");
  command->callback([o] { stat(*o); });
}

}  // namespace annulus::cli
