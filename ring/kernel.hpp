// The system calls off the hot path: futex and membarrier.
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

// The next stretch of [from, to) of a file that has memory; {to, to}: there is none. A hole reads
// as zero, and reading it through a mapping allocates it. Returns all if the system cannot tell.
struct file_range {
  std::uint64_t from, to;
};
[[nodiscard]] file_range next_data(int file, std::uint64_t from, std::uint64_t to) noexcept;

// Whether some of a file has no memory yet.
[[nodiscard]] bool lacks_memory(int file) noexcept;

// Gives [from, to) of a file memory, as far as its size goes. Returns false if there is none left;
// what the system cannot reserve counts as given.
[[nodiscard]] bool provide(int file, std::uint64_t from, std::uint64_t to) noexcept;

// Lets the barriers of other processes reach our threads; asks the kernel once per process. Returns
// false if that is not available: then each look at a bell needs a real fence.
[[nodiscard]] bool accept_barriers() noexcept;

// Runs a full barrier on every thread of every process that accepts them. Returns false if not to
// be had here.
[[nodiscard]] bool barrier_for_all() noexcept;

}  // namespace kernel

}  // namespace annulus
