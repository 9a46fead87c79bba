// How a ring's role waits: it polls the ring, and sleeps on its bell (channel/wait_loop.hpp).
//
// No sleep is endless (channel/wait.hpp): at its end the waiter asks the kernel whether the peer is
// alive and the name is there, and so repairs a wake-up that died with its producer between
// clearing the bell and waking.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include <annulus/channel/status.hpp>
#include <annulus/channel/wait.hpp>
#include <annulus/channel/wait_loop.hpp>
#include <annulus/channel/waiting.hpp>
#include <annulus/ring/bell.hpp>
#include <annulus/ring/interrupt.hpp>

namespace annulus {

inline constexpr std::chrono::milliseconds nap_without_barriers{1};

// A ring's side of the wait loop. `harder` is an attempt by system calls if need be. `sleeps` is
// called before a sleep, `awake` after one (true) or instead of one.
template <class Atomics, class Waiter, class Harder, class Sleeps, class Awake>
struct ring_side : Waiter {
  using result = typename Waiter::result;

  Harder harder;
  Sleeps sleeps;
  Awake awake;
  bell<Atomics>& own_bell;
  wait_memory<Atomics>& own;
  std::uint32_t polls;  // between two looks at the clock

  [[nodiscard]] result look() noexcept { return poll(); }
  [[nodiscard]] result poll() noexcept {
    for (std::uint32_t i = 0; i < polls; ++i) {
      result seen = this->attempt();
      if (!is_worth_waiting_for(this->status_of(seen))) return seen;
      Atomics::relax();
    }
    return this->refusal(status::empty);
  }
  [[nodiscard]] result examine() noexcept { return harder(); }
  [[nodiscard]] result last_look() noexcept { return harder(); }

  [[nodiscard]] std::chrono::nanoseconds lie_down(std::chrono::nanoseconds most) noexcept {
    const bool will_wake_us = go_to_sleep<Atomics>(own_bell, own);
    return will_wake_us ? most : std::min<std::chrono::nanoseconds>(most, nap_without_barriers);
  }
  void sleep(std::chrono::nanoseconds span) noexcept {
    sleeps();
    Atomics::sleep(own_bell, static_cast<std::uint32_t>(bell_state::asleep), span);
  }
  void stand_up(bool slept) noexcept { awake(slept); }
  void nap(std::chrono::nanoseconds span) noexcept {
    sleeps();
    own.interrupt.nap(span);
  }
};

template <class Atomics, class Waiter, class Harder, class Sleeps, class Awake>
[[nodiscard]] auto wait_for(const waiting& how, deadline until, bell<Atomics>& bell,
                            wait_memory<Atomics>& own, Waiter what, Harder harder, Sleeps sleeps,
                            Awake awake) noexcept {
  // A role that naps has time, and polls once.
  const auto polls = how.how == waiting::kind::nap ? std::min(Atomics::polls_per_clock, 1u)
                                                   : Atomics::polls_per_clock;
  ring_side<Atomics, Waiter, Harder, Sleeps, Awake> side{
      std::move(what), harder, sleeps, awake, bell, own, polls};
  return wait_loop<Atomics, wait_memory<Atomics>, decltype(side)>(how, until, own, side).run();
}

}  // namespace annulus
