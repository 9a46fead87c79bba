// What every wait shares: how long a sleep may be, and when the kernel is asked whether the peer
// lives and the channel still has its name.
//
// A waiter asks once in `longest_nap`, and at a deadline if its last question is older than that:
// so waits that are shorter than a nap come to say `peer_gone` and `removed` too.
#pragma once

#include <algorithm>
#include <chrono>

#include <annulus/channel/status.hpp>

namespace annulus {

inline constexpr std::chrono::milliseconds longest_nap{10};

[[nodiscard]] constexpr bool is_worth_waiting_for(status s) noexcept {
  return s == status::empty || s == status::full || s == status::stalled;
}

// How long a sleep may be: `most`, and not beyond the deadline. No deadline makes it overflow.
[[nodiscard]] constexpr std::chrono::nanoseconds sleep_until(
    deadline until, deadline now, std::chrono::nanoseconds most) noexcept {
  if (until <= now) return {};
  return std::clamp<std::chrono::nanoseconds>(until - now, {}, std::max(most, {}));
}

// Why a wait is in vain; ok: it is not. A name that is gone says more than a death: no successor
// can come either. What the other side has done already is still taken first.
[[nodiscard]] constexpr status why_in_vain(bool has_lost_name, bool is_peer_gone) noexcept {
  if (has_lost_name) return status::removed;
  return is_peer_gone ? status::peer_gone : status::ok;
}

// When a role last asked for its peer. It is kept by the role, over all its waits.
class peer_watch {
 public:
  // Whether it is time to ask again; from now on it is not. A role's first question is due.
  [[nodiscard]] bool is_due(deadline now) noexcept {
    if (has_asked_ && now - asked_ < longest_nap) return false;
    has_asked_ = true;
    asked_ = now;
    return true;
  }

 private:
  deadline asked_{};
  bool has_asked_ = false;
};

}  // namespace annulus
