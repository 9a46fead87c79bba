// What every wait shares: how long a sleep may be, and when the kernel is asked whether the peer
// lives and the channel still has its name.
//
// A waiter checks once per `longest_nap`, and at its deadline if the last check is older. So
// shorter waits return `peer_gone` and `removed` too.
#pragma once

#include <algorithm>
#include <chrono>

#include <annulus/channel/status.hpp>

namespace annulus {

inline constexpr std::chrono::milliseconds longest_nap{10};

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

// When a role last checked its peer. One object serves all its waits.
class peer_watch {
 public:
  // Whether a check is due; restarts the interval if so. The first one is due.
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
