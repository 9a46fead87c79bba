// A process under ptrace: one instruction at a time, and a death that is aimed.
//
// What processes share changes by few instructions among very many, so a death at a random moment
// almost never falls between two changes that belong together. Here the tracer watches the shared
// bytes while its victim steps, and so it kills at a chosen distance behind a change.
#pragma once

#include "processes.hpp"
#include <sched.h>
#include <sys/ptrace.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace annulus::processes {

enum class step : std::uint8_t {
  done,     // one instruction
  blocked,  // inside a system call that does not return in time
  ended,    // the process is gone
};

// Requires: traced by this process, and stopped. Signals that are not ours reach it.
[[nodiscard]] inline step step_once(child& one, deadline until) noexcept {
  for (;;) {
    // SIGCONT is for the whole group of a process that somebody stopped.
    const int number = one.stopped_by();
    const bool is_ours = number == SIGTRAP || number == SIGSTOP || number == SIGCONT;
    const auto passed_on = static_cast<std::uintptr_t>(is_ours ? 0 : number);
    if (ptrace(PTRACE_SINGLESTEP, one.pid(), nullptr, reinterpret_cast<void*>(passed_on)) != 0) {
      return step::ended;
    }
    one.resumed();
    for (auto now = one.look(); now != child::state::stopped; now = one.look()) {
      if (one.is_gone()) return step::ended;
      if (std::chrono::steady_clock::now() >= until) return step::blocked;
      child::nap(1ms);
    }
    if (one.stopped_by() == SIGTRAP) return step::done;
  }
}

// This process and another on one processor: a step takes a third of the time.
class side_by_side {
 public:
  explicit side_by_side(pid_t other) noexcept {
    sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned>(sched_getcpu()), &one);
    sched_setaffinity(0, sizeof one, &one);
    sched_setaffinity(other, sizeof one, &one);
  }
  side_by_side(const side_by_side&) = delete;
  side_by_side& operator=(const side_by_side&) = delete;
  ~side_by_side() { sched_setaffinity(0, sizeof before_, &before_); }

 private:
  cpu_set_t before_;
};

// How a shot is aimed: at so many instructions behind the n-th change of what is watched.
struct aim {
  std::uint64_t changes;
  std::uint64_t instructions;
};

// Kills it there, or where it sleeps, or wherever it stands when the time is up. True: there.
inline bool shoot(child& one, std::span<const std::byte> watched, aim at, deadline until) {
  const auto option = reinterpret_cast<void*>(static_cast<std::uintptr_t>(PTRACE_O_EXITKILL));
  const side_by_side quick(one.pid());
  bool is_hit = false;
  if (ptrace(PTRACE_SEIZE, one.pid(), nullptr, option) == 0 &&
      ptrace(PTRACE_INTERRUPT, one.pid(), nullptr, nullptr) == 0 && one.await_stop(until)) {
    std::vector<std::byte> last(watched.begin(), watched.end());
    auto went = step::done;
    while (at.changes > 0 && went == step::done && std::chrono::steady_clock::now() < until) {
      went = step_once(one, within(5ms));
      if (std::memcmp(last.data(), watched.data(), last.size()) == 0) continue;
      std::memcpy(last.data(), watched.data(), last.size());
      --at.changes;
    }
    while (at.changes == 0 && at.instructions > 0 && went == step::done) {
      went = step_once(one, within(5ms));
      --at.instructions;
    }
    is_hit = at.changes == 0 && went == step::done;
  }
  one.end();
  return is_hit;
}

}  // namespace annulus::processes
