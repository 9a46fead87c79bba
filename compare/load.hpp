// What one measurement asks of a channel, and what its two sides tell of it.
#pragma once

#include "compare/message.hpp"
#include "compare/schedule.hpp"
#include "compare/sides.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace annulus::compare {

enum class pace : std::uint8_t {
  flood,    // as fast as it goes, for `span`
  on_time,  // at `rate`, the producer polling the clock: each message leaves when it is due
  asleep,   // at `rate`, the producer sleeping until the next is due, as an application would
};

struct load {
  compare::pace pace = pace::flood;
  std::size_t bytes = 128;
  std::size_t batch = 1;
  double rate = 50'000;
  nanoseconds span{};
  std::uint64_t salt = 0;
  bool is_crowded = false;  // both sides share one processor
  bool is_counted = false;  // marks the measured stretch for the one who counts its system calls

  [[nodiscard]] std::uint64_t count() const noexcept {
    const auto n = rate * std::chrono::duration<double>(span).count();
    return n < 1 ? 1 : static_cast<std::uint64_t>(n);
  }
};

// One side's measured stretch.
struct stretch {
  clock::time_point began;
  clock::time_point ended;
  double cpu_before = 0;  // seconds, user and system
  double cpu_after = 0;
  double in_calls = 0;  // seconds that a producer which sleeps in between was in its sends
  std::uint64_t messages = 0;
  std::uint64_t wrong = 0;  // damaged or out of order

  void begin(const load& how);
  void end(const load& how);
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(ended - began).count();
  }
  // Of one core.
  [[nodiscard]] double cpu_share() const { return (cpu_after - cpu_before) / seconds(); }
  [[nodiscard]] double call_share() const { return in_calls / seconds(); }
};

// What both sides of a run see and fill in.
struct stage {
  gate ready;               // both ends are attached
  gate go;                  // and `start` is known
  clock::time_point start;  // of the schedule
  std::uint64_t last = 0;   // the number of the last message sent
  stretch producer;
  stretch consumer;
};

// Polls the clock, and gives way where all share one processor.
void poll_until(clock::time_point due, bool is_crowded);
void sleep_until(clock::time_point due);
// The kernel's slack would be half of a short sleep.
void sleep_exactly();

}  // namespace annulus::compare
