// How a ring's role waits: it polls the ring, and sleeps on its bell (channel/wait_loop.hpp).
//
// No sleep is endless (channel/wait.hpp): at its end the waiter asks the kernel whether the peer is
// alive and the name is there, and so repairs a wake-up that died with its producer between
// clearing the bell and waking.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include <annulus/channel/status.hpp>
#include <annulus/channel/wait.hpp>
#include <annulus/channel/wait_loop.hpp>
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

// A ring's side of the wait loop.
template <class Atomics, class Result, class Waiter, class StatusOf, class Refusal>
struct ring_side {
  using result = Result;

  Waiter w;
  StatusOf status_of;
  Refusal refusal;
  bell<Atomics>& own_bell;
  wait_memory<Atomics>& own;
  std::uint32_t polls;  // between two looks at the clock

  [[nodiscard]] result look() noexcept { return poll(); }
  [[nodiscard]] result poll() noexcept {
    for (std::uint32_t i = 0; i < polls; ++i) {
      result seen = w.attempt();
      if (!is_worth_waiting_for(status_of(seen))) return seen;
      Atomics::relax();
    }
    return refusal(status::empty);
  }
  [[nodiscard]] result examine() noexcept { return w.examine(); }
  [[nodiscard]] result last_look() noexcept { return w.examine(); }
  [[nodiscard]] status news() noexcept { return w.news(); }

  [[nodiscard]] std::chrono::nanoseconds lie_down(std::chrono::nanoseconds most) noexcept {
    const bool will_wake_us = go_to_sleep<Atomics>(own_bell, own);
    return will_wake_us ? most : std::min<std::chrono::nanoseconds>(most, nap_without_barriers);
  }
  void sleep(std::chrono::nanoseconds span) noexcept {
    w.sleeps();
    Atomics::sleep(own_bell, static_cast<std::uint32_t>(call::asleep), span);
  }
  void stand_up(bool slept) noexcept { w.awake(slept); }
  void nap(std::chrono::nanoseconds span) noexcept {
    w.sleeps();
    own.interrupt.nap(span);
  }
};

// `status_of` reads a result, `refusal` makes one.
template <class Atomics, class Result, class Waiter, class StatusOf, class Refusal>
[[nodiscard]] Result wait_for(const waiting& how, deadline until, bell<Atomics>& bell,
                              wait_memory<Atomics>& own, Waiter w, StatusOf status_of,
                              Refusal refusal) noexcept {
  // Who naps has time, and polls once.
  const auto polls = how.how == waiting::kind::nap ? std::min(Atomics::polls_per_clock, 1u)
                                                   : Atomics::polls_per_clock;
  ring_side<Atomics, Result, Waiter, StatusOf, Refusal> side{w,    status_of, refusal,
                                                             bell, own,       polls};
  return wait_loop<Atomics, wait_memory<Atomics>, decltype(side)>(how, until, own, side).run();
}

}  // namespace annulus
