// Ending a wait from outside: from another thread of the process, or from a signal handler.
//
// raise()    stores a word, fences, and wakes the role if its bell says that it sleeps. The word
//            stays until a wait takes it: one that runs, or else the next
// take()     is asked when a wait begins, between two polls, and behind the bell's fence before a
//            sleep. So either the sleeper sees the word, or its bell is seen and rung
// Signals    raise() is async-signal-safe: lock-free atomics and two system calls; it keeps errno
// Checked    models/waiting.hpp
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include <annulus/channel/wait.hpp>
#include <annulus/ring/bell.hpp>
#include <annulus/ring/edges.hpp>

namespace annulus {

template <class Atomics>
class interruption {
 public:
  // The bell is the one that the role sleeps on.
  void raise(bell<Atomics>& of) noexcept {
    // [interrupt] release: what was done before is seen by the wait that this ends.
    raised_.template exchange<edge::interrupt>(1, std::memory_order_release);
    fence_and_ring<Atomics>(of);
    Atomics::wake(raised_);  // a nap sleeps on the word itself
  }

  // Returns whether it was raised, and clears it.
  [[nodiscard]] bool take() noexcept {
    // [hint] relaxed: the exchange decides; before a sleep, the bell's fences order it.
    if (raised_.template load<edge::hint>(std::memory_order_relaxed) == 0) [[likely]]
      return false;
    // [interrupt] acquire: sees what was done before the wait was ended.
    return raised_.template exchange<edge::interrupt>(0, std::memory_order_acquire) != 0;
  }

  // Sleeps so long, or until it is raised.
  void nap(std::chrono::nanoseconds span) noexcept { Atomics::sleep(raised_, 0, span); }

  // For model checkers, which must register each word.
  [[nodiscard]] bell<Atomics>& word() noexcept { return raised_; }

 private:
  bell<Atomics> raised_{};
};

// What a role remembers of its own waiting.
template <class Atomics>
struct wait_memory : sleeper {
  peer_watch peer;
  interruption<Atomics> interrupt;
};

}  // namespace annulus
