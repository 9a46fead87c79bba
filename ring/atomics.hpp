// The seam: everything that the algorithm asks of its memory, its processor and its kernel.
//
// The ring is a template over an Atomics policy. This one is the product's: std::atomic_ref over
// shared memory, the futex and membarrier of Linux, the kernel's file locks. A checker brings its
// own and runs the same source. A policy supplies
//
//   word<T>        an atomic; every access names its edge and its order
//   edge           those names
//   area           the data: header words and payload bytes, and which of it was ever written
//   bytes, const_bytes   a payload, to fill or to read
//   witness        the kernel's word on who is alive
//   home           the process that something belongs to
//   compiler_fence, fence, light_fence, heavy_fence, sleep, wake, relax, yield, now
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <annulus/channel/lock.hpp>
#include <annulus/channel/process.hpp>
#include <annulus/channel/status.hpp>
#include <annulus/channel/word.hpp>
#include <annulus/ring/crc32c.hpp>
#include <annulus/ring/edges.hpp>
#include <annulus/ring/kernel.hpp>
#include <annulus/ring/layout.hpp>

namespace annulus {

struct std_atomics {
  using bytes = std::span<std::byte>;
  using const_bytes = std::span<const std::byte>;
  template <class T>
  using word = annulus::word<T>;
  using edge = annulus::edge;
  using witness = lock_witness;
  using home = annulus::home;

  // Indices are in bytes, multiples of 8, and lie within capacity; payload may run past it.
  class area {
   public:
    area() = default;
    // Without a file, all of it counts as written.
    explicit area(std::byte* base, int file = -1, std::uint64_t offset = 0) noexcept
        : base_(base), file_(file), offset_(offset) {}

    [[nodiscard]] word<std::uint64_t>& header(std::uint64_t index) const noexcept {
      return *reinterpret_cast<word<std::uint64_t>*>(base_ + index);
    }
    [[nodiscard]] bytes payload(std::uint64_t index, std::uint64_t count) const noexcept {
      return {base_ + index, static_cast<std::size_t>(count)};
    }
    void fill(std::uint64_t index, const_bytes from) const noexcept {
      copy(base_ + index, from.data(), from.size());
    }
    void zero(std::uint64_t index, std::uint64_t count) const noexcept {
      std::memset(base_ + index, 0, static_cast<std::size_t>(count));
    }
    [[nodiscard]] std::uint32_t checksum(std::uint64_t index, std::uint64_t count,
                                         std::uint64_t salt) const noexcept {
      const std::uint64_t start[] = {salt, count};
      return crc32c(crc32c(0, std::as_bytes(std::span(start))), payload(index, count));
    }
    void set_trailer(std::uint64_t index, std::uint32_t value) const noexcept {
      std::memcpy(base_ + index, &value, sizeof value);
    }
    [[nodiscard]] std::uint32_t trailer(std::uint64_t index) const noexcept {
      std::uint32_t value;
      std::memcpy(&value, base_ + index, sizeof value);
      return value;
    }
    // The next stretch of [from, to) that was ever written, rounded to pages. A system call or two.
    [[nodiscard]] interval written(std::uint64_t from, std::uint64_t to) const noexcept {
      if (file_ < 0) return {from, to};
      const auto found = kernel::next_data(file_, offset_ + from, offset_ + to);
      return {found.from - offset_, found.to - offset_};
    }
    // The empty assembly is an effect: to gcc a prefetch is none, and a loop or a function of
    // nothing else is dropped.
    void prefetch_for_write(std::uint64_t index) const noexcept {
      __builtin_prefetch(base_ + index, 1);
      asm volatile("");
    }

   private:
    static constexpr std::size_t longest_inline_copy = 256;

    // Four vectors at a time for what is not long. For a size known when compiling, gcc would put
    // `rep movs` here, which takes half as long again; what is long goes to the library's copy,
    // whose stores are the widest that the processor has: more lines are on their way at once.
    static void copy(std::byte* to, const std::byte* from, std::size_t count) noexcept {
      struct vectors {
        std::byte bytes[64];
      };
      if (count > longest_inline_copy) {
        asm("" : "+r"(count));  // not known when compiling
        std::memcpy(to, from, count);
      } else if (count >= 128) {
        const std::size_t last = count - sizeof(vectors);
        for (std::size_t at = 0; at < last; at += sizeof(vectors)) {
          move<vectors>(to + at, from + at);
        }
        move<vectors>(to + last, from + last);
      } else if (count > 0) {
        std::memcpy(to, from, count);
      }
    }
    template <class Block>
    static void move(std::byte* to, const std::byte* from) noexcept {
      Block block;
      std::memcpy(&block, from, sizeof block);
      std::memcpy(to, &block, sizeof block);
    }

    std::byte* base_ = nullptr;
    int file_ = -1;
    std::uint64_t offset_ = 0;  // of the data in the file
  };

  // Keeps the compiler from moving stores across: a death may fall between any two instructions.
  static void compiler_fence() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }

  // One side of "I wrote mine, then read yours". The side that announces itself pays (heavy); the
  // other pays nothing, as long as the kernel can interrupt it with a barrier: a role asks for that
  // when it comes.
  static void accept_barriers() noexcept { (void)kernel::accept_barriers(); }
  // A role's first is a real one: it sees what was announced before the role came.
  static void light_fence(bool& barriers_reach_us) noexcept {
    if (barriers_reach_us) [[likely]] {
      std::atomic_signal_fence(std::memory_order_seq_cst);
    } else {
      barriers_reach_us = kernel::accept_barriers();
      std::atomic_thread_fence(std::memory_order_seq_cst);
    }
  }
  static void fence() noexcept { std::atomic_thread_fence(std::memory_order_seq_cst); }
  // Returns whether it reached the others.
  static bool heavy_fence() noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return kernel::barrier_for_all();
  }

  static void sleep(word<std::uint32_t>& bell, std::uint32_t while_value,
                    std::chrono::nanoseconds at_most) noexcept {
    kernel::futex_wait(bell.address(), while_value, at_most);
  }
  static void wake(word<std::uint32_t>& bell) noexcept { kernel::futex_wake(bell.address()); }
  // So many waits in a row are met without sleeping before a sleeper's announcement is taken back.
  static constexpr std::uint32_t waits_before_awake = 1024;
  // Polls of a wait between two looks at the clock.
  static constexpr std::uint32_t polls_per_clock = 32;
  static void relax() noexcept { kernel::relax(); }
  static void yield() noexcept { kernel::yield(); }
  [[nodiscard]] static deadline now() noexcept { return std::chrono::steady_clock::now(); }
};

}  // namespace annulus
