// Processor-specific code, with a section for each architecture.
//
// Orders need no room: std::atomic_ref makes each kind's instructions of them
// (tests/machine_code.py shows which).
#pragma once

#include <cstddef>
#include <cstdint>

namespace annulus::processor {

// A line of the cache: how far apart prefetches lie, and what the consumer takes over at once.
// Where lines are in fact longer, some are asked for twice. It is not in the format: words of
// different roles lie 128 bytes apart on every processor (layout.hpp).
#if defined(__powerpc64__) || (defined(__aarch64__) && defined(__APPLE__))
inline constexpr std::uint64_t cache_line_bytes = 128;
#else
inline constexpr std::uint64_t cache_line_bytes = 64;
#endif

// In a loop that polls. Gives a sibling thread the core's units, and spends less energy.
inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");  // `yield` does nothing on a core without sibling threads: nearly all
#elif defined(__riscv)
  asm volatile(".insn i 0x0f, 0, x0, x0, 0x010");  // pause; nothing, where Zihintpause is not there
#endif
}

// Asks for a line that will be read. The place need not be mapped.
inline void prefetch_for_read(const std::byte* at) noexcept {
  __builtin_prefetch(at);
  asm volatile("");  // an effect: without one, a loop of prefetches is dropped
}

// The same, of a line that will be written.
inline void prefetch_for_write(const std::byte* at) noexcept {
#if defined(__x86_64__)
  // By its own instruction: for a processor that need not have it, gcc makes a prefetch for reading
  // of __builtin_prefetch(p, 1), and the line comes shared. Processors without it do nothing.
  asm volatile("prefetchw %0" : : "m"(*at));
#else
  // ARM64: prfm pstl1keep. RISC-V: nothing, unless it is compiled for Zicbop.
  __builtin_prefetch(at, 1);
  asm volatile("");  // an effect: without one, a loop of prefetches is dropped
#endif
}

using vector [[gnu::vector_size(16)]] = unsigned long long;

// Keeps the compiler from joining the load of `part` with the next one into a wide load.
inline void load_apart(vector& part) noexcept {
#if defined(__x86_64__)
  asm("" : "+x"(part));
#elif defined(__aarch64__)
  asm("" : "+w"(part));
#else
  static_cast<void>(part);
#endif
}

}  // namespace annulus::processor
