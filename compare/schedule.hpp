// Open loop: when each message is due, whatever became of those before it.
//
// Latency counts from the intended time, so a stall shows in every message that was due meanwhile
// (no coordinated omission): the producer that falls behind sends at once what is overdue, and each
// of those messages carries its delay.
#pragma once

#include <chrono>
#include <cstdint>

namespace annulus::compare {

using clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

class schedule {
 public:
  // Message n is due at start + n / rate.
  schedule(clock::time_point start, double rate) noexcept
      : start_(start), interval_ns_(1e9 / rate) {}

  [[nodiscard]] clock::time_point due(std::uint64_t n) const noexcept {
    return start_ + nanoseconds(static_cast<std::int64_t>(static_cast<double>(n) * interval_ns_));
  }
  // What a message seen at `now` has waited since it was due.
  [[nodiscard]] std::uint64_t latency(std::uint64_t n, clock::time_point now) const noexcept {
    const auto ns = std::chrono::duration_cast<nanoseconds>(now - due(n)).count();
    return ns > 0 ? static_cast<std::uint64_t>(ns) : 0;
  }

 private:
  clock::time_point start_;
  double interval_ns_;
};

// Sends `count` messages, none before its time. `wait_until(t)` returns at t or later, at once when
// t has passed; `send(n)` may take as long as it likes.
template <class WaitUntil, class Send>
void send_on_time(const schedule& when, std::uint64_t count, WaitUntil wait_until, Send send) {
  for (std::uint64_t n = 0; n < count; ++n) {
    wait_until(when.due(n));
    send(n);
  }
}

}  // namespace annulus::compare
