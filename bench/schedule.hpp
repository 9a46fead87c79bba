// Open loop: when each message is due, whatever became of those before it.
//
// Latency counts from the intended time, so there is no coordinated omission: a stall shows in
// every message that was due meanwhile. A producer that falls behind sends overdue messages at
// once, and each of them carries its delay.
#pragma once

#include <chrono>
#include <cstdint>

namespace annulus::bench {

using clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

class schedule {
 public:
  // Message n is due at start + n / rate; in bursts, when the first of its burst is.
  schedule(clock::time_point start, double rate, std::uint64_t burst = 1) noexcept
      : start_(start), interval_ns_(1e9 / rate), burst_(burst) {}

  [[nodiscard]] clock::time_point due(std::uint64_t n) const noexcept {
    const auto first = burst_ == 1 ? n : n / burst_ * burst_;
    return start_ +
           nanoseconds(static_cast<std::int64_t>(static_cast<double>(first) * interval_ns_));
  }
  // How long after it was due message n is seen at `now`.
  [[nodiscard]] std::uint64_t latency(std::uint64_t n, clock::time_point now) const noexcept {
    const auto ns = std::chrono::duration_cast<nanoseconds>(now - due(n)).count();
    return ns > 0 ? static_cast<std::uint64_t>(ns) : 0;
  }

 private:
  clock::time_point start_;
  double interval_ns_;
  std::uint64_t burst_;
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

// Repeats `once` for so long. Reads the clock only every 20 us or so.
template <class F>
void repeat_for(nanoseconds span, F once) {
  using namespace std::chrono_literals;
  constexpr unsigned most_between = 512;
  auto last = clock::now();
  const auto until = last + span;
  for (unsigned between = 1; last < until;) {
    for (unsigned i = 0; i < between; ++i) once();
    const auto now = clock::now();
    if (now - last < 20us && between < most_between) between *= 2;
    if (now - last > 100us && between > 1) between /= 2;
    last = now;
  }
}

}  // namespace annulus::bench
