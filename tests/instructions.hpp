// One operation, step by step, in a process of its own: every state that a SIGKILL inside it may
// leave of what processes share.
//
// A Watch is what is looked at: `image`, `copy()`, and `is(image)`, whether it still is as it was.
#pragma once

#include "processes.hpp"
#include "tracing.hpp"
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace annulus::processes {

// A message says its number; its size follows from that: up to 200 bytes, and 0 for the sixth.
inline constexpr std::uint64_t silent = 6;
inline std::vector<std::byte> say(std::uint64_t n) {
  std::vector<std::byte> bytes(n == silent ? 0 : 8 + mixed(n) % 193);
  std::uint64_t word = n;
  for (std::size_t at = 0; at < bytes.size(); at += sizeof word) {
    std::memcpy(bytes.data() + at, &word, std::min(sizeof word, bytes.size() - at));
    word = mixed(word);
  }
  return bytes;
}
inline bool says(message m, std::uint64_t n) {
  const auto bytes = say(n);
  return std::equal(m.begin(), m.end(), bytes.begin(), bytes.end());
}

inline std::vector<std::uint64_t> count_from(std::uint64_t first, std::uint64_t end) {
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t n = first; n < end; ++n) numbers.push_back(n);
  return numbers;
}

// How many points of death a test went through; told at its end.
class points {
 public:
  points() = default;
  points(const points&) = delete;
  points& operator=(const points&) = delete;
  ~points() {
    std::printf("%llu instructions; deaths in %llu states, then in %llu of the successor\n",
                static_cast<unsigned long long>(instructions),
                static_cast<unsigned long long>(first), static_cast<unsigned long long>(second));
  }

  std::uint64_t instructions = 0;
  std::uint64_t first = 0;   // different states that a death leaves
  std::uint64_t second = 0;  // and those that a second death leaves, one after each first
};

// Of so many states every which is taken: at most so many in CI, all with
// ANNULUS_INSTRUCTIONS=nightly in the environment.
[[nodiscard]] inline std::size_t stride(std::size_t count, std::size_t at_most) {
  const char* size = std::getenv("ANNULUS_INSTRUCTIONS");
  if (size != nullptr && std::string(size) == "nightly") return 1;
  if (is_sanitized) at_most = 3;
  const std::size_t every = 1 + (count - 1) / at_most;
  if (every > 1) std::printf("of %zu states every %zuth\n", count, every);
  return every;
}

// A process that moves one instruction at a time, from where it calls `watched` to its end.
class stepped {
 public:
  using body = std::function<void(const std::function<void(std::function<void()>)>& watched)>;

  explicit stepped(const body& run)
      : process_([&] {
          run([&](const std::function<void()>& operation) {
            require(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0, "cannot be traced");
            raise(SIGSTOP);
            *stage_ = 1;
            operation();
            *stage_ = 2;
            raise(SIGKILL);
          });
        }) {
    if (!process_.await_stop()) fail("the traced process did not come: " + process_.fate());
    quick_.emplace(process_.pid());
    ptrace(PTRACE_SETOPTIONS, process_.pid(), nullptr,
           reinterpret_cast<void*>(static_cast<std::uintptr_t>(PTRACE_O_EXITKILL)));
    while (*stage_ == 0) advance();
  }

  [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

  // One instruction. False: the operation is done.
  bool step() {
    advance();
    ++steps_;
    return *stage_ != 2;
  }

 private:
  static constexpr std::uint64_t max_advances = 5'000'000;

  void advance() {
    require(++advances_ < max_advances, "the operation does not end");
    const auto went = step_once(process_, within(patience));
    require(went != step::blocked, "a step does not end");
    if (went == step::ended) fail("the traced process ended: " + process_.fate());
  }

  shared<std::atomic<int>> stage_;
  child process_;
  std::optional<side_by_side> quick_;
  std::uint64_t steps_ = 0;
  std::uint64_t advances_ = 0;
};

// Every state that a death inside the operation may leave, in order.
template <class Watch>
[[nodiscard]] std::vector<typename Watch::image> states_of(const Watch& at,
                                                           const stepped::body& run, points& told) {
  std::vector<typename Watch::image> all;
  stepped process(run);
  for (bool goes_on = true; goes_on; goes_on = process.step()) {
    if (all.empty() || !at.is(all.back())) all.push_back(at.copy());
  }
  all.push_back(at.copy());
  told.instructions += process.steps();
  return all;
}

}  // namespace annulus::processes
