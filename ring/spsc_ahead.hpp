// A lone producer asks for the lines that it will write next.
//
// A store to a line that the consumer's core has waits for it, and the stores behind it wait too. A
// core holds some hundred of them: the more stores a message has, the fewer lines are on their way
// at once. A line that was asked for is there when it is written.
#pragma once

#include <cstdint>

#include <annulus/ring/record.hpp>

namespace annulus {

// A push of a shorter record has so few stores that it does not gain.
inline constexpr std::uint64_t shortest_asked = 40;

// The record [end - record, end) is written now; [end, end + room) is free, in one piece.
template <class Atomics>
[[gnu::always_inline]] inline void ask_ahead(const typename Atomics::area& lap, std::uint64_t end,
                                             std::uint64_t record, std::uint64_t room) noexcept {
  constexpr std::uint64_t several_lines = 128, longest = 4096;
  constexpr std::uint64_t by_short = 512, by_long = 2048;  // how far ahead of a record
  if (record < several_lines) {
    const bool is_next_line = ((end - record) ^ end) >= Atomics::cache_line_bytes;
    if (is_next_line && room > by_short) lap.prefetch_for_write(end + by_short);
  } else if (record <= longest && room > by_long) {
    for (auto at = end - record; is_before(at, end); at += Atomics::cache_line_bytes) {
      lap.prefetch_for_write(at + by_long);
    }
  }
}

}  // namespace annulus
