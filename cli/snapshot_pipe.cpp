// The named pipe, seen from outside, with the audit log of who came and went.
#include "cli/exit_code.hpp"
#include "cli/snapshot.hpp"
#include "cli/system.hpp"
#include "cli/text.hpp"

#include <annulus/bus/channel.hpp>
#include <annulus/pipe/fifo.hpp>
#include <annulus/pipe/inspect.hpp>

namespace annulus::cli {
namespace {

std::chrono::nanoseconds since(deadline then) {
  // A peer may have written any time: what cannot be is 0, and the difference does not overflow.
  const auto now = std::chrono::steady_clock::now();
  if (then < deadline() || then > now) return {};
  return now - then;
}

std::string blocked_by(const pipe_report& r, bool is_full) {
  if (r.stalled_by && r.consumer.state == presence::attached) {
    const auto& who = r.producers[r.stalled_by->producer];
    return fmt::format(
        "producer {} (process {}, {}) has begun a long message and not finished it, for {}",
        r.stalled_by->producer, process_number(who), word_for(to_string(who.state)),
        show_span(since(r.stalled_by->since)));
  }
  if (r.depth == 0 || !is_any_attached(r.producers)) return {};
  if (r.consumer.state != presence::attached) {
    return for_the_consumer("what is sent is not read", r.consumer);
  }
  return is_full ? for_the_consumer("producers wait for room", r.consumer) : std::string();
}

json json_of(const pipe_event& one) {
  json out = {{"what", to_string(one.what)},
              {"role", one.is_consumer ? "consumer" : "producer"},
              {"at", one.at},
              {"pid", one.pid},
              {"uid", one.uid}};
  if (!one.is_consumer) out["number"] = one.producer;
  return out;
}

}  // namespace

void add_pipe(json& out, const bus::endpoint& at) {
  const auto pipe = must(named_pipe::open(must(bus::name_of(at)), ownership::any));
  const auto r = must(inspect(pipe));
  const auto shape = pipe.geometry();
  const bool is_full = !pipes::has_free_page(pipe.file());
  const auto why = blocked_by(r, is_full);
  out.update({{"producers_at_most", shape.producers},
              {"capacity", shape.capacity},
              {"kernel_bytes", r.kernel_bytes},
              {"max_message", shape.max_message},
              {"most_at_once", r.most_at_once},
              {"mode", fmt::format("{:04o}", shape.mode)}});
  add_making(out, shape);
  out.update({{"path", pipe.path()},
              {"depth", r.depth},
              {"high_water", high_water(r)},
              {"is_full", is_full},
              {"stalled_for_ns", r.stalled_by ? since(r.stalled_by->since).count() : 0},
              {"audit_log", json::array()},
              {"blocked_by", why.empty() ? json() : json(why)}});
  for (const auto& one : r.audit_log) out["audit_log"].push_back(json_of(one));
  add_roles(out, r);
}

void show_pipe(const json& seen) {
  print("{}  {}, capacity {}, messages up to {}{} ({})\n", seen["name"],
        count_of_producers(seen["producers_at_most"]), show_bytes(seen["capacity"]),
        show_bytes(seen["max_message"]), making_of(seen), seen["path"]);
  print("  depth {} of the {} that the kernel grants ({:.0f} %), high water {}\n",
        show_bytes(seen["depth"]), show_bytes(seen["kernel_bytes"]),
        100 * seen["depth"].get<double>() / seen["kernel_bytes"].get<double>(),
        show_bytes(seen["high_water"]));
}

void show_audit_log(const json& log) {
  if (log.empty()) return;
  constexpr std::size_t most = 10;  // --json has them all
  print("  {:<19} {:<11} {:<14} {:>8}  {}\n", "audit log", "", "role", "process", "user");
  for (std::size_t i = log.size() - std::min(log.size(), most); i < log.size(); ++i) {
    const auto& one = log[i];
    print("  {:<19} {:<11} {:<14} {:>8}  {}\n", show_time(one["at"]), one["what"], who_of(one),
          one["pid"], name_of_user(one["uid"]));
  }
}

}  // namespace annulus::cli
