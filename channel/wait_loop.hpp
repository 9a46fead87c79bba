// One wait: look, then spin, yield, nap or sleep, and look again, until something comes, the
// deadline passes, the peer died, the channel's name is gone or interrupt() ends it.
//
// The fast path does not use it. A wait that is met while spinning makes no system call of its own.
// A waiter says what an operation waits for. A Side is a waiter that says, too, how its transport
// looks and sleeps:
//
//   look()              a first look
//   poll()              another, cheap
//   examine()           tries harder, by system calls if need be
//   lie_down(most)      from here on a wake-up is kept. Returns the longest sleep, at most `most`
//   last_look()         behind lie_down(), as hard as examine()
//   sleep(span)         the sleep
//   stand_up(slept)     after the sleep (true), or in its place (false)
//   nap(span)           leaves the processor for so long; only an interrupt ends it early
//
// A Memory has `peer`, a peer_watch, and `interrupt` with take(). A Clock has now() and yield(). A
// model brings its own of each, and runs this loop.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <type_traits>
#include <utility>

#include <annulus/channel/status.hpp>
#include <annulus/channel/wait.hpp>
#include <annulus/channel/waiting.hpp>

namespace annulus {

// `attempt` returns what the waiting form returns; `status_of` reads that, `refusal` makes it.
// `news` asks the kernel why no more may come: peer_gone or removed; else ok.
template <class Attempt, class StatusOf, class Refusal, class News>
struct waiter {
  using result = std::invoke_result_t<Attempt&>;

  Attempt attempt;
  StatusOf status_of;
  Refusal refusal;
  News news;
};
template <class... F>
waiter(F...) -> waiter<F...>;  // NOLINT

template <class Clock, class Memory, class Side>
class wait_loop {
  using result = typename Side::result;
  using end = std::optional<result>;

 public:
  wait_loop(const waiting& how, deadline until, Memory& own, Side& side) noexcept
      : how_(how), until_(until), longest_(longest_gap(how)), own_(own), side_(side) {}

  [[nodiscard]] result run() noexcept {
    if (own_.interrupt.take()) return side_.refusal(status::interrupted);
    if (result seen = side_.look(); is_met(seen)) return seen;
    started_ = examined_ = Clock::now();
    own_.peer.heard_nothing(started_);
    for (;;) {
      const auto now = Clock::now();
      const bool has_spun = now - started_ >= how_.spin_for;
      const bool may_sleep = has_spun && how_.how == waiting::kind::block && now < until_;
      if (end met = may_sleep ? sleep(now) : stay_awake(now, has_spun)) return *std::move(met);
    }
  }

 private:
  [[nodiscard]] end stay_awake(deadline now, bool has_spun) noexcept {
    if (how_.how == waiting::kind::nap) {
      side_.nap(sleep_until(until_, now, how_.nap_for));
      now = Clock::now();
    } else if (how_.how == waiting::kind::yield && has_spun) {
      Clock::yield();
    }
    if (own_.interrupt.take()) return side_.refusal(status::interrupted);
    if (result seen = side_.poll(); is_met(seen)) return seen;
    if (now >= until_ || now - examined_ >= first_nap) {
      examined_ = now;
      result seen = side_.examine();
      if (is_met(seen)) return seen;
      if (now >= until_) {
        if (side_.status_of(seen) == status::stalled) return seen;
        return gone_or(status::timed_out, now);
      }
    }
    return gone(now);
  }

  [[nodiscard]] end sleep(deadline now) noexcept {
    auto most = side_.lie_down(own_.peer.gap(now, longest_));
    if (own_.interrupt.take()) {
      side_.stand_up(false);
      return side_.refusal(status::interrupted);
    }
    result seen = side_.last_look();
    if (is_met(seen)) {
      side_.stand_up(false);
      return seen;
    }
    if (side_.status_of(seen) == status::stalled) {
      most = std::min<std::chrono::nanoseconds>(most, first_nap);
    }
    side_.sleep(sleep_until(until_, now, most));
    side_.stand_up(true);
    if (result woken = side_.poll(); is_met(woken)) return woken;
    return gone(Clock::now());
  }

  // Whether that ends the wait; then the other side is silent no more.
  [[nodiscard]] bool is_met(const result& seen) noexcept {
    if (is_worth_waiting_for(side_.status_of(seen))) return false;
    own_.peer.heard();
    return true;
  }

  // The wait is in vain. Not asked in its first moments.
  [[nodiscard]] end gone(deadline now) noexcept {
    if (now - started_ < first_nap) return std::nullopt;
    result seen = gone_or(status::empty, now);
    if (is_worth_waiting_for(side_.status_of(seen))) return std::nullopt;
    return seen;
  }
  [[nodiscard]] result gone_or(status otherwise, deadline now) noexcept {
    const status why = own_.peer.is_due(now, longest_) ? side_.news() : status::ok;
    if (why == status::ok) return side_.refusal(otherwise);
    own_.peer.heard();
    result seen = side_.examine();
    if (is_worth_waiting_for(side_.status_of(seen))) return side_.refusal(why);
    return seen;
  }

  const waiting& how_;
  const deadline until_;
  const std::chrono::nanoseconds longest_;
  Memory& own_;
  Side& side_;
  deadline started_{}, examined_{};
};

}  // namespace annulus
