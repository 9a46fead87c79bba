// What every wait shares: how long a sleep may be, and when the kernel is asked whether the peer
// lives and the channel still has its name.
//
// A waiter checks its peer less often the longer the peer has been silent: a sleep lasts at most as
// long as the silence before it, from `first_nap` up to waiting::longest_sleep. So a death is
// noticed within 10 ms at first, later within as long again as the silence, and an idle role wakes
// once a second. A shorter wait checks at its deadline if a check is due, so it returns `peer_gone`
// and `removed`, too.
#pragma once

#include <algorithm>
#include <chrono>

#include <annulus/channel/status.hpp>
#include <annulus/channel/waiting.hpp>

namespace annulus {

// The first sleep of a silence, and each one behind a claim that is not committed: the claim's
// producer may have died.
inline constexpr std::chrono::milliseconds first_nap{10};

[[nodiscard]] constexpr bool is_worth_waiting_for(status s) noexcept {
  return s == status::empty || s == status::full || s == status::stalled;
}

// How long a sleep may be: `most`, and not beyond the deadline. It never overflows.
[[nodiscard]] constexpr std::chrono::nanoseconds sleep_until(
    deadline until, deadline now, std::chrono::nanoseconds most) noexcept {
  if (until <= now) return {};
  return std::clamp<std::chrono::nanoseconds>(until - now, {}, std::max(most, {}));
}

// Why a wait cannot succeed, or ok. A lost name outranks a death, because no successor can attach.
// Callers first take what is already there.
[[nodiscard]] constexpr status why_in_vain(bool has_lost_name, bool is_peer_gone) noexcept {
  if (has_lost_name) return status::removed;
  return is_peer_gone ? status::peer_gone : status::ok;
}

// The longest time between two questions, of a role that waits like this. One that keeps its
// processor busy anyway asks often.
[[nodiscard]] constexpr std::chrono::nanoseconds longest_gap(const waiting& how) noexcept {
  const bool sleeps = how.how == waiting::kind::block || how.how == waiting::kind::nap;
  if (!sleeps) return first_nap;
  return std::max<std::chrono::nanoseconds>(how.longest_sleep, std::chrono::milliseconds(1));
}

// How long the other side has been silent, and when it was last asked for. A role keeps it over
// all its waits.
class peer_watch {
 public:
  // A wait found nothing. Its silence began with the first wait that did.
  void heard_nothing(deadline now) noexcept {
    if (is_silent_) return;
    is_silent_ = true;
    since_ = now;
    gap_ = first_nap;
  }
  // The other side did something, or its end was told.
  void heard() noexcept { is_silent_ = false; }

  // Something happened to the channel: asked for soon, and often for a while.
  void heard_news(deadline now) noexcept {
    heard();
    heard_nothing(now);
  }

  // How long a sleep may be that begins now.
  [[nodiscard]] std::chrono::nanoseconds gap(deadline now,
                                             std::chrono::nanoseconds longest) const noexcept {
    return std::min(std::max<std::chrono::nanoseconds>(now - since_, first_nap), longest);
  }

  // Whether it is time to ask the kernel again; from now on it is not. A role's first question is
  // due.
  [[nodiscard]] bool is_due(deadline now, std::chrono::nanoseconds longest) noexcept {
    if (has_asked_ && now - asked_ < std::min(gap_, longest)) return false;
    has_asked_ = true;
    asked_ = now;
    gap_ = gap(now, longest);
    return true;
  }

 private:
  deadline since_{};  // while it is silent
  deadline asked_{};
  std::chrono::nanoseconds gap_ = first_nap;
  bool is_silent_ = false;
  bool has_asked_ = false;
};

}  // namespace annulus
