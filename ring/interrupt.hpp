// Ending a ring's wait from outside: from another thread of the process, or from a signal handler.
//
// raise()    stores a word, fences, and wakes the role if its bell says that it sleeps
// take()     is asked when a wait begins, between two polls, and behind the bell's fence before a
//            sleep. So either the sleeper sees the word, or its bell is seen and rung
// Signals    raise() is async-signal-safe: lock-free atomics and two system calls; it keeps errno
// Checked    models/waiting.hpp
#pragma once

#include <chrono>

#include <annulus/channel/interrupt_word.hpp>
#include <annulus/channel/wait.hpp>
#include <annulus/ring/bell.hpp>

namespace annulus {

template <class Atomics>
class interruption : public interrupt_word<Atomics> {
 public:
  // The bell is the one that the role sleeps on.
  void raise(bell<Atomics>& of) noexcept {
    interrupt_word<Atomics>::raise();
    fence_and_wake<Atomics>(of);
    Atomics::wake(this->word());  // a nap sleeps on the word itself
  }

  // Sleeps so long, or until it is raised.
  void nap(std::chrono::nanoseconds span) noexcept { Atomics::sleep(this->word(), 0, span); }
};

// What a role remembers of its own waiting.
template <class Atomics>
struct wait_memory : sleeper {
  peer_watch peer;
  interruption<Atomics> interrupt;
};

}  // namespace annulus
