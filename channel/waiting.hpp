// How a role's waiting calls wait; chosen when it attaches.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace annulus {

// Chosen at attach, for all waits of that role.
struct waiting {
  // What a role does while it waits.
  enum class kind : std::uint8_t {
    spin,               // never leaves the processor: lowest latency, one core
    yield,              // spins, then offers the processor to others between polls
    block,              // spins, then sleeps until the other side wakes it
    nap,                // sleeps `nap_for` between polls; no peer ever wakes it
  } how = kind::block;  // asleep unless there is work
  std::chrono::nanoseconds spin_for = std::chrono::microseconds(20);  // yield and block
  std::chrono::nanoseconds nap_for = std::chrono::milliseconds(1);    // nap: what it adds at most
  // block: the longest sleep of a role that nothing has come to for as long. Messages, room, a
  // close and an interrupt end a sleep at once; only a death and a lost name may be noticed that
  // much later. Less costs more wake-ups while idle; at least 1 ms.
  std::chrono::nanoseconds longest_sleep = std::chrono::seconds(1);
};

// Every kind.
inline constexpr waiting::kind waiting_kinds[] = {waiting::kind::spin, waiting::kind::yield,
                                                  waiting::kind::block, waiting::kind::nap};

// For people, logs and options.
[[nodiscard]] constexpr std::string_view to_string(waiting::kind k) noexcept {
  switch (k) {
    case waiting::kind::spin: return "spin";
    case waiting::kind::yield: return "yield";
    case waiting::kind::block: return "block";
    case waiting::kind::nap: return "nap";
  }
  return "unknown waiting";
}

// The kind of that name; empty if there is none.
[[nodiscard]] constexpr std::optional<waiting::kind> waiting_kind(std::string_view name) noexcept {
  for (const auto kind : waiting_kinds) {
    if (name == to_string(kind)) return kind;
  }
  return std::nullopt;
}

}  // namespace annulus
