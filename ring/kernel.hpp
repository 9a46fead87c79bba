// The system calls off the hot path: futex, membarrier, and the locks that attest who is alive.
#pragma once

#include <chrono>
#include <cstdint>

namespace annulus {

namespace kernel {

// Sleeps while *word == value, at most so long; spurious returns are allowed. Between processes.
void futex_wait(void* word, std::uint32_t value, std::chrono::nanoseconds at_most) noexcept;
// Async-signal-safe; errno stays as it is.
void futex_wake(void* word) noexcept;

void yield() noexcept;

inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");
#endif
}

// The next stretch of [from, to) of a file that has memory; {to, to}: there is none. What has none
// reads as zero, and a look at it through a mapping would give it memory. Where the system does not
// know, all of it.
struct file_range {
  std::uint64_t from, to;
};
[[nodiscard]] file_range next_data(int file, std::uint64_t from, std::uint64_t to) noexcept;

// Lets the barriers of other processes reach our threads; asks the kernel once per process.
// False: not to be had here, and every light fence must be a real one.
[[nodiscard]] bool accept_barriers() noexcept;

// Runs a full barrier on every thread of every process that accepts them. False: not to be had
// here.
[[nodiscard]] bool barrier_for_all() noexcept;

}  // namespace kernel

// The kernel's word on who is alive. Every role holds a lock on its own byte of the segment's file;
// the kernel drops it when the last thread of the process has left its memory. Plain memory has no
// file: there, whoever has not closed counts as alive.
class lock_witness {
 public:
  lock_witness() = default;
  explicit lock_witness(int file) noexcept : file_(file) {}

  [[nodiscard]] bool has_file() const noexcept { return file_ >= 0; }

  // Whether some process holds the role's lock. Roles: 0 the consumer, 1 + i producer i.
  [[nodiscard]] bool is_held(std::uint32_t role) const noexcept;

  // Takes the role's lock, until the file is closed. False: a live process holds it.
  [[nodiscard]] bool take(std::uint32_t role) const noexcept;

  // Gives back every lock taken through this file.
  void give_back() const noexcept;

 private:
  int file_ = -1;
};

}  // namespace annulus
