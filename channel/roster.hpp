// Membership: how a role attaches and closes, and what others can observe.
//
// A role stores its own attach and close. Only the kernel shows its death: the lock is free
// (lock.hpp).
//
// Needs control->roll, producers[i].role, geometry.producers and witness of a transport's memory;
// word, edge and witness of its Atomics.
//
// Edges   roll   enter, leave, call_the_roll -> presence_of, roll_call   all that a role committed
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include <annulus/channel/counters.hpp>
#include <annulus/channel/lock.hpp>
#include <annulus/channel/report.hpp>
#include <annulus/channel/result.hpp>
#include <annulus/channel/status.hpp>

namespace annulus {

// `owner` is how many times the role was taken (its incarnation), and what it is now. `succeeded`
// is attached after a death: unfinished work may remain.
enum class tenure : std::uint64_t { vacant = 0, attached = 1, closed = 2, succeeded = 3 };

[[nodiscard]] constexpr std::uint64_t owner_word(std::uint64_t incarnation, tenure t) noexcept {
  return incarnation << 2 | static_cast<std::uint64_t>(t);
}
[[nodiscard]] constexpr std::uint64_t incarnation_of(std::uint64_t owner) noexcept {
  return owner >> 2;
}
[[nodiscard]] constexpr tenure tenure_of(std::uint64_t owner) noexcept {
  const auto kept = static_cast<tenure>(owner & 3);
  return kept == tenure::succeeded ? tenure::attached : kept;
}
// Whether the role was taken from one that closed, or is the first: nothing is unfinished.
[[nodiscard]] constexpr bool began_clean(std::uint64_t owner) noexcept {
  return static_cast<tenure>(owner & 3) == tenure::attached;
}

// Who holds a role. All but the owner word is diagnostic only: locks decide.
template <class Atomics>
struct role_words {
  typename Atomics::template word<std::uint64_t> owner;
  typename Atomics::template word<std::uint64_t> attached_at;  // seconds since 1970
  typename Atomics::template word<std::uint32_t> pid;
  typename Atomics::template word<std::uint32_t> uid;  // the effective one
};

// The process that takes a role.
struct holder {
  std::uint64_t at = 0;  // seconds since 1970
  std::uint32_t pid = 0;
  std::uint32_t uid = 0;
  std::uint32_t pid_namespace = 0;

  [[nodiscard]] static holder here() noexcept;
};

// Where a role's process number counts: the pid namespace in the upper half, the number again in
// the lower. Beside another number it says nothing: it was told by a role before.
[[nodiscard]] constexpr std::uint64_t origin_word(const holder& who) noexcept {
  return std::uint64_t{who.pid_namespace} << 32 | who.pid;
}
[[nodiscard]] constexpr std::uint32_t namespace_of(std::uint64_t origin,
                                                   std::uint32_t pid) noexcept {
  return static_cast<std::uint32_t>(origin) == pid ? static_cast<std::uint32_t>(origin >> 32) : 0;
}

// Takes a role. With locks the caller holds the role's, so a holder that is still attached is dead.
// Without locks, returns false if the role is taken.
template <class Atomics>
[[nodiscard]] bool enter(role_words<Atomics>& role, bool has_lock, const holder& who) noexcept {
  // [hint] relaxed: the exchange decides.
  auto owner = role.owner.template load<Atomics::edge::hint>(std::memory_order_relaxed);
  if (!has_lock && tenure_of(owner) == tenure::attached) return false;
  const auto entered =
      owner_word(incarnation_of(owner) + 1,
                 tenure_of(owner) == tenure::attached ? tenure::succeeded : tenure::attached);
  // [roll] acquire: after all that the one before did.
  // [retry] relaxed: somebody else was faster.
  if (!role.owner.template compare_exchange<Atomics::edge::roll>(
          owner, entered, std::memory_order_acquire, std::memory_order_relaxed)) {
    return false;
  }
  // [own] relaxed: diagnostic only.
  role.attached_at.template store<Atomics::edge::own>(who.at, std::memory_order_relaxed);
  // [own] relaxed: diagnostic only.
  role.pid.template store<Atomics::edge::own>(who.pid, std::memory_order_relaxed);
  // [own] relaxed: diagnostic only.
  role.uid.template store<Atomics::edge::own>(who.uid, std::memory_order_relaxed);
  return true;
}

// After enter().
template <class Atomics>
void tell_origin(typename Atomics::template word<std::uint64_t>& origin,
                 const holder& who) noexcept {
  // [own] relaxed: diagnostic only.
  origin.template store<Atomics::edge::own>(origin_word(who), std::memory_order_relaxed);
}

template <class Atomics>
void leave(role_words<Atomics>& role) noexcept {
  // [own] relaxed: written by this role itself.
  const auto owner = role.owner.template load<Atomics::edge::own>(std::memory_order_relaxed);
  // [roll] release: all that it committed comes before its closing.
  role.owner.template store<Atomics::edge::roll>(owner_word(incarnation_of(owner), tenure::closed),
                                                 std::memory_order_release);
}

// Tells the consumer that a producer came or closed.
template <class Atomics, class Control>
void call_the_roll(Control& control) noexcept {
  // [roll] release: the producer's own word comes before.
  control.roll.template fetch_add<Atomics::edge::roll>(1, std::memory_order_release);
}

template <class Atomics>
[[nodiscard]] presence presence_of(const role_words<Atomics>& role,
                                   const typename Atomics::witness& kernel,
                                   std::uint32_t number) noexcept {
  // [roll] acquire: a closed role has made its last commit.
  const auto owner = role.owner.template load<Atomics::edge::roll>(std::memory_order_acquire);
  switch (tenure_of(owner)) {
    case tenure::vacant: return presence::never_came;
    case tenure::closed: return presence::closed;
    case tenure::attached:
    case tenure::succeeded: break;
  }
  return kernel.is_held(number) ? presence::attached : presence::died;
}

// The most alive of all producers: attached, else died, else closed, else never came.
template <class Memory>
[[nodiscard]] presence presence_of_producers(const Memory& channel) noexcept {
  auto seen = presence::never_came;
  for (std::uint32_t i = 0; i < channel.geometry.producers; ++i) {
    const auto one = presence_of(channel.producers[i].role, channel.witness, producer_role(i));
    if (one == presence::attached) return one;
    if (one == presence::died || seen == presence::never_came) seen = one;
  }
  return seen;
}

// Caches whether all producers have closed, until one attaches or closes.
template <class Atomics>
class roll_call {
  using edge = typename Atomics::edge;

 public:
  // Whether the roll has changed since the last refresh. One load of a line that rarely changes.
  template <class Control>
  [[nodiscard]] bool has_news(const Control& control) const noexcept {
    // [hint] relaxed: a stale value shows at the next poll; refresh() itself acquires.
    return control.roll.template load<edge::hint>(std::memory_order_relaxed) != seen_;
  }

  template <class Memory>
  void refresh(const Memory& channel) noexcept {
    // [roll] acquire: the words of those who came or closed.
    seen_ = channel.control->roll.template load<edge::roll>(std::memory_order_acquire);
    bool any_closed = false;
    bool any_open = false;
    for (std::uint32_t i = 0; i < channel.geometry.producers; ++i) {
      // [roll] acquire: a closed role has made its last commit.
      const auto owner =
          channel.producers[i].role.owner.template load<edge::roll>(std::memory_order_acquire);
      any_closed |= tenure_of(owner) == tenure::closed;
      any_open |= tenure_of(owner) == tenure::attached;
    }
    all_closed_ = any_closed && !any_open;
  }

  [[nodiscard]] bool all_closed() const noexcept { return all_closed_; }

  // Asked at each poll that found nothing: whether it is time to examine the cursor.
  template <class Control>
  [[nodiscard]] bool is_due(const Control& control) noexcept {
    return ++polls_ % polls_until_due == 0 || has_news(control) || all_closed_;
  }

 private:
  static constexpr std::uint32_t polls_until_due = 256;

  std::uint32_t polls_ = 0;
  std::uint32_t seen_ = 0;
  bool all_closed_ = false;
};

// Why a role could not be taken: a live process holds it. `kind`: for example "segment".
[[nodiscard]] failure consumer_in_use(const std::string& kind, const holder& by);
// All of them are. `by` is the first one's.
[[nodiscard]] failure producers_in_use(const std::string& kind, std::uint32_t producers,
                                       const holder& by);

// Diagnostics from a role's words.
template <class Atomics>
[[nodiscard]] holder holder_of(
    const role_words<Atomics>& role,
    const typename Atomics::template word<std::uint64_t>& origin) noexcept {
  const auto seen = [](const auto& word) {
    // [hint] relaxed: diagnostic only.
    return word.template load<Atomics::edge::hint>(std::memory_order_relaxed);
  };
  const auto pid = seen(role.pid);
  return {seen(role.attached_at), pid, seen(role.uid), namespace_of(seen(origin), pid)};
}
template <class Atomics>
[[nodiscard]] role_report report_of(const role_words<Atomics>& role,
                                    const typename Atomics::template word<std::uint64_t>& origin,
                                    const counter_words<Atomics>& counters,
                                    const typename Atomics::witness& kernel,
                                    std::uint32_t number) noexcept {
  role_report out;
  // [hint] relaxed: a report is no atomic snapshot.
  const auto owner = role.owner.template load<Atomics::edge::hint>(std::memory_order_relaxed);
  out.incarnation = incarnation_of(owner);  // first: the state is of no older one
  out.state = presence_of(role, kernel, number);
  const auto by = holder_of(role, origin);
  out.pid = static_cast<std::int32_t>(by.pid);
  out.pid_namespace = by.pid_namespace;
  out.uid = by.uid;
  out.attached_at = static_cast<std::int64_t>(by.at);
  out.counters = report_of(counters);
  return out;
}

}  // namespace annulus
