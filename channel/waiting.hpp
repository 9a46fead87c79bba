// How a role's waiting calls wait; chosen when it attaches.
#pragma once

#include <chrono>
#include <cstdint>
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
};

// For people and logs.
[[nodiscard]] constexpr std::string_view to_string(waiting::kind k) noexcept {
  switch (k) {
    case waiting::kind::spin: return "spin";
    case waiting::kind::yield: return "yield";
    case waiting::kind::block: return "block";
    case waiting::kind::nap: return "nap";
  }
  return "unknown waiting";
}

}  // namespace annulus
