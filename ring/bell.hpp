// An eventcount: waking a sleeper, at no cost while there is none.
//
// The sleeper sets its bell, fences, polls once more and sleeps. The other side does its work,
// fences, and loads the bell. One of the two sees the other: either the sleeper sees the work, or
// the waker sees the bell and wakes it.
//
// Announced   Until its owner first sleeps a bell is `none`, and the waker pays one compiler
//             barrier and one load of a rarely written line. The first sleep announces itself by
//             an asymmetric fence (the kernel runs a barrier on every thread of the others): from
//             then on the others see that the bell is in use, fence for real and load it again.
//             Later sleeps need only a fence of their own. A consumer that no longer sleeps takes
//             its announcement back
// Crash       a death between clearing the bell and waking is why no sleep is long
#pragma once

#include <atomic>
#include <cstdint>

#include <annulus/channel/status.hpp>
#include <annulus/ring/edges.hpp>
#include <annulus/ring/layout.hpp>

namespace annulus {

template <class Atomics>
using bell = typename Atomics::template word<std::uint32_t>;

// What a role remembers of its own sleeping.
struct sleeper {
  bool is_announced = false;  // every thread has passed a barrier since the bell left `none`
  std::uint32_t waits_without_sleep = 0;
};

template <class Atomics>
void wake_sleeper(bell<Atomics>& to) noexcept {
  auto asleep = static_cast<std::uint32_t>(bell_state::asleep);
  // [bell] relaxed: the futex checks the word again under its own lock.
  if (to.template compare_exchange<edge::bell>(
          asleep, static_cast<std::uint32_t>(bell_state::awake), std::memory_order_relaxed,
          std::memory_order_relaxed)) {
    Atomics::wake(to);
  }
}

// The bell is in use: whether its owner sleeps is seen only behind a real fence.
template <class Atomics>
[[gnu::noinline]] void fence_and_wake(bell<Atomics>& to) noexcept {
  // [bell] fence: the store that the sleeper looks for comes before this look at its bell.
  Atomics::fence();
  // [bell] relaxed: the fences on both sides order it.
  if (to.template load<edge::bell>(std::memory_order_relaxed) ==
      static_cast<std::uint32_t>(bell_state::asleep)) {
    wake_sleeper<Atomics>(to);
  }
}

// What a bell says to this role as long as its owner never slept. Where barriers do not reach the
// role it is nothing that a bell can say: every look is a fenced one. Asking fences once, so that
// what was announced before the role came is seen.
template <class Atomics>
[[nodiscard]] std::uint32_t quiet_bell() noexcept {
  return Atomics::accept_barriers() ? static_cast<std::uint32_t>(bell_state::none)
                                    : ~std::uint32_t{0};
}

// Whether the bell's owner may be asleep: then check behind a fence. Requires: what it waits for
// was stored. `quiet` by reference, so that it is compared in memory and takes no register of a
// push.
template <class Atomics>
[[nodiscard, gnu::always_inline]] inline bool is_in_use(const bell<Atomics>& of,
                                                        const std::uint32_t& quiet) noexcept {
  // [bell] fence: against the announcement, whose heavy fence makes this one a real one.
  Atomics::compiler_fence();
  // [bell] relaxed: the fences on both sides order it after the store that the sleeper looks for.
  return of.template load<edge::bell>(std::memory_order_relaxed) != quiet;
}

template <class Atomics>
[[gnu::always_inline]] inline void wake_if_asleep(bell<Atomics>& to,
                                                  const std::uint32_t& quiet) noexcept {
  if (is_in_use<Atomics>(to, quiet)) [[unlikely]]
    fence_and_wake<Atomics>(to);
}

// Why a producer that found no room has none: the consumer is still to make some, or has closed,
// and nobody will until another comes.
template <class Atomics>
[[nodiscard]] status no_room(const control_words<Atomics>& control) noexcept {
  // [bell] relaxed: a waiter's last look comes behind its fence, and the closing consumer's look
  // at the waiters' bell behind its own.
  const auto bell = control.consumer_bell.template load<edge::bell>(std::memory_order_relaxed);
  return bell == static_cast<std::uint32_t>(bell_state::closed) ? status::closed : status::full;
}

template <class Atomics>
void set_bell(bell<Atomics>& to, bell_state what) noexcept {
  // [bell] relaxed: a fence orders it before the sleeper's last look.
  to.template store<edge::bell>(static_cast<std::uint32_t>(what), std::memory_order_relaxed);
}

// The bell says that its owner goes to sleep, before the last look. Whether the others will see it:
// if not, sleep only briefly.
template <class Atomics>
[[nodiscard]] bool go_to_sleep(bell<Atomics>& to, sleeper& own) noexcept {
  set_bell<Atomics>(to, bell_state::asleep);
  own.waits_without_sleep = 0;
  if (own.is_announced) {
    // [bell] fence: the bell is set before the last look.
    Atomics::fence();
  } else {
    // [bell] fence: the same, and every later look of the others sees that the bell is in use.
    own.is_announced = Atomics::heavy_fence();
  }
  return own.is_announced;
}

// A bell with one owner, who was met without sleeping: when that has become the rule, the others
// are spared their fence.
template <class Atomics>
void stay_awake(bell<Atomics>& of, sleeper& own) noexcept {
  if (!own.is_announced || ++own.waits_without_sleep < Atomics::waits_before_awake) return;
  own.is_announced = false;
  set_bell<Atomics>(of, bell_state::none);
}

// For a bell that several share: a role that set it and did not sleep rings it, because its store
// may have hidden an earlier wake-up.
template <class Atomics>
void hand_on(bell<Atomics>& to, bool slept) noexcept {
  if (!slept) wake_sleeper<Atomics>(to);
}

}  // namespace annulus
