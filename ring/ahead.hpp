// Asking for lines before they are needed.
//
// Producer   A store to a line that the consumer's core has waits for it, and the stores behind it
//            wait too. A core holds some hundred of them: the more stores a message has, the fewer
//            lines are on their way at once. A line that was asked for is there when it is written.
//            One of many producers gains most: its compare-and-swap waits for all stores before it
// Consumer   A line that was asked for is there when it is read. Only a lone producer's consumer
//            asks, and only without checksums: the others gain nothing or lose (measured)
//
// The distances are those that were best with two cores of one processor (bench/FINDINGS.md).
#pragma once

#include <algorithm>
#include <cstdint>

#include <annulus/ring/copy.hpp>
#include <annulus/ring/record.hpp>

namespace annulus {

// A push of a shorter record has so few stores that it does not gain from a line of its own.
inline constexpr std::uint64_t shortest_asked = record_bytes(copying::longest_without_ask + 1, 0);

// A claim of so many bytes and more asks for each of its lines, not only the next one.
inline constexpr std::uint64_t several_lines = 128;

// What a producer asks for that writes the record [end - record, end) now; [end, end + room) is
// free, in one piece. A push does so in its copy (copy.hpp).
template <class Atomics>
struct ask_behind {
  const typename Atomics::area& lap;
  std::uint64_t end, record, room;

  [[gnu::always_inline]] void next_line() const noexcept {
    constexpr std::uint64_t ahead = 512;
    if (room > ahead) lap.prefetch_for_write(end + ahead);
  }
  [[gnu::always_inline]] void each_line() const noexcept {
    constexpr std::uint64_t longest = std::uint64_t{64} << 10;
    // A long record asks for fewer lines behind its own: a round trip waits for them.
    const std::uint64_t ahead = record > 4096 ? 1024 : 2048;
    if (record > longest || room <= ahead) return;
    for (auto at = end - record; is_before(at, end); at += Atomics::cache_line_bytes) {
      lap.prefetch_for_write(at + ahead);
    }
  }
};

// The same before a claim, a message from pieces or one of a batch is written, of any length.
template <class Atomics>
[[gnu::always_inline]] inline void ask_ahead(const ask_behind<Atomics>& ask) noexcept {
  if (ask.record >= several_lines) {
    ask.each_line();
  } else if (((ask.end - ask.record) ^ ask.end) >= Atomics::cache_line_bytes) {
    ask.next_line();  // at the first record of a line
  }
}

// Behind short records a lone producer asks for the lines of a step at once, and a step later for
// the next: a push has no instruction more. In a larger ring that gains nothing, and there is no
// step: 0.
template <class Atomics>
[[nodiscard]] constexpr std::uint64_t step_of_asking(std::uint64_t capacity) noexcept {
  constexpr std::uint64_t longest = 512, largest = std::uint64_t{128} << 10;
  return capacity <= largest ? std::clamp(capacity / 16, Atomics::cache_line_bytes, longest) : 0;
}

// What a consumer asks for.
template <class Atomics>
class read_ahead {
  using area = typename Atomics::area;

 public:
  // Only a consumer that is far behind asks: else it would take lines that are being written.
  void ask_if(bool is_behind, std::uint64_t capacity) noexcept {
    constexpr std::uint64_t longest = 1024;
    distance_ = is_behind ? std::min(longest, capacity / 16) : 0;
  }

  // The record at this index is read now. The place need not be mapped, so the end of the data does
  // not matter.
  [[gnu::always_inline]] void ask(const area& data, std::uint64_t index,
                                  std::uint64_t record) const noexcept {
    if (distance_ != 0) [[unlikely]]
      ask_for_lines(data, index + distance_, record);
  }

 private:
  // For a record no longer than a line it is one instruction. A long record's lines but the first
  // come by themselves: the processor sees the pattern.
  [[gnu::always_inline]] static void ask_for_lines(const area& data, std::uint64_t index,
                                                   std::uint64_t record) noexcept {
    constexpr std::uint64_t longest = 1024;
    data.prefetch_for_read(index);
    if (record <= Atomics::cache_line_bytes || record > longest) [[likely]]
      return;
    for (auto at = Atomics::cache_line_bytes; at < record; at += Atomics::cache_line_bytes) {
      data.prefetch_for_read(index + at);
    }
  }

  std::uint64_t distance_ = 0;  // none: it does not ask
};

}  // namespace annulus
