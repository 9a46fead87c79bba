// The word that ends a wait from outside. It stays raised until a wait takes it: one that runs, or
// else the next.
#pragma once

#include <atomic>
#include <cstdint>

namespace annulus {

template <class Atomics>
class interrupt_word {
  using edge = typename Atomics::edge;

 public:
  void raise() noexcept {
    // [interrupt] release: what was done before is seen by the wait that this ends.
    raised_.template exchange<edge::interrupt>(1, std::memory_order_release);
  }

  // Returns whether it was raised, and clears it.
  [[nodiscard]] bool take() noexcept {
    // [hint] relaxed: the exchange decides; before a sleep on a bell, the bell's fences order it.
    if (raised_.template load<edge::hint>(std::memory_order_relaxed) == 0) [[likely]]
      return false;
    // [interrupt] acquire: sees what was done before the wait was ended.
    return raised_.template exchange<edge::interrupt>(0, std::memory_order_acquire) != 0;
  }

  // For a sleep on the word itself, and for model checkers, which must register each word.
  [[nodiscard]] typename Atomics::template word<std::uint32_t>& word() noexcept { return raised_; }

 private:
  typename Atomics::template word<std::uint32_t> raised_{};
};

}  // namespace annulus
