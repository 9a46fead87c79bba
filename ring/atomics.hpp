// The seam: everything that the algorithm asks of its memory, its processor and its kernel.
//
// The ring is a template over an Atomics policy. This one is the product's: std::atomic_ref over
// shared memory, the futex and membarrier of Linux, the kernel's file locks. A checker brings its
// own and runs the same source. A policy supplies
//
//   word<T>        an atomic; every access names its edge and its order
//   edge           those names
//   area           the data: header words and payload bytes, which of it was ever written, and
//                  memory for it
//   bytes, const_bytes   a payload, to fill or to read
//   witness        the kernel's word on who is alive
//   home           the process that something belongs to
//   cache_line_bytes, is_far       what its memory is like
//   compiler_fence, fence, accept_barriers, heavy_fence, sleep, wake, relax, yield, now
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
#include <annulus/ring/copy.hpp>
#include <annulus/ring/crc32c.hpp>
#include <annulus/ring/edges.hpp>
#include <annulus/ring/kernel.hpp>
#include <annulus/ring/layout.hpp>
#include <annulus/ring/processor.hpp>

namespace annulus {

struct std_atomics {
  using bytes = std::span<std::byte>;
  using const_bytes = std::span<const std::byte>;
  template <class T>
  using word = annulus::word<T>;
  using edge = annulus::edge;
  using witness = lock_witness;
  using home = annulus::home;

  static constexpr std::uint64_t cache_line_bytes = processor::cache_line_bytes;

  // Indices are in bytes, multiples of 8, and lie within capacity; payload may run past it.
  class area {
   public:
    area() = default;
    // Without a file, all of it counts as written.
    explicit area(std::byte* base, int file = -1, std::uint64_t offset = 0) noexcept
        : base_(reinterpret_cast<std::uintptr_t>(base)), file_(file), offset_(offset) {}

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
    // `ask` may ask for lines that will be written (copy.hpp).
    template <class Ask = ask_nothing>
    [[gnu::always_inline]] void fill(std::uint64_t index, const_bytes from,
                                     const Ask& ask = {}) const noexcept {
      copy_message(at(index), from.data(), from.size(), ask);
    }
    void zero(std::uint64_t index, std::uint64_t count) const noexcept {
      std::memset(at(index), 0, static_cast<std::size_t>(count));
    }
    [[nodiscard]] std::uint32_t checksum(std::uint64_t index, std::uint64_t count,
                                         std::uint64_t salt) const noexcept {
      const std::uint64_t start[] = {salt, count};
      return crc32c(crc32c(0, std::as_bytes(std::span(start))), payload(index, count));
    }
    void set_trailer(std::uint64_t index, std::uint32_t value) const noexcept {
      std::memcpy(at(index), &value, sizeof value);
    }
    [[nodiscard]] std::uint32_t trailer(std::uint64_t index) const noexcept {
      std::uint32_t value;
      std::memcpy(&value, at(index), sizeof value);
      return value;
    }
    // The next stretch of [from, to) that was ever written, rounded to pages. A system call or two.
    [[nodiscard]] interval written(std::uint64_t from, std::uint64_t to) const noexcept {
      if (file_ < 0) return {from, to};
      const auto found = kernel::next_data(file_, offset_ + from, offset_ + to);
      return {found.from - offset_, found.to - offset_};
    }
    // Whether some of the file has no memory yet, and a write there may find none. A system call.
    [[nodiscard]] bool lacks_memory() const noexcept {
      return file_ >= 0 && kernel::lacks_memory(file_);
    }
    // Gives [from, to) memory. Returns false if there is none left. A system call.
    [[nodiscard]] bool provide(std::uint64_t from, std::uint64_t to) const noexcept {
      return file_ < 0 || kernel::provide(file_, offset_ + from, offset_ + to);
    }
    void prefetch_for_read(std::uint64_t index) const noexcept {
      processor::prefetch_for_read(at(index));
    }
    void prefetch_for_write(std::uint64_t index) const noexcept {
      processor::prefetch_for_write(at(index));
    }

   private:
    [[nodiscard]] std::byte* at(std::uint64_t index) const noexcept {
      return reinterpret_cast<std::byte*>(base_ + index);
    }

    std::uintptr_t base_ = 0;
    int file_ = -1;
    std::uint64_t offset_ = 0;  // of the data in the file
  };

  // Keeps the compiler from moving stores across: a death may fall between any two instructions.
  static void compiler_fence() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }

  // One side of "I wrote mine, then read yours". An asymmetric fence: the announcing side pays
  // (heavy_fence); the other pays nothing if membarrier reaches it. A role registers when it
  // attaches. Returns whether that worked; else each look needs a fence. Fences once, to see
  // earlier announcements.
  [[nodiscard]] static bool accept_barriers() noexcept {
    const bool accepted = kernel::accept_barriers();
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return accepted;
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
  // Waits in a row that end without sleeping before the announcement is withdrawn.
  static constexpr std::uint32_t waits_before_awake = 1024;
  // Empty polls in a row after which a consumer is starved.
  static constexpr std::uint32_t polls_until_starved = 16;
  // Polls of a wait between two looks at the clock.
  static constexpr std::uint32_t polls_per_clock = 32;
  static void relax() noexcept { processor::relax(); }
  // Whether the processor that wrote this word is a far one: how long its line takes to come. About
  // 50 ns.
  static constexpr std::chrono::nanoseconds far_line{70};
  [[nodiscard]] static bool is_far(const word<std::uint64_t>& written) noexcept {
    const auto before = now();
    // [hint] acquire: what comes behind it, the clock too, waits for the line.
    (void)written.template load<edge::hint>(std::memory_order_acquire);
    return now() - before > far_line;
  }
  static void yield() noexcept { kernel::yield(); }
  [[nodiscard]] static deadline now() noexcept { return std::chrono::steady_clock::now(); }
};

}  // namespace annulus
