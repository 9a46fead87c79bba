#include <algorithm>
#include <chrono>

#include <annulus/pipe/audit_log.hpp>
#include <annulus/pipe/fifo.hpp>
#include <annulus/pipe/frame.hpp>
#include <annulus/pipe/inspect.hpp>

namespace annulus {
namespace {

using pipes::edge;

template <class T>
T seen(const pipes::word<T>& at) noexcept {
  // [hint] relaxed: a report is no atomic snapshot.
  return at.template load<edge::hint>(std::memory_order_relaxed);
}

}  // namespace

result<pipe_report> inspect(const named_pipe& of) {
  auto at = pipes::roles::map(of.roles_file(), of.geometry(), true, of.name(), of.places());
  if (!at) return at.error();
  const auto& control = at->control();

  pipe_report out;
  out.options = of.options();
  out.kernel_bytes = of.kernel_bytes();
  out.most_at_once = pipes::most_at_once_of(out.options.max_message, out.kernel_bytes);
  out.depth = pipes::bytes_in(of.file());
  out.consumer_closed = seen(control.is_closed) != 0;
  const auto& kernel = at->memory().witness;
  out.consumer =
      report_of(control.consumer, control.origin, control.counters, kernel, consumer_role);
  for (std::uint32_t i = 0; i < of.geometry().producers; ++i) {
    const auto& words = at->producer(i);
    out.producers.push_back(
        report_of(words.role, words.origin, words.counters, kernel, producer_role(i)));
  }
  const auto since = static_cast<std::int64_t>(seen(control.stalled_since));
  const auto holder = seen(control.stalled_by);
  if (since != 0 && holder < out.producers.size()) {
    out.stalled_by =
        stall{holder, out.producers[holder].pid, 0, deadline(std::chrono::nanoseconds(since))};
  }
  out.audit_log = pipes::events(at->memory());
  return out;
}

}  // namespace annulus
