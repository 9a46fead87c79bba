// annulus gateway: messages from one channel, or several, into another, until it is stopped.
//
// The lanes run on threads of their own; this thread tells of them and hears the signals.
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/json.hpp"
#include "cli/options.hpp"
#include "cli/outbox.hpp"
#include "cli/signals.hpp"
#include "cli/text.hpp"
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <annulus/nats/gateway.hpp>

namespace annulus::cli {
namespace {

using clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

struct gateway_command {
  std::vector<std::string> names;  // the last is the target
  bus::gateway_options how;
  bool once = false;
  std::optional<std::size_t> batch;
  time_limit health;
  bool as_json = false;
};

json counts_of(const bus::lane_report& of) {
  return {{"messages", of.messages}, {"bytes", of.bytes},     {"batches", of.batches},
          {"dropped", of.dropped},   {"corrupt", of.corrupt}, {"unread", of.unread}};
}

bus::lane_report sum_of(const std::vector<bus::lane_report>& lanes) {
  bus::lane_report all;
  for (const auto& one : lanes) {
    all.messages += one.messages;
    all.bytes += one.bytes;
    all.batches += one.batches;
    all.dropped += one.dropped;
    all.corrupt += one.corrupt;
    all.unread = std::max(all.unread, one.unread);  // lanes share the target
  }
  return all;
}

// What all lanes did together, and what to say of it.
class account {
 public:
  account(std::string to, bool as_json) : to_(std::move(to)), as_json_(as_json) {}

  void tell(const std::vector<bus::lane_report>& lanes, bool is_final) {
    const auto now = clock::now();
    const auto all = sum_of(lanes);
    const double seconds = std::chrono::duration<double>(now - (is_final ? began_ : last_)).count();
    const auto count = static_cast<double>(all.messages - (is_final ? 0 : told_));
    json out = {{"to", to_}, {"final", is_final}};
    out.update(counts_of(all));
    out["messages_per_second"] = seconds > 0 ? count / seconds : 0;
    for (const auto& one : lanes) {
      json lane = {{"from", one.from}, {"state", bus::to_string(one.state)}};
      lane.update(counts_of(one));
      if (!one.error.empty()) lane["error"] = one.error;
      out["lanes"].push_back(std::move(lane));
    }
    as_json_ ? say_json(out) : say(out);
    last_ = now;
    told_ = all.messages;
  }

 private:
  static void say(const json& all) {
    const bool is_final = all["final"] == true;
    const auto& lanes = all["lanes"];
    auto line =
        fmt::format("{}: {} messages, {}", all["to"], all["messages"], show_bytes(all["bytes"]));
    if (!is_final) line += fmt::format(", {}/s", show_count(all["messages_per_second"]));
    if (all["dropped"] != 0) line += fmt::format(", {} dropped", all["dropped"]);
    if (all["corrupt"] != 0) {
      line += fmt::format(", {} stretches of damage skipped", all["corrupt"]);
    }
    for (const auto& one : lanes) {
      if (is_final && lanes.size() == 1) break;
      line += fmt::format("; {} {}", one["from"], one["state"]);
      if (lanes.size() > 1) line += fmt::format(" ({} messages)", one["messages"]);
    }
    remark("{}", line);
    if (is_final && all["unread"] != 0) remark("{}", unread_in(all["to"], all["unread"]));
  }

  void say_json(const json& all) {
    print_json(all, -1);
    if (is_stdout_whole() || std::exchange(has_complained_, true)) return;
    remark("the account cannot be written to standard output; messages are passed on");
  }

  std::string to_;
  bool as_json_;
  bool has_complained_ = false;
  clock::time_point began_ = clock::now();
  clock::time_point last_ = began_;
  std::uint64_t told_ = 0;
};

bus::gateway opened(gateway_command o) {
  for (const auto& name : o.names) require_name(name);
  const auto to = std::move(o.names.back());
  o.names.pop_back();
  if (o.once && option_of(to, "once") == "no") {
    end_with(exit_code::usage, "--once contradicts once=no in '{}'; leave one of them out", to);
  }
  const auto usual = nats::is_address(to) ? nats::usual_batch : o.how.batch;
  o.how.batch = o.batch.value_or(usual);
  return must(nats::open_gateway(o.names, to, o.once, o.how));
}

// Says when a lane's server goes away, and when it is there again.
class lookout {
 public:
  void look(const std::vector<bus::lane_report>& lanes) {
    away_.resize(lanes.size());
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      const auto& one = lanes[i];
      const bool is_away = one.state == bus::lane_state::away;
      if (is_away == away_[i] || one.state == bus::lane_state::failed) continue;
      away_[i] = is_away;
      remark("{}: {}", one.from,
             is_away ? one.error + "; it is tried again" : "the server is there again");
    }
  }

 private:
  std::vector<bool> away_;
};

// What the lanes came to: the first that failed decides.
exit_code end_of(const std::vector<bus::lane_report>& lanes) {
  auto out = exit_code::ok;
  bool has_failed = false;
  for (const auto& one : lanes) {
    if (one.corrupt > 0 && out == exit_code::ok) out = exit_code::damaged;
    if (one.state != bus::lane_state::failed) continue;
    remark("{}: {}", one.from, one.error);
    if (has_failed) continue;
    has_failed = true;
    out = one.why == status::removed     ? exit_code::removed
          : one.why == status::timed_out ? exit_code::timed_out
                                         : exit_code::failure;
  }
  return out;
}

std::jthread started(const gateway_command& o, bus::gateway& passing) {
  try {
    return std::jthread([&] { passing.run(); });
  } catch (const std::system_error& e) {
    end_with(exit_code::failure, "{}: there is no thread to pass its messages on: {}",
             o.names.front(), e.what());
  }
}

exit_code run_gateway(const gateway_command& o) {
  auto passing = opened(o);
  account all(o.names.back(), o.as_json);
  const auto every = o.health.value_or(isatty(STDERR_FILENO) != 0 ? 5s : 0ns);
  auto next = clock::now() + every;
  lookout servers;
  {
    const auto lanes = started(o, passing);
    while (!passing.is_over()) {
      std::this_thread::sleep_for(20ms);
      if (stop_signal() != 0) passing.stop();
      servers.look(passing.report());
      if (every == 0ns || clock::now() < next) continue;
      all.tell(passing.report(), false);
      next += every;
    }
  }
  const auto lanes = passing.report();
  all.tell(lanes, true);
  const auto end = end_of(lanes);
  if (end == exit_code::ok || end == exit_code::damaged) throw_if_stopped();
  return end;
}

constexpr const char* footer =
    "FROM and TO are endpoints with their options: shm:NAME, pipe:NAME, auto:NAME?latency=50us,\n"
    "and on another machine nats://HOST:PORT/STREAM, a stream of NATS JetStream.\n"
    "What is missing is made, and stays. Each FROM keeps its order. A message is released at its\n"
    "source only when TO has taken it, so a gateway that dies loses nothing: start it again, and\n"
    "it passes on again what was not released. With --once those messages carry a mark by which a\n"
    "consumer of TO?once=yes drops redeliveries: exactly once. A gateway refuses to read what it\n"
    "passes on itself; a circle of several is not seen, and a message in it goes round for ever.\n"
    "\n"
    "nats://HOST:PORT/STREAM?subject=S&durable=NAME&tls=yes&ca=FILE&user=NAME&create=no&...\n"
    "  A message into a stream counts as taken when the server has acknowledged it; its mark is\n"
    "  the Nats-Msg-Id, so the server drops what is sent again. From a stream, messages come by\n"
    "  the durable consumer NAME, and are acknowledged when TO has taken them. A server that is\n"
    "  away is tried again, for ever or for patience=TIME; then the exit code is 7. Passwords and\n"
    "  tokens stand in ANNULUS_NATS_PASSWORD and ANNULUS_NATS_TOKEN. All options:\n"
    "  docs/operate.md.\n"
    "\n"
    "^C, SIGTERM and SIGHUP stop it cleanly: begun batches are finished, totals are printed, and\n"
    "the exit code is 128+n. Without --until-closed it waits for the next producer. A pipe's\n"
    "contents live only while somebody has it open: with --until-closed a gateway stays until all\n"
    "is read; one that is stopped, or drops, says how many bytes it leaves unread.\n"
    "\n"
    "Examples:\n"
    "  annulus gateway shm:orders pipe:archive\n"
    "  annulus gateway shm:a shm:b pipe:c 'shm:all?producers=3' --on-full drop\n"
    "  annulus gateway pipe:in shm:out --once --json --health 1s\n"
    "  annulus gateway shm:orders nats://hub:4222/ORDERS                 here, and there:\n"
    "  annulus gateway nats://hub:4222/ORDERS?max_message=64KiB shm:orders --once";

}  // namespace

void add_gateway(CLI::App& app, exit_code& ends_with) {
  auto& command =
      add_command(app, "gateway", "Pass messages on from channels into another", footer);
  auto& o = options_of(command, ends_with, run_gateway);
  command.add_option("endpoints", o.names, "the sources, then the target")
      ->required()
      ->expected(2, 1024)
      ->type_name("FROM... TO");
  add_choice(
      command, "--on-full", {"wait", "drop"},
      [&o](const std::string& text) { o.how.drops = text == "drop"; },
      "when TO has no room, or nobody is there: wait, or drop the newest and count it (default: "
      "wait)");
  command.add_flag("--until-closed", o.how.ends_with_source,
                   "end when the producers of every source have closed and all was passed on, and, "
                   "if TO is a pipe, read; a stream of nats:// ends where it holds nothing more");
  command
      .add_option("--batch", o.batch,
                  "messages passed on at once (default: 256, into nats:// 4096)")
      ->check(CLI::Range(1, 65536));
  command.add_flag("--once", o.once, "mark the messages, as once=yes in TO does");
  add_span(command, "--health", o.health,
           "print progress so often, 0: never (default: 5s on a terminal, else never)");
  command.add_flag("--json", o.as_json, "tell it as JSON, a line each on standard output");
}

}  // namespace annulus::cli
