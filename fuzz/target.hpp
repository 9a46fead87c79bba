// What every target shares: how it says that something is wrong, and its canary.
//
// A target is one file with LLVMFuzzerTestOneInput, which libFuzzer, AFL++ and driver.cpp call. A
// demand that does not hold ends the process, and the fuzzer keeps the input.
#pragma once

#include <time.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace annulus::fuzz {

[[noreturn]] inline void broken(const char* what) {
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::fflush(stderr);
  std::abort();
}
inline void demand(bool holds, const char* what) {
  if (!holds) [[unlikely]]
    broken(what);
}

// Whether an error is planted, in the target and never in the product: ANNULUS_FUZZ_CANARY=1. The
// fuzzer that does not find it sees nothing.
[[nodiscard]] inline bool has_canary() {
  static const bool is_there = std::getenv("ANNULUS_FUZZ_CANARY") != nullptr;
  return is_there;
}

// Said when the planted error takes place: run.py demands it.
inline void planted() { std::fputs("fuzz: the planted error takes place\n", stderr); }

// Whether each step is told: ANNULUS_FUZZ_TRACE=1, for looking at one case.
[[nodiscard]] inline bool is_traced() {
  static const bool is_asked = std::getenv("ANNULUS_FUZZ_TRACE") != nullptr;
  return is_asked;
}

// The time that this thread worked. A busy machine does not count.
[[nodiscard]] inline double worked_seconds() noexcept {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Demands that a call ends within a second of work: thousands of times what it takes.
class bounded {
 public:
  explicit bounded(const char* what) noexcept : what_(what), began_(worked_seconds()) {}
  bounded(const bounded&) = delete;
  bounded& operator=(const bounded&) = delete;
  ~bounded() {
    if (worked_seconds() - began_ > 1) broken(what_);
  }

 private:
  const char* what_;
  double began_;
};

}  // namespace annulus::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t count);
