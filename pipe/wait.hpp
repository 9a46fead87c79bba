// How a pipe's role waits: it asks whether an attempt is worth while, and sleeps on the FIFO
// (channel/wait_loop.hpp).
//
// No sleep is endless (channel/wait.hpp): at its end the waiter looks at the closed words and asks
// the kernel whether the peer is alive and the name is there. It ends early when the FIFO has news
// for the waiter, and when a role closes or dies or one of the pipe's files loses its name.
#pragma once

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include <annulus/channel/status.hpp>
#include <annulus/channel/wait.hpp>
#include <annulus/channel/wait_loop.hpp>
#include <annulus/channel/waiting.hpp>
#include <annulus/pipe/fifo.hpp>
#include <annulus/pipe/interrupt.hpp>

namespace annulus::pipes {

// Where nobody tells a waiter that a role has closed, it looks this often.
inline constexpr std::chrono::milliseconds nap_without_news{100};
// A waiter that stays awake looks at the closed words this often.
inline constexpr std::chrono::microseconds longest_glance{100};

struct real_time {
  [[nodiscard]] static deadline now() noexcept { return std::chrono::steady_clock::now(); }
  static void yield() noexcept { std::this_thread::yield(); }
};

// A pipe's side of the wait loop. `glance` tells cheaply whether an attempt, which takes the FIFO's
// lock from the other side, is worth while; `sleep` sleeps at most so long. An attempt is made once
// between two sleeps, and not again before the first: a sleep ends at once if there is news.
template <class Clock, class Waiter, class Glance, class Sleep>
class pipe_side : public Waiter {
 public:
  using result = typename Waiter::result;

  pipe_side(Waiter what, Glance glance, Sleep sleep, wait_memory& own) noexcept
      : Waiter(std::move(what)), glance_(glance), sleep_(sleep), own_(own) {}

  [[nodiscard]] result look() noexcept { return examine(); }
  [[nodiscard]] result poll() noexcept {
    const bool is_due = !is_fresh_ || Clock::now() - tried_ >= longest_glance || glance_();
    return is_due ? examine() : this->refusal(last_);
  }
  [[nodiscard]] result examine() noexcept {
    is_fresh_ = true;
    tried_ = Clock::now();
    result seen = this->attempt();
    last_ = this->status_of(seen);
    return seen;
  }
  [[nodiscard]] result last_look() noexcept { return is_fresh_ ? this->refusal(last_) : examine(); }

  // A wait that becomes long watches the pipe's files, and then looks for what came before.
  [[nodiscard]] std::chrono::nanoseconds lie_down(std::chrono::nanoseconds most) noexcept {
    if (most <= first_nap || own_.watch) return most;
    if (!own_.watch.covers(own_.files))
      return std::min<std::chrono::nanoseconds>(most, nap_without_news);
    is_fresh_ = false;
    return most;
  }
  void sleep(std::chrono::nanoseconds span) noexcept {
    sleep_(span);
    is_fresh_ = false;
    if (own_.watch.take()) own_.peer.heard_news(Clock::now());
  }
  void stand_up(bool) noexcept {}
  void nap(std::chrono::nanoseconds span) noexcept {
    pipes::nap(span, own_.ends());
    is_fresh_ = false;
  }

 private:
  Glance glance_;
  Sleep sleep_;
  wait_memory& own_;
  deadline tried_{};
  status last_ = status::empty;
  bool is_fresh_ = false;  // tried since the last sleep
};

template <class Clock = real_time, class Waiter, class Glance, class Sleep>
[[nodiscard]] auto wait_for(const waiting& how, deadline until, wait_memory& own, Waiter what,
                            Glance glance, Sleep sleep) noexcept {
  pipe_side<Clock, Waiter, Glance, Sleep> side(std::move(what), glance, sleep, own);
  return wait_loop<Clock, wait_memory, decltype(side)>(how, until, own, side).run();
}

}  // namespace annulus::pipes
