#include "bench/load.hpp"

#include "bench/calls.hpp"
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

namespace annulus::bench {

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

void stretch::begin(const load& how) {
  cpu_before = cpu_seconds();
  began = clock::now();
  if (how.is_counted) mark();
}

void stretch::end(const load& how) {
  if (how.is_counted) mark();
  ended = clock::now();
  cpu_after = cpu_seconds();
}

void poll_until(clock::time_point due, bool is_crowded) {
  while (clock::now() < due) {
    if (is_crowded) sched_yield();
  }
}

void sleep_until(clock::time_point due) {
  const auto ns = std::chrono::duration_cast<nanoseconds>(due.time_since_epoch()).count();
  timespec at{};
  at.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
  at.tv_nsec = static_cast<long>(ns % 1'000'000'000);
  while (clock::now() < due) clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
}

void sleep_exactly() { prctl(PR_SET_TIMERSLACK, 1UL); }

}  // namespace annulus::bench
