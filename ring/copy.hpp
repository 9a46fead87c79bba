// A message's copy into the ring.
//
// Registers   what is short goes by registers. gcc makes `rep movs` of a memcpy whose length it
//             knows to be 64, and its start alone takes longer than the copy
// Words       the first 64 bytes go word by word. The application has just written them, and a load
//             that is wider than the store that it meets waits until that store has left the core:
//             behind all the stores to lines that the other core still holds
// Lines       what is long goes to the library's copy: its stores are the widest that the processor
//             has, so more lines are on their way at once
#pragma once

#include <cstddef>
#include <cstring>

namespace annulus {

namespace copying {

inline constexpr std::size_t longest_by_words = 64;
inline constexpr std::size_t longest_by_registers = 512;

template <class Block>
[[gnu::always_inline]] inline void move(std::byte* to, const std::byte* from) noexcept {
  Block block;
  std::memcpy(&block, from, sizeof block);
  std::memcpy(to, &block, sizeof block);
}

using word = unsigned long long;
using vector [[gnu::vector_size(16)]] = unsigned long long;

// Requires: count >= 8. The last word may overlap the one before.
[[gnu::always_inline]] inline void by_words(std::byte* to, const std::byte* from,
                                            std::size_t count) noexcept {
  const std::size_t last = count - sizeof(word);
#pragma GCC unroll 8
  for (std::size_t at = 0; at < last; at += sizeof(word)) move<word>(to + at, from + at);
  move<word>(to + last, from + last);
}

// Requires: count >= 64.
[[gnu::always_inline]] inline void by_vectors(std::byte* to, const std::byte* from,
                                              std::size_t count) noexcept {
  by_words(to, from, longest_by_words);
  std::size_t at = longest_by_words;
  for (; at + 4 * sizeof(vector) <= count; at += 4 * sizeof(vector)) {
    move<vector>(to + at, from + at);
    move<vector>(to + at + 16, from + at + 16);
    move<vector>(to + at + 32, from + at + 32);
    move<vector>(to + at + 48, from + at + 48);
  }
  for (; at + sizeof(vector) <= count; at += sizeof(vector)) move<vector>(to + at, from + at);
  move<vector>(to + count - sizeof(vector), from + count - sizeof(vector));
}

[[gnu::always_inline]] inline void by_bytes(std::byte* to, const std::byte* from,
                                            std::size_t count) noexcept {
  if (count >= 4) {
    move<unsigned>(to, from);
    move<unsigned>(to + count - 4, from + count - 4);
  } else if (count > 0) {
    to[0] = from[0];
    to[count / 2] = from[count / 2];
    to[count - 1] = from[count - 1];
  }
}

}  // namespace copying

[[gnu::always_inline]] inline void copy_message(std::byte* to, const std::byte* from,
                                                std::size_t count) noexcept {
  if (count > copying::longest_by_registers) {
    asm("" : "+r"(count));  // a length that is not known when compiling: the library's copy
    std::memcpy(to, from, count);
  } else if (count > copying::longest_by_words) {
    copying::by_vectors(to, from, count);
  } else if (count >= sizeof(copying::word)) {
    copying::by_words(to, from, count);
  } else {
    copying::by_bytes(to, from, count);
  }
}

}  // namespace annulus
