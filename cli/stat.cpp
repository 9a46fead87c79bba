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

// What was seen, and when.
struct look {
  found_endpoint at;
  json seen = snapshot_of(at);
  clock::time_point when = clock::now();
};

// What is read now, a second, as it shows between two looks.
void add_rates(look& now, const look& before) {
  const double seconds = std::chrono::duration<double>(now.when - before.when).count();
  for (const char* const what : {"messages", "bytes"}) {
    const auto count = [what](const json& seen) {
      return seen["consumer"]["counters"][what].get<std::uint64_t>();
    };
    const auto was = count(before.seen);
    const auto is = count(now.seen);
    now.seen[fmt::format("{}_per_second", what)] =
        is >= was && seconds > 0 ? static_cast<double>(is - was) / seconds : 0;
  }
}

void show(const json& seen) {
  if (seen.contains("why")) {
    print("{} leads to {}: {}\n", seen["asked_for"], seen["name"], seen["why"]);
  }
  is_ring(seen) ? show_ring(seen) : show_pipe(seen);
  const auto& c = seen["consumer"]["counters"];
  if (c["recovered"] != 0 || c["corrupt"] != 0) {
    print("  claims of the dead skipped {}, stretches of damage skipped {}\n", c["recovered"],
          c["corrupt"]);
  }
  if (seen.contains("messages_per_second")) {
    const auto rate = [&](const char* of) { return std::floor(seen[of].get<double>()); };
    print("  now {} messages/s, {}/s\n", show_count(rate("messages_per_second")),
          show_bytes(rate("bytes_per_second")));
  }
  if (!seen["blocked_by"].is_null()) print("  BLOCKED: {}\n", seen["blocked_by"]);
  show_roles(seen);
  if (!is_ring(seen)) show_audit_log(seen["audit_log"]);
}

// All there are.

constexpr const char* line_of_list = "{:<24} {:<5} {:>9} {:>9} {:>10} {:>10} {:<11} {}\n";

void show_line(const json& seen) {
  if (seen.contains("error")) return print("{:<24} {}\n", seen["name"], seen["error"]);
  std::uint64_t sent = 0, alive = 0, dead = 0;
  for (const auto& one : seen["producers"]) {
    sent += one["counters"]["messages"].get<std::uint64_t>();
    alive += one["state"] == "attached";
    dead += one["state"] == "died";
  }
  const auto& consumer = seen["consumer"];
  print(line_of_list, seen["name"], is_ring(seen) ? seen["topology"] : json("pipe"),
        show_bytes(seen[is_ring(seen) ? "capacity" : "kernel_bytes"]), show_bytes(seen["depth"]),
        sent, consumer["counters"]["messages"], word_for(consumer["state"].get<std::string>()),
        fmt::format("{} alive, {} dead{}", alive, dead,
                    seen["blocked_by"].is_null() ? "" : "  BLOCKED"));
}

// What the directory has, by its names alone: rings, and then pipes.
std::vector<bus::endpoint> all_in(const std::string& path) {
  constexpr std::string_view prefix = "annulus.";
  constexpr std::string_view pipe_ending = ".pipe";
  std::vector<bus::endpoint> found;
  DIR* const folder = opendir(path.c_str());
  if (folder == nullptr) return found;
  while (const dirent* entry = readdir(folder)) {
    std::string_view name = entry->d_name;
    if (!name.starts_with(prefix)) continue;
    name.remove_prefix(prefix.size());
    const bool is_pipe = name.ends_with(pipe_ending);
    if (is_pipe) name.remove_suffix(pipe_ending.size());
    const auto is_its_end = [&](auto one) { return name.ends_with(one); };
    if (name.empty() || (!is_pipe && std::ranges::any_of(files::endings, is_its_end))) continue;
    auto& one = found.emplace_back();
    one.transport = is_pipe ? bus::transport::pipe : bus::transport::shm;
    one.owner = ownership::any;
    one.name = name;
  }
  closedir(folder);
  std::ranges::sort(found, {}, [](const auto& one) { return std::pair(one.transport, one.name); });
  return found;
}

void list_all(bool as_json) {
  const auto directory = files::directory();
  static_cast<void>(must(files::check_directory(directory, ownership::any)));
  const auto found = all_in(directory);
  if (!as_json && found.empty()) {
    return print("there are no rings and no pipes in {}\n", directory);
  }
  if (!as_json) {
    print(line_of_list, "channel", "kind", "capacity", "depth", "sent", "received", "consumer",
          "producers");
  }
  json all = json::array();
  for (const auto& at : found) {
    json one;
    try {
      one = snapshot_of({at, {}});
    } catch (const command_error& e) {
      if (e.code == exit_code::not_found) continue;  // gone since we listed it
      one = {{"name", to_string(at)}, {"error", e.message}};
    }
    as_json ? all.push_back(std::move(one)) : show_line(one);
  }
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
void watch(const stat_options& o, const found_endpoint& at) {
  for (look before{at};;) {
    sleep_for(o.watch_seconds);
    look now{at};
    add_rates(now, before);
    if (o.as_json) {
      print_json(now.seen, -1);
    } else {
      print("\x1b[H\x1b[2J");
      show(now.seen);
    }
    if (std::fflush(stdout) != 0) return;  // nobody reads any more
    before = std::move(now);
  }
}

void stat(const stat_options& o) {
  if (!o.name.is_named()) {
    if (o.watch_seconds == 0) return list_all(o.as_json);
    end_with(exit_code::usage, "--watch wants a channel, for example shm:orders");
  }
  auto e = o.name.whole();
  e.owner = ownership::any;
  const auto at = find(e);
  if (o.watch_seconds > 0) return watch(o, at);
  const auto seen = snapshot_of(at);
  o.as_json ? print_json(seen, 2) : show(seen);
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

void add_stat(CLI::App& app, exit_code& ends_with) {
  auto& command =
      add_command(app, "stat", "Tell who is attached, what waits, and who blocks", footer);
  auto& o = options_of(command, ends_with, stat);
  add_endpoint(command, o.name);
  command.add_flag("--json", o.as_json, "as JSON; with --watch a line for each look");
  command
      .add_option("--watch", o.watch_seconds,
                  "again every so many seconds, with rates (default: 1)")
      ->expected(0, 1)
      ->default_str("1")
      ->check(from_to(0.01, 86400.0))
      ->type_name("SECONDS");
}

}  // namespace annulus::cli
