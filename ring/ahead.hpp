// A producer asks for the lines that it will write next.
//
// A store to a line that the consumer's core has waits for it, and the stores behind it wait too. A
// core holds some hundred of them: the more stores a message has, the fewer lines are on their way
// at once. A line that was asked for is there when it is written. One of many producers gains
// most: its compare-and-swap waits for all stores before it. It asks behind short records only.
#pragma once

#include <cstdint>

#include <annulus/ring/record.hpp>

namespace annulus {

// A push of a shorter record has so few stores that it does not gain.
inline constexpr std::uint64_t shortest_asked = 40;

// A record of so many bytes and more asks for each of its lines, not only the next one.
inline constexpr std::uint64_t several_lines = 128;

// The record [end - record, end) is written now; [end, end + room) is free, in one piece.
// Requires: record < several_lines.
template <class Atomics>
[[gnu::always_inline]] inline void ask_for_next_line(const typename Atomics::area& lap,
                                                     std::uint64_t end, std::uint64_t record,
                                                     std::uint64_t room) noexcept {
  constexpr std::uint64_t ahead = 512;
  const bool is_next_line = ((end - record) ^ end) >= Atomics::cache_line_bytes;
  if (is_next_line && room > ahead) lap.prefetch_for_write(end + ahead);
}

// The same, of any record.
template <class Atomics>
[[gnu::always_inline]] inline void ask_ahead(const typename Atomics::area& lap, std::uint64_t end,
                                             std::uint64_t record, std::uint64_t room) noexcept {
  constexpr std::uint64_t longest = 4096, ahead = 2048;
  if (record < several_lines) {
    ask_for_next_line<Atomics>(lap, end, record, room);
  } else if (record <= longest && room > ahead) {
    for (auto at = end - record; is_before(at, end); at += Atomics::cache_line_bytes) {
      lap.prefetch_for_write(at + ahead);
    }
  }
}

}  // namespace annulus
