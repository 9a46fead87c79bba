// Waiting: spin, then yield or sleep, until something comes, the deadline passes or the peer died.
//
// Nobody sleeps longer than one nap: at its end the waiter looks at the closed words and asks the
// kernel whether the peer is alive. A nap ends early when the FIFO has news for the waiter.
#pragma once

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include <annulus/channel/status.hpp>
#include <annulus/channel/waiting.hpp>

namespace annulus::pipes {

inline constexpr std::chrono::milliseconds longest_nap{10};

[[nodiscard]] constexpr bool is_worth_waiting_for(status s) noexcept {
  return s == status::empty || s == status::full || s == status::stalled;
}

// What one kind of waiter brings: `attempt` tries, `status_of` reads its result, `refusal` makes
// one, `is_peer_gone` asks the kernel, `nap` sleeps at most so long.
template <class Attempt, class StatusOf, class Refusal, class PeerGone, class Nap>
struct waiter {
  Attempt attempt;
  StatusOf status_of;
  Refusal refusal;
  PeerGone is_peer_gone;
  Nap nap;
};
template <class... F>
waiter(F...) -> waiter<F...>;  // NOLINT

template <class Waiter>
[[nodiscard]] auto wait_for(waiting policy, deadline until, Waiter w) noexcept
    -> decltype(w.attempt()) {
  auto first = w.attempt();
  if (!is_worth_waiting_for(w.status_of(first))) return first;
  const auto started = std::chrono::steady_clock::now();
  auto peer_checked = started;
  for (;;) {
    auto seen = w.attempt();
    if (!is_worth_waiting_for(w.status_of(seen))) return seen;
    auto now = std::chrono::steady_clock::now();
    if (now >= until) {
      if (w.status_of(seen) == status::stalled) return seen;
      return w.refusal(status::timed_out);
    }
    const bool has_spun = now - started >= policy.spin_for;
    if (has_spun && policy.how == waiting::kind::yield) sched_yield();
    if (has_spun && policy.how == waiting::kind::block) {
      w.nap(std::min<std::chrono::nanoseconds>(longest_nap, until - now));
      now = std::chrono::steady_clock::now();
    }
    if (now - peer_checked < longest_nap) continue;
    peer_checked = now;
    if (!w.is_peer_gone()) continue;
    auto last = w.attempt();
    if (!is_worth_waiting_for(w.status_of(last))) return last;
    return w.refusal(status::peer_gone);
  }
}

}  // namespace annulus::pipes
