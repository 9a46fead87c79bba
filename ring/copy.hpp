// A message's copy into the ring.
//
// Registers   up to 512 bytes go by registers. gcc makes `rep movs` of a memcpy whose length it
//             knows to be 64, and its start alone takes longer than the copy
// Words       they are loaded word by word. The application has just written them, and a load that
//             is wider than the store that it meets waits until that store has left the core:
//             behind all the stores to lines that the other core still holds. All loads but the
//             last begin at a multiple of 8 bytes, as those stores did. Two words are stored at
//             once, so that fewer stores wait
// Branches    where lengths vary, the processor guesses wrong at each branch that depends on them.
//             So there is no loop up to 64 bytes: blocks overlap instead. What asks for lines ahead
//             depends on the length too, and does so in the branches of the copy
// Library     what is longer goes to the library's copy: its stores are the widest that the
//             processor has, so more lines are on their way at once
#pragma once

#include <cstddef>
#include <cstring>

#include <annulus/ring/processor.hpp>

namespace annulus {

namespace copying {

inline constexpr std::size_t longest_without_ask = 16;
inline constexpr std::size_t longest_without_loop = 64;
inline constexpr std::size_t longest_by_registers = 512;

using word = unsigned long long;
using processor::vector;

template <class Block>
[[gnu::always_inline]] inline void move(std::byte* to, const std::byte* from) noexcept {
  Block block;
  std::memcpy(&block, from, sizeof block);
  std::memcpy(to, &block, sizeof block);
}
[[gnu::always_inline]] inline void move_two_words(std::byte* to, const std::byte* from) noexcept {
  word low, high;
  std::memcpy(&low, from, sizeof low);
  std::memcpy(&high, from + sizeof low, sizeof high);
  vector both = {low, 0};
  processor::load_apart(both);
  both[1] = high;
  std::memcpy(to, &both, sizeof both);
}
[[gnu::always_inline]] inline void move_line(std::byte* to, const std::byte* from) noexcept {
  move_two_words(to, from);
  move_two_words(to + 16, from + 16);
  move_two_words(to + 32, from + 32);
  move_two_words(to + 48, from + 48);
}

constexpr std::size_t whole_words(std::size_t count) noexcept { return count & ~std::size_t{7}; }

// Requires: 8 <= count <= 16.
[[gnu::always_inline]] inline void one_or_two_words(std::byte* to, const std::byte* from,
                                                    std::size_t count) noexcept {
  move<word>(to, from);
  move<word>(to + count - 8, from + count - 8);
}

// Requires: 16 < count <= 64.
[[gnu::always_inline]] inline void some_words(std::byte* to, const std::byte* from,
                                              std::size_t count) noexcept {
  const std::size_t whole = whole_words(count);
  move_two_words(to, from);
  if (count > 32) {
    move_two_words(to + 16, from + 16);
    move_two_words(to + whole - 32, from + whole - 32);
  }
  move_two_words(to + whole - 16, from + whole - 16);
  move<word>(to + count - 8, from + count - 8);
}

// Requires: count >= 64.
[[gnu::always_inline]] inline void many_words(std::byte* to, const std::byte* from,
                                              std::size_t count) noexcept {
  const std::size_t last = whole_words(count) - 64;
  for (std::size_t at = 0; at < last; at += 64) move_line(to + at, from + at);
  move_line(to + last, from + last);
  move<word>(to + count - 8, from + count - 8);
}

// Requires: count < sizeof(word).
[[gnu::always_inline]] inline void less_than_a_word(std::byte* to, const std::byte* from,
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

// Asks for nothing.
struct ask_nothing {
  void next_line() const noexcept {}
  void each_line() const noexcept {}
};

// Of a message of more than 16 bytes, `ask` is called first. Long ones are said to be unlikely so
// that the code of short ones stands together.
template <class Ask = ask_nothing>
[[gnu::always_inline]] inline void copy_message(std::byte* to, const std::byte* from,
                                                std::size_t count, const Ask& ask = {}) noexcept {
  if (count > copying::longest_without_loop) [[unlikely]] {
    ask.each_line();
    if (count > copying::longest_by_registers) {
      asm("" : "+r"(count));  // a length that is not known when compiling: the library's copy
      std::memcpy(to, from, count);
    } else {
      copying::many_words(to, from, count);
    }
  } else if (count > copying::longest_without_ask) {
    ask.next_line();
    copying::some_words(to, from, count);
  } else if (count >= sizeof(copying::word)) {
    copying::one_or_two_words(to, from, count);
  } else {
    copying::less_than_a_word(to, from, count);
  }
}

}  // namespace annulus
