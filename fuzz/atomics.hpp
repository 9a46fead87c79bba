// The shipped ring over memory of this process, in which a role can die at any access.
//
// A policy (ring/atomics.hpp) that counts every access of a word and every stretch of payload, and
// stops at one of them: `life` runs a role's work and returns whether it lived to the end. A death
// leaves the role's frames by longjmp, so nothing of it runs again, as after a SIGKILL. Copies and
// zeroing can be cut in the middle. Another part may act between two accesses (meddler).
//
// Time is a number that sleeps move on, so that waits end at once.
#pragma once

#include "target.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include <annulus/channel/process.hpp>
#include <annulus/channel/status.hpp>
#include <annulus/ring/atomics.hpp>
#include <annulus/ring/crc32c.hpp>
#include <annulus/ring/edges.hpp>
#include <annulus/ring/memory.hpp>

namespace annulus::fuzz {

// Acts between two accesses of the role at work.
struct meddler {
  virtual void act() = 0;

 protected:
  ~meddler() = default;
};

// The machine that a case runs on.
struct machine {
  std::uint64_t accesses = 0;   // of the call at work
  std::uint64_t dies_at = 0;    // 0: never
  std::uint64_t most = 0;       // more accesses in one call are an endless loop; 0: any number
  std::jmp_buf* end = nullptr;  // where a death leads
  meddler* between = nullptr;
  std::uint64_t clock_ns = 1;
  std::array<bool, 64> is_held{};  // the kernel's locks, by role

  void step(std::uint64_t count = 1) {
    accesses += count;
    if (most != 0 && accesses > most) broken("a call takes more steps than the capacity explains");
    if (dies_at != 0 && accesses >= dies_at) std::longjmp(*end, 1);
    if (between != nullptr) between->act();
  }
};
inline machine now_running;

// Runs a call that may die at its n-th access; 0: it lives. True: it lived to its end.
// Requires: nothing that it owns is destroyed twice when it stops half way.
template <class Work>
[[gnu::noinline]] bool life(std::uint64_t dies_at, Work&& work) {
  std::jmp_buf end;
  now_running.accesses = 0;
  now_running.dies_at = dies_at;
  now_running.end = &end;
  if (setjmp(end) != 0) {
    now_running.dies_at = 0;
    return false;
  }
  work();
  now_running.dies_at = 0;
  return true;
}

struct fuzz_atomics {
  using edge = annulus::edge;
  using bytes = std::span<std::byte>;
  using const_bytes = std::span<const std::byte>;

  template <class T>
  class word {
   public:
    template <edge>
    [[nodiscard]] T load(std::memory_order) const noexcept {
      now_running.step();
      return value_;
    }
    template <edge>
    void store(T value, std::memory_order) noexcept {
      now_running.step();
      value_ = value;
    }
    template <edge>
    [[nodiscard]] bool compare_exchange(T& expected, T desired, std::memory_order,
                                        std::memory_order) noexcept {
      now_running.step();
      if (value_ != expected) {
        expected = value_;
        return false;
      }
      value_ = desired;
      return true;
    }
    template <edge>
    T exchange(T value, std::memory_order) noexcept {
      now_running.step();
      return std::exchange(value_, value);
    }
    template <edge>
    T fetch_add(T value, std::memory_order) noexcept {
      now_running.step();
      return std::exchange(value_, static_cast<T>(value_ + value));
    }
    [[nodiscard]] void* address() noexcept { return &value_; }

   private:
    alignas(std::atomic_ref<T>::required_alignment) T value_;
  };

  class area {
   public:
    area() = default;
    explicit area(std::byte* base) noexcept : base_(reinterpret_cast<std::uintptr_t>(base)) {}

    // The same data, by indices that begin elsewhere: it has at `start` what this has at 0.
    [[nodiscard]] area starting_at(std::uint64_t start) const noexcept {
      area moved = *this;
      moved.base_ -= start;
      return moved;
    }

    [[nodiscard]] word<std::uint64_t>& header(std::uint64_t index) const noexcept {
      return *reinterpret_cast<word<std::uint64_t>*>(base_ + index);
    }
    [[nodiscard]] bytes payload(std::uint64_t index, std::uint64_t count) const noexcept {
      return {at(index), static_cast<std::size_t>(count)};
    }
    template <class Ask>
    void fill(std::uint64_t index, const_bytes from, const Ask&) const noexcept {
      fill(index, from);
    }
    // In two halves, with a step before each.
    void fill(std::uint64_t index, const_bytes from) const noexcept {
      if (from.empty()) return now_running.step();
      const std::size_t half = from.size() / 2;
      now_running.step();
      std::memcpy(at(index), from.data(), half);
      now_running.step();
      std::memcpy(at(index + half), from.data() + half, from.size() - half);
    }
    void zero(std::uint64_t index, std::uint64_t count) const noexcept {
      const std::uint64_t half = count / 16 * 8;
      now_running.step();
      std::memset(at(index), 0, static_cast<std::size_t>(half));
      now_running.step();
      std::memset(at(index + half), 0, static_cast<std::size_t>(count - half));
    }
    // Costs as many steps as it reads words.
    [[nodiscard]] std::uint32_t checksum(std::uint64_t index, std::uint64_t count,
                                         std::uint64_t salt) const noexcept {
      now_running.step(1 + count / 8);
      const std::uint64_t start[] = {salt, count};
      return crc32c(crc32c(0, std::as_bytes(std::span(start))), payload(index, count));
    }
    void set_trailer(std::uint64_t index, std::uint32_t value) const noexcept {
      now_running.step();
      std::memcpy(at(index), &value, sizeof value);
    }
    [[nodiscard]] std::uint32_t trailer(std::uint64_t index) const noexcept {
      now_running.step();
      std::uint32_t value;
      std::memcpy(&value, at(index), sizeof value);
      return value;
    }
    void prefetch_for_read(std::uint64_t) const noexcept {}
    void prefetch_for_write(std::uint64_t) const noexcept {}
    [[nodiscard]] interval written(std::uint64_t from, std::uint64_t to) const noexcept {
      return {from, to};
    }
    static bool lacks_memory() noexcept { return false; }
    static bool provide(std::uint64_t, std::uint64_t) noexcept { return true; }

   private:
    [[nodiscard]] std::byte* at(std::uint64_t index) const noexcept {
      return reinterpret_cast<std::byte*>(base_ + index);
    }

    std::uintptr_t base_ = 0;
  };

  class witness {
   public:
    [[nodiscard]] bool is_held(std::uint32_t role) const noexcept {
      now_running.step();
      return now_running.is_held[role % now_running.is_held.size()];
    }
    [[nodiscard]] bool has_file() const noexcept { return true; }
  };
  using home = annulus::home;

  static void compiler_fence() noexcept {}
  [[nodiscard]] static bool accept_barriers() noexcept { return true; }
  static void fence() noexcept {}
  static bool heavy_fence() noexcept { return true; }
  static void sleep(word<std::uint32_t>&, std::uint32_t, std::chrono::nanoseconds span) noexcept {
    nap(span);
  }
  static void wake(word<std::uint32_t>&) noexcept { now_running.step(); }
  static constexpr std::uint32_t waits_before_awake = 2;
  static constexpr std::uint32_t polls_until_starved = 2;
  static constexpr std::uint64_t cache_line_bytes = 64;
  [[nodiscard]] static bool is_far(const word<std::uint64_t>&) noexcept { return true; }
  static constexpr std::uint32_t polls_per_clock = 1;
  static void relax() noexcept {}
  static void nap(std::chrono::nanoseconds span) noexcept {
    now_running.step();
    now_running.clock_ns += static_cast<std::uint64_t>(span.count() > 0 ? span.count() : 1);
  }
  static void yield() noexcept { nap(std::chrono::microseconds(1)); }
  [[nodiscard]] static deadline now() noexcept {
    now_running.step();
    return deadline(std::chrono::nanoseconds(now_running.clock_ns += 1000));
  }
};

// A formatted ring in this process's memory, seen by the policy.
// Requires: `base` holds a whole segment of this shape.
[[nodiscard]] inline ring_memory<fuzz_atomics> ring_at(std::byte* base, const geometry& shape) {
  static_assert(sizeof(control_words<fuzz_atomics>) == sizeof(control_words<std_atomics>));
  static_assert(sizeof(producer_words<fuzz_atomics>) == sizeof(producer_words<std_atomics>));
  ring_memory<fuzz_atomics> ring;
  ring.control = reinterpret_cast<control_words<fuzz_atomics>*>(base + shape.control_offset);
  ring.producers = reinterpret_cast<producer_words<fuzz_atomics>*>(base + shape.producers_offset);
  ring.data = fuzz_atomics::area(base + shape.data_offset);
  ring.geometry = shape;
  return ring;
}

}  // namespace annulus::fuzz
