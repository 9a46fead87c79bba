// How a waiting form waits, as its role is told when it is attached.
#pragma once

#include <chrono>
#include <cstdint>

namespace annulus {

struct waiting {
  enum class kind : std::uint8_t {
    spin,   // never leaves the processor: lowest latency, one core
    yield,  // spins, then offers the processor to others between polls
    block,  // spins, then sleeps until the other side wakes it
  } how = kind::block;
  std::chrono::nanoseconds spin_for = std::chrono::microseconds(20);
};

}  // namespace annulus
