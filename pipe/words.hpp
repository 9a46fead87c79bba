// The words that the roles of one pipe share, and what each access of them is for.
#pragma once

#include <atomic>
#include <cstdint>

namespace annulus::pipes {

enum class edge {
  roll,       // enter, leave -> presence: who came, and who has closed after all that it wrote
  released,   // release -> the next consumer: what it must not read again
  abandon,    // push -> read: this message will not be finished
  kept,       // take out -> the next consumer: a long message's bytes in the roles file
  interrupt,  // interrupt() -> the wait that it ends: what was done before
  trail,      // enter, leave -> inspect: one whole entry of the audit trail

  hint,  // relaxed: a stale value costs a retry, or is only shown
  own,   // relaxed: one role reads what it, or the one before it, wrote
};

// An atomic in mapped memory; every access names its edge and its order.
template <class T>
class word {
  static_assert(std::atomic_ref<T>::is_always_lock_free, "a mapped file needs plain atomics");

 public:
  template <edge>
  [[nodiscard]] T load(std::memory_order order) const noexcept {
    return std::atomic_ref<T>(value_).load(order);
  }
  template <edge>
  void store(T value, std::memory_order order) noexcept {
    std::atomic_ref<T>(value_).store(value, order);
  }
  template <edge>
  T exchange(T value, std::memory_order order) noexcept {
    return std::atomic_ref<T>(value_).exchange(value, order);
  }
  template <edge>
  T fetch_add(T value, std::memory_order order) noexcept {
    return std::atomic_ref<T>(value_).fetch_add(value, order);
  }

 private:
  alignas(std::atomic_ref<T>::required_alignment) mutable T value_;
};

}  // namespace annulus::pipes
