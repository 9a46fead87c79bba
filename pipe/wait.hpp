// Waiting: spin, then yield or sleep, until something comes, the deadline passes, the peer died,
// the channel's name is gone or somebody interrupts it.
//
// Nobody sleeps longer than one nap: at its end the waiter looks at the closed words and asks the
// kernel whether the peer is alive and the name is there. A nap ends early when the FIFO has news
// for the waiter.
#pragma once

#include <sched.h>

#include <chrono>
#include <utility>

#include <annulus/channel/status.hpp>
#include <annulus/channel/wait.hpp>
#include <annulus/channel/waiting.hpp>
#include <annulus/pipe/fifo.hpp>
#include <annulus/pipe/interrupt.hpp>

namespace annulus::pipes {

// What one kind of waiter brings: `attempt` tries, `glance` tells cheaply whether that is worth
// while (an attempt takes the FIFO's lock, which the other side needs), `status_of` reads an
// attempt's result, `refusal` makes one, `news` asks the kernel why no more may come, peer_gone
// or removed, else ok, `nap` sleeps at most so long.
template <class Attempt, class Glance, class StatusOf, class Refusal, class News, class Nap>
struct waiter {
  Attempt attempt;
  Glance glance;
  StatusOf status_of;
  Refusal refusal;
  News news;
  Nap nap;
};
template <class... F>
waiter(F...) -> waiter<F...>;  // NOLINT

template <class Waiter>
[[nodiscard]] auto wait_for(waiting policy, deadline until, wait_memory& own, Waiter w) noexcept
    -> decltype(w.attempt()) {
  using clock = std::chrono::steady_clock;
  constexpr std::chrono::microseconds longest_glance{100};  // then the closed words are examined at
  const auto gone_or = [&](status otherwise, deadline now) {
    const status why = own.peer.is_due(now) ? w.news() : status::ok;
    if (why == status::ok) return w.refusal(otherwise);
    auto last = w.attempt();
    return is_worth_waiting_for(w.status_of(last)) ? w.refusal(why) : last;
  };
  if (own.interrupt.take()) return w.refusal(status::interrupted);
  auto seen = w.attempt();
  if (!is_worth_waiting_for(w.status_of(seen))) return seen;
  const auto started = clock::now();
  auto tried = started;
  bool has_slept = false;
  for (;;) {
    auto now = clock::now();
    const bool naps = policy.how == waiting::kind::block && now - started >= policy.spin_for;
    const bool polls_rarely = policy.how == waiting::kind::nap;
    // Before a first sleep nothing is tried again: it ends at once if there is news.
    const bool is_due =
        naps || polls_rarely ? has_slept : now - tried >= longest_glance || w.glance();
    if (is_due || now >= until) {
      tried = now;
      seen = w.attempt();
      if (!is_worth_waiting_for(w.status_of(seen))) return seen;
      if (now >= until) {
        return w.status_of(seen) == status::stalled ? seen : gone_or(status::timed_out, now);
      }
    }
    has_slept = naps || polls_rarely;
    if (polls_rarely) {
      nap(sleep_until(until, now, policy.nap_for), own.interrupt.event());
      now = clock::now();
    } else if (naps) {
      w.nap(sleep_until(until, now, longest_nap));
      now = clock::now();
    } else if (policy.how == waiting::kind::yield && now - started >= policy.spin_for) {
      sched_yield();
    }
    if (own.interrupt.take()) return w.refusal(status::interrupted);
    if (now - started < longest_nap) continue;
    seen = gone_or(status::empty, now);
    if (!is_worth_waiting_for(w.status_of(seen))) return seen;
  }
}

}  // namespace annulus::pipes
