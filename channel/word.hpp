// An atomic in memory that processes share.
//
// Plain memory underneath, so that mapped bytes need no construction. Every access names the edge
// that it is an end of (ring/edges.hpp, pipe/edges.hpp) and its order.
#pragma once

#include <atomic>

namespace annulus {

// gcc before 14 drops the release of a RISC-V compare_exchange whose failure order is relaxed; a
// fence replaces it (tests/machine_code.py).
#if defined(__riscv) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 14
inline constexpr bool exchange_forgets_release = true;
#else
inline constexpr bool exchange_forgets_release = false;
#endif

template <class T>
class word {
  static_assert(std::atomic_ref<T>::is_always_lock_free,
                "shared memory needs address-free atomics");

 public:
  template <auto edge>
  [[nodiscard]] T load(std::memory_order order) const noexcept {
    return std::atomic_ref<T>(value_).load(order);
  }
  template <auto edge>
  void store(T value, std::memory_order order) noexcept {
    std::atomic_ref<T>(value_).store(value, order);
  }
  template <auto edge>
  [[nodiscard]] bool compare_exchange(T& expected, T desired, std::memory_order success,
                                      std::memory_order failure) noexcept {
    if (exchange_forgets_release && success == std::memory_order_release) {
      std::atomic_thread_fence(std::memory_order_release);
    }
    return std::atomic_ref<T>(value_).compare_exchange_strong(expected, desired, success, failure);
  }
  template <auto edge>
  T exchange(T value, std::memory_order order) noexcept {
    return std::atomic_ref<T>(value_).exchange(value, order);
  }
  template <auto edge>
  T fetch_add(T value, std::memory_order order) noexcept {
    return std::atomic_ref<T>(value_).fetch_add(value, order);
  }

  [[nodiscard]] void* address() noexcept { return &value_; }

 private:
  alignas(std::atomic_ref<T>::required_alignment) mutable T value_;
};

}  // namespace annulus
