// The named pipe, seen from outside, with the audit log of who came and went.
#include "cli/console.hpp"
#include "cli/exit_code.hpp"
#include "cli/patience.hpp"
#include "cli/snapshot.hpp"
#include "cli/system.hpp"
#include "cli/text.hpp"
#include <fmt/format.h>

#include <annulus/bus/channel.hpp>
#include <annulus/channel/lock.hpp>
#include <annulus/pipe/fifo.hpp>

namespace annulus::cli {
namespace {

std::string role_of(const pipe_event& one) {
  return one.is_consumer ? "consumer" : fmt::format("producer {}", one.producer);
}

std::chrono::nanoseconds since(deadline then) {
  // A peer may have written any time: what cannot be is 0, and the difference does not overflow.
  const auto now = std::chrono::steady_clock::now();
  if (then < deadline() || then > now) return {};
  return now - then;
}

}  // namespace

void inspect(const bus::endpoint& at, pipe_snapshot& into) {
  const auto pipe = must(named_pipe::open(must(bus::name_of(at)), ownership::any));
  static_cast<pipe_report&>(into) = must(inspect(pipe));
  into.geometry = pipe.geometry();
  into.path = pipe.path();
  into.is_full = !pipes::has_free_page(pipe.file());
  into.is_held = false;
  for (std::uint32_t role = 0; role <= pipe.geometry().producers; ++role) {
    into.is_held |= locks::is_held(pipe.roles_file(), role);
  }
}

std::string blocked_by(const pipe_snapshot& r) {
  if (r.stalled_by && r.consumer.state == presence::attached) {
    const auto& who = r.producers[r.stalled_by->producer];
    return fmt::format(
        "producer {} (process {}, {}) has begun a long message and not finished it, for {}",
        r.stalled_by->producer, process_number(who), word_for(who.state),
        show_span(since(r.stalled_by->since)));
  }
  if (r.depth == 0 || !is_any_attached(r.producers)) return {};
  if (r.consumer.state != presence::attached) {
    return for_the_consumer("what is sent is not read", r.consumer);
  }
  return r.is_full ? for_the_consumer("producers wait for room", r.consumer) : std::string();
}

void show(const pipe_snapshot& r, const std::string& name) {
  const auto& shape = r.geometry;
  print("{}  {}, capacity {}, messages up to {}{}, since {} ({})\n", name,
        count_of_producers(shape.producers), show_bytes(shape.capacity),
        show_bytes(shape.max_message), shape.transient != 0 ? ", made in passing" : "",
        show_time(shape.created_at), r.path);
  print("  depth {} of the {} that the kernel grants ({:.0f} %), high water {}\n",
        show_bytes(r.depth), show_bytes(r.kernel_bytes),
        100 * static_cast<double>(r.depth) / static_cast<double>(r.kernel_bytes),
        show_bytes(high_water(r)));
}

void show_audit_log(const pipe_snapshot& r) {
  if (r.audit_log.empty()) return;
  constexpr std::size_t most = 10;  // --json has them all
  const auto skipped = r.audit_log.size() > most ? r.audit_log.size() - most : 0;
  print("  {:<19} {:<11} {:<14} {:>8}  {}\n", "audit log", "", "role", "process", "user");
  for (std::size_t i = skipped; i < r.audit_log.size(); ++i) {
    const auto& one = r.audit_log[i];
    print("  {:<19} {:<11} {:<14} {:>8}  {}\n", show_time(one.at), to_string(one.what),
          role_of(one), one.pid, name_of_user(one.uid));
  }
}

void add_to(json& out, const pipe_snapshot& r) {
  const auto& shape = r.geometry;
  out.update({{"producers_at_most", shape.producers},
              {"capacity", shape.capacity},
              {"kernel_bytes", r.kernel_bytes},
              {"max_message", shape.max_message},
              {"most_at_once", r.most_at_once},
              {"mode", fmt::format("{:04o}", shape.mode)}});
  add_making(out, shape);
  out.update({{"path", r.path},
              {"depth", r.depth},
              {"high_water", high_water(r)},
              {"is_full", r.is_full},
              {"stalled_for_ns", r.stalled_by ? since(r.stalled_by->since).count() : 0}});
  out["audit_log"] = json::array();
  for (const auto& one : r.audit_log) {
    json entry = {{"what", std::string(to_string(one.what))},
                  {"role", one.is_consumer ? "consumer" : "producer"},
                  {"at", one.at},
                  {"pid", one.pid},
                  {"uid", one.uid}};
    if (!one.is_consumer) entry["number"] = one.producer;
    out["audit_log"].push_back(std::move(entry));
  }
}

std::string kind_of(const pipe_snapshot&) { return "pipe"; }
std::uint64_t capacity_of(const pipe_snapshot& r) { return r.kernel_bytes; }

}  // namespace annulus::cli
