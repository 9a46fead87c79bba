#include <ctime>
#include <optional>

#include <annulus/pipe/audit_log.hpp>

namespace annulus {

std::string_view to_string(pipe_event::kind what) noexcept {
  switch (what) {
    case pipe_event::kind::attached: return "attached";
    case pipe_event::kind::closed: return "closed";
    case pipe_event::kind::found_dead: return "found dead";
  }
  return "unknown act";
}

namespace pipes {
namespace {

template <class T>
T seen(const word<T>& at) noexcept {
  // [hint] relaxed: the ticket says whether the entry is whole.
  return at.template load<edge::hint>(std::memory_order_relaxed);
}

// Empty: the entry is being written, or has been overwritten by a later one.
std::optional<pipe_event> entry(const roles_memory& at, std::uint64_t number) {
  const auto& words = at.audit[number % audit_entries];
  // [audit] acquire: the entry stands behind its ticket.
  if (words.ticket.load<edge::audit>(std::memory_order_acquire) != number + 1) return std::nullopt;
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

void record(const roles_memory& at, act what, std::uint32_t role, std::uint32_t pid,
            std::uint32_t uid) noexcept {
  // [own] relaxed: the count gives each entry to one role; the ticket hands it on.
  const auto entry = at.control->audit_next.fetch_add<edge::own>(1, std::memory_order_relaxed);
  auto& to = at.audit[entry % audit_entries];
  // [own] relaxed: readers see that the entry is being written, or compare the ticket again.
  to.ticket.store<edge::own>(0, std::memory_order_relaxed);
  // [own] relaxed: handed on by the ticket.
  to.at.store<edge::own>(static_cast<std::int64_t>(std::time(nullptr)), std::memory_order_relaxed);
  // [own] relaxed: handed on by the ticket.
  to.pid.store<edge::own>(pid, std::memory_order_relaxed);
  // [own] relaxed: handed on by the ticket.
  to.uid.store<edge::own>(uid, std::memory_order_relaxed);
  // [own] relaxed: handed on by the ticket.
  to.role.store<edge::own>(role, std::memory_order_relaxed);
  // [own] relaxed: handed on by the ticket.
  to.what.store<edge::own>(static_cast<std::uint32_t>(what), std::memory_order_relaxed);
  // [audit] release: whoever sees the ticket sees the entry.
  to.ticket.store<edge::audit>(entry + 1, std::memory_order_release);
}

std::vector<pipe_event> events(const roles_memory& at) {
  std::vector<pipe_event> out;
  const auto next = seen(at.control->audit_next);
  for (auto number = next > audit_entries ? next - audit_entries : 0; number < next; ++number) {
    if (const auto one = entry(at, number)) out.push_back(*one);
  }
  return out;
}

}  // namespace pipes
}  // namespace annulus
