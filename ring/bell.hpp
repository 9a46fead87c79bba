// Waking a sleeper, at no cost while there is none.
//
// The sleeper sets its bell, fences, looks once more and sleeps. The other side does its work,
// fences, and looks at the bell. One of the two sees the other: either the sleeper sees the work,
// or the bell is seen and rung. The sleeper's fence is heavy (the kernel runs a barrier on every
// thread of the others), so the other's is light: it only holds the compiler, and the hot path pays
// one load of a line that rarely changes. A death between clearing the bell and waking is why no
// sleep is long.
#pragma once

#include <atomic>
#include <cstdint>

#include <annulus/ring/edges.hpp>
#include <annulus/ring/layout.hpp>

namespace annulus {

template <class Atomics>
using bell = typename Atomics::template word<std::uint32_t>;

template <class Atomics>
[[gnu::noinline, gnu::cold]] void ring_if_asleep(bell<Atomics>& to) noexcept {
  auto asleep = static_cast<std::uint32_t>(call::asleep);
  // [bell] relaxed: the futex checks the word again under its own lock.
  if (to.template compare_exchange<edge::bell>(asleep, static_cast<std::uint32_t>(call::none),
                                               std::memory_order_relaxed,
                                               std::memory_order_relaxed)) {
    Atomics::wake(to);
  }
}

// Requires: what the sleeper waits for has been stored.
template <class Atomics>
void wake_if_asleep(bell<Atomics>& to, bool barriers_reach_us) noexcept {
  // [bell] fence: the store that the sleeper looks for comes before the look at its bell.
  Atomics::light_fence(barriers_reach_us);
  // [bell] relaxed: the fences on both sides order it after the store that the sleeper looks for.
  if (to.template load<edge::bell>(std::memory_order_relaxed) != 0) [[unlikely]] {
    ring_if_asleep<Atomics>(to);
  }
}

template <class Atomics>
[[nodiscard]] bool is_closed(const bell<Atomics>& of) noexcept {
  // [hint] relaxed: seen later, it costs messages that nobody will read anyway.
  return of.template load<edge::hint>(std::memory_order_relaxed) ==
         static_cast<std::uint32_t>(call::closed);
}

template <class Atomics>
void set_bell(bell<Atomics>& to, call what) noexcept {
  // [bell] relaxed: the heavy fence orders it before the last look of whoever goes to sleep.
  to.template store<edge::bell>(static_cast<std::uint32_t>(what), std::memory_order_relaxed);
}

// For a bell that several share: who set it and then needed no sleep rings it, because his setting
// may have hidden from another that it was rung.
template <class Atomics>
void hand_on(bell<Atomics>& to, bool slept) noexcept {
  if (!slept) ring_if_asleep<Atomics>(to);
}

}  // namespace annulus
