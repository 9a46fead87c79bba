// Waiting: spin, then yield or sleep, until something comes, the deadline passes or the peer died.
//
// The hot path knows nothing of this. A wait that is met while spinning makes no system call.
// Nobody sleeps longer than one nap: at its end the waiter asks the kernel whether the peer is
// alive, and so repairs a wake-up that died with its producer between clearing the bell and waking.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include <annulus/channel/status.hpp>
#include <annulus/channel/waiting.hpp>
#include <annulus/ring/bell.hpp>

namespace annulus {

inline constexpr std::chrono::milliseconds longest_nap{10};
inline constexpr std::chrono::milliseconds nap_without_barriers{1};

[[nodiscard]] constexpr bool is_worth_waiting_for(status s) noexcept {
  return s == status::empty || s == status::full || s == status::stalled;
}

// What one kind of waiter brings. `attempt` tries; `look` tries harder and may make system calls;
// both return what the waiting form returns. `is_peer_gone` asks the kernel; `sleeps` is told
// before a sleep, `awake` after one (true) or instead of one.
template <class Attempt, class Look, class PeerGone, class Sleeps, class Awake>
struct waiter {
  Attempt attempt;
  Look look;
  PeerGone is_peer_gone;
  Sleeps sleeps;
  Awake awake;
};
template <class... F>
waiter(F...) -> waiter<F...>;  // NOLINT

// `status_of` reads a result, `refusal` makes one.
template <class Atomics, class Result, class Waiter, class StatusOf, class Refusal>
[[nodiscard]] Result wait_for(waiting policy, deadline until, bell<Atomics>& bell, sleeper& own,
                              Waiter w, StatusOf status_of, Refusal refusal) noexcept {
  const auto polled = [&] {
    for (std::uint32_t poll = 0; poll < Atomics::polls_per_clock; ++poll) {
      Result seen = w.attempt();
      if (!is_worth_waiting_for(status_of(seen))) return seen;
      Atomics::relax();
    }
    return refusal(status::empty);
  };

  if (Result seen = polled(); !is_worth_waiting_for(status_of(seen))) return seen;
  const auto started = Atomics::now();
  auto peer_checked = started;
  for (;;) {
    if (Result seen = polled(); !is_worth_waiting_for(status_of(seen))) return seen;
    auto now = Atomics::now();
    const bool has_spun = now - started >= policy.spin_for;
    const bool may_sleep = has_spun && policy.how == waiting::kind::block && now < until;
    if (has_spun && policy.how == waiting::kind::yield) Atomics::yield();
    if (policy.how == waiting::kind::nap) {
      w.sleeps();
      Atomics::nap(std::clamp<std::chrono::nanoseconds>(until - now, {}, policy.nap_for));
      now = Atomics::now();
    }
    const bool will_wake_us = may_sleep && go_to_sleep<Atomics>(bell, own);
    if (may_sleep || now >= until || now - peer_checked >= longest_nap) {
      Result seen = w.look();
      if (!is_worth_waiting_for(status_of(seen))) {
        if (may_sleep) w.awake(false);
        return seen;
      }
      if (now >= until) {
        if (status_of(seen) == status::stalled) return seen;
        return refusal(status::timed_out);
      }
    }
    if (may_sleep) {
      w.sleeps();
      const std::chrono::nanoseconds nap = will_wake_us ? longest_nap : nap_without_barriers;
      Atomics::sleep(bell, static_cast<std::uint32_t>(call::asleep),
                     std::min<std::chrono::nanoseconds>(nap, until - now));
      w.awake(true);
      now = Atomics::now();
    }
    if (now - peer_checked >= longest_nap) {
      peer_checked = now;
      if (w.is_peer_gone()) {
        Result seen = w.look();
        if (!is_worth_waiting_for(status_of(seen))) return seen;
        return refusal(status::peer_gone);
      }
    }
  }
}

}  // namespace annulus
