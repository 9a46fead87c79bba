// Waiting: spin, then yield or sleep, until something comes, the deadline passes, the peer died,
// the channel's name is gone or somebody interrupts it.
//
// The hot path knows nothing of this. A wait that is met while spinning makes no system call.
// Nobody sleeps longer than one nap: at its end the waiter asks the kernel whether the peer is
// alive and the name is there, and so repairs a wake-up that died with its producer between
// clearing the bell and waking.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

#include <annulus/channel/status.hpp>
#include <annulus/channel/wait.hpp>
#include <annulus/channel/waiting.hpp>
#include <annulus/ring/bell.hpp>
#include <annulus/ring/interrupt.hpp>

namespace annulus {

inline constexpr std::chrono::milliseconds nap_without_barriers{1};

// What one kind of waiter brings. `attempt` tries; `examine` tries harder, by system calls if need
// be; both return what the waiting form returns. `news` asks the kernel why no more may come:
// peer_gone or removed; else ok. `sleeps` is called before a sleep, `awake` after one (true) or
// instead of one.
template <class Attempt, class Examine, class News, class Sleeps, class Awake>
struct waiter {
  Attempt attempt;
  Examine examine;
  News news;
  Sleeps sleeps;
  Awake awake;
};
template <class... F>
waiter(F...) -> waiter<F...>;  // NOLINT

// `status_of` reads a result, `refusal` makes one.

// The polls between two looks at the clock.
template <class Atomics, class Attempt, class StatusOf, class Refusal>
[[nodiscard]] auto polled(Attempt& attempt, StatusOf status_of, Refusal refusal) noexcept
    -> decltype(attempt()) {
  for (std::uint32_t poll = 0; poll < Atomics::polls_per_clock; ++poll) {
    auto seen = attempt();
    if (!is_worth_waiting_for(status_of(seen))) return seen;
    Atomics::relax();
  }
  return refusal(status::empty);
}

template <class Atomics, class Result, class Waiter, class StatusOf, class Refusal>
[[nodiscard]] Result wait_for(waiting policy, deadline until, bell<Atomics>& bell,
                              wait_memory<Atomics>& own, Waiter w, StatusOf status_of,
                              Refusal refusal) noexcept {
  const auto poll = [&] { return polled<Atomics>(w.attempt, status_of, refusal); };
  const auto gone_or = [&](status otherwise, deadline now) {
    const status why = own.peer.is_due(now) ? w.news() : status::ok;
    if (why == status::ok) return refusal(otherwise);
    Result seen = w.examine();
    return is_worth_waiting_for(status_of(seen)) ? refusal(why) : std::move(seen);
  };

  if (own.interrupt.take()) return refusal(status::interrupted);
  if (Result seen = poll(); !is_worth_waiting_for(status_of(seen))) return seen;
  const auto started = Atomics::now();
  auto examined = started;
  for (;;) {
    if (Result seen = poll(); !is_worth_waiting_for(status_of(seen))) return seen;
    auto now = Atomics::now();
    const bool has_spun = now - started >= policy.spin_for;
    const bool may_sleep = has_spun && policy.how == waiting::kind::block && now < until;
    if (has_spun && policy.how == waiting::kind::yield) Atomics::yield();
    if (policy.how == waiting::kind::nap) {
      w.sleeps();
      own.interrupt.nap(sleep_until(until, now, policy.nap_for));
      now = Atomics::now();
    }
    const bool will_wake_us = may_sleep && go_to_sleep<Atomics>(bell, own);
    if (own.interrupt.take()) {
      if (may_sleep) w.awake(false);
      return refusal(status::interrupted);
    }
    if (may_sleep || now >= until || now - examined >= longest_nap) {
      examined = now;
      Result seen = w.examine();
      if (!is_worth_waiting_for(status_of(seen))) {
        if (may_sleep) w.awake(false);
        return seen;
      }
      if (now >= until) {
        if (status_of(seen) == status::stalled) return seen;
        return gone_or(status::timed_out, now);
      }
    }
    if (may_sleep) {
      w.sleeps();
      Atomics::sleep(bell, static_cast<std::uint32_t>(call::asleep),
                     sleep_until(until, now, will_wake_us ? longest_nap : nap_without_barriers));
      w.awake(true);
      now = Atomics::now();
    }
    if (now - started < longest_nap) continue;
    if (Result seen = gone_or(status::empty, now); !is_worth_waiting_for(status_of(seen)))
      return seen;
  }
}

}  // namespace annulus
