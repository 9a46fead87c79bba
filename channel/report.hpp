// A role as an observer sees it.
#pragma once

#include <cstdint>
#include <string>

#include <annulus/channel/status.hpp>

namespace annulus {

// What the counters of one role say.
struct counters_report {
  std::uint64_t messages = 0;    // committed, or released
  std::uint64_t bytes = 0;       // of payload
  std::uint64_t refused = 0;     // full, and the caller did not wait
  std::uint64_t dropped = 0;     // full, and the policy was to drop
  std::uint64_t waits = 0;       // times that it went to sleep
  std::uint64_t recovered = 0;   // messages that the dead left unfinished
  std::uint64_t corrupt = 0;     // stretches of damage skipped
  std::uint64_t high_water = 0;  // the deepest it saw, bytes
};

// One role: who holds it, and what it has done.
struct role_report {
  presence state = presence::never_came;  // as the kernel says
  std::int32_t pid = 0;                   // as the role told; 0: nobody came yet
  std::uint32_t pid_namespace = 0;        // in which it told so; 0: unknown
  std::uint32_t uid = 0;                  // the same: its effective user
  std::int64_t attached_at = 0;           // seconds since 1970
  std::uint64_t incarnation = 0;          // how many times the role was taken
  counters_report counters;               // kept over all who held the role
};

// Whether a process number of that pid namespace means none of the caller's; false if unknown.
[[nodiscard]] bool is_of_another_namespace(std::uint32_t pid_namespace) noexcept;
// A process number for people, with its pid namespace if that is another.
[[nodiscard]] std::string process_number(std::int32_t pid, std::uint32_t pid_namespace);
[[nodiscard]] inline std::string process_number(const role_report& of) {
  return process_number(of.pid, of.pid_namespace);
}

// Whether any of these roles is attached now.
template <class Roles>
[[nodiscard]] bool is_any_attached(const Roles& roles) noexcept {
  for (const role_report& one : roles) {
    if (one.state == presence::attached) return true;
  }
  return false;
}

}  // namespace annulus
