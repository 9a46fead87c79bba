// What one measurement asks of a channel, and what its sides report.
#pragma once

#include "bench/message.hpp"
#include "bench/schedule.hpp"
#include "bench/sides.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace annulus::bench {

enum class pace : std::uint8_t {
  flood,    // as fast as it goes, for `span`
  on_time,  // at `rate`; the producer polls the clock, so each message leaves when it is due
  asleep,   // at `rate`; the producer sleeps until the next is due, as an application would
};

struct load {
  bench::pace pace = pace::flood;
  std::size_t bytes = 128;
  unsigned producers = 1;
  std::size_t batch = 1;    // messages sent at once
  std::size_t limit = 1;    // messages taken at once, at most
  double rate = 50'000;     // messages a second
  std::uint64_t burst = 1;  // messages that are due together
  nanoseconds span{};
  std::uint64_t salt = 0;
  bool is_crowded = false;  // sides share a processor
  bool is_counted = false;  // marks the measured stretch for the tracer that counts system calls

  [[nodiscard]] std::uint64_t count() const noexcept {
    const auto n = rate * std::chrono::duration<double>(span).count();
    return n < 1 ? 1 : static_cast<std::uint64_t>(n);
  }
  [[nodiscard]] std::size_t sides() const noexcept { return producers + 1; }
};

// What this process used of the CPU, in user and in system mode.
[[nodiscard]] double cpu_seconds();

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

// How a flood ends: the consumer asks for it, and each producer announces its total before it sends
// its last message. So a consumer that has seen fewer messages than were announced, or no complete
// announcement, can wait for the next message without a deadline.
class finish {
 public:
  void ask() noexcept { is_asked_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool is_asked() const noexcept { return is_asked_.load(std::memory_order_relaxed); }
  void announce(std::uint64_t messages) noexcept {
    total_.fetch_add(messages, std::memory_order_relaxed);
    producers_.fetch_add(1, std::memory_order_release);
  }
  [[nodiscard]] bool is_reached(std::uint64_t seen, unsigned producers) const noexcept {
    return producers_.load(std::memory_order_acquire) == producers &&
           seen >= total_.load(std::memory_order_relaxed);
  }

 private:
  alignas(128) std::atomic<bool> is_asked_{false};
  alignas(128) std::atomic<std::uint64_t> total_{0};
  std::atomic<unsigned> producers_{0};
};

// What all sides of a run see and fill in. Only the first producer reports.
struct stage {
  gate ready;               // all ends are attached
  gate go;                  // and `start` is known
  clock::time_point start;  // of the schedule
  finish end;
  alignas(128) stretch producer;
  std::uint64_t last = 0;  // the number of the last message sent
  alignas(128) stretch consumer;
};

// Polls the clock; yields between two polls where the sides share a processor.
void poll_until(clock::time_point due, bool is_crowded);
void sleep_until(clock::time_point due);
// Asks the kernel to end sleeps on time: by default it may add 50 us.
void sleep_exactly();

}  // namespace annulus::bench
