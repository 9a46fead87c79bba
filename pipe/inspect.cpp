#include <algorithm>
#include <chrono>

#include <annulus/pipe/fifo.hpp>
#include <annulus/pipe/frame.hpp>
#include <annulus/pipe/inspect.hpp>

namespace annulus {
namespace {

using pipes::edge;

template <class T>
T seen(const pipes::word<T>& at) noexcept {
  // [hint] relaxed: a report is of some moment, not of one.
  return at.template load<edge::hint>(std::memory_order_relaxed);
}

// Empty: the entry is being written, or has been overwritten by a later one.
std::optional<pipe_event> entry(const pipes::roles& at, std::uint64_t number) {
  const auto& words = at.trail(number);
  // [trail] acquire: the entry stands behind its ticket.
  if (words.ticket.load<edge::trail>(std::memory_order_acquire) != number + 1) return std::nullopt;
  pipe_event out;
  const auto what = seen(words.what);
  const auto role = seen(words.role);
  out.at = seen(words.at);
  out.pid = static_cast<std::int32_t>(seen(words.pid));
  out.uid = seen(words.uid);
  if (seen(words.ticket) != number + 1 || what < 1 || what > 3) return std::nullopt;
  out.what = static_cast<pipe_event::kind>(what - 1);
  out.is_consumer = role == consumer_role;
  out.producer = out.is_consumer ? 0 : role - 1;
  return out;
}

}  // namespace

std::string_view to_string(pipe_event::kind what) noexcept {
  switch (what) {
    case pipe_event::kind::attached: return "attached";
    case pipe_event::kind::closed: return "closed";
    case pipe_event::kind::found_dead: return "found dead";
  }
  return "unknown act";
}

result<pipe_report> inspect(const named_pipe& of) {
  auto at = pipes::roles::map(of.roles_file(), of.geometry(), true, of.name());
  if (!at) return at.error();
  const auto& control = at->control();

  pipe_report out;
  out.options = of.options();
  out.kernel_bytes = of.kernel_bytes();
  out.most_at_once = std::min(out.options.max_message,
                              out.kernel_bytes / pipes::block_bytes * pipes::most_payload);
  out.depth = pipes::bytes_in(of.file());
  out.consumer_closed = seen(control.is_closed) != 0;
  const auto& kernel = at->memory().witness;
  out.consumer = report_of(control.consumer, control.counters, kernel, consumer_role);
  for (std::uint32_t i = 0; i < of.geometry().producers; ++i) {
    const auto& words = at->producer(i);
    out.producers.push_back(report_of(words.role, words.counters, kernel, producer_role(i)));
  }
  const auto since = static_cast<std::int64_t>(seen(control.stalled_since));
  const auto holder = seen(control.stalled_by);
  if (since != 0 && holder < out.producers.size()) {
    out.stalled_by =
        stall{holder, out.producers[holder].pid, 0, deadline(std::chrono::nanoseconds(since))};
  }
  const auto next = seen(control.trail_next);
  const auto oldest = next > pipes::trail_size ? next - pipes::trail_size : 0;
  for (auto number = oldest; number < next; ++number) {
    if (const auto one = entry(*at, number)) out.trail.push_back(*one);
  }
  return out;
}

}  // namespace annulus
