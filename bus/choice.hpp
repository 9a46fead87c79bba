// Which transport: the decision tree, and its reasons in words.
//
//     must it work where shared memory does not?   yes: pipe
//     is less than low_latency needed?             yes: shm
//     is more than high_rate needed?               yes: shm
//     is the system to guard it, and log it?       pipe; and it is the default
//
// Both end at this machine: a FIFO is no network. A gateway to another machine: nats/gateway.hpp.
//
// If shared memory is chosen but unavailable, the pipe is used, with the reason.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace annulus::bus {

// What carries the messages; automatic: whichever was, or will be, chosen (rendezvous.hpp).
enum class transport : std::uint8_t { shm, pipe, automatic };
// As it stands before the colon of a name.
[[nodiscard]] const char* to_string(transport t) noexcept;

// The limits of the decision tree: below such a latency, or above such a rate, it takes shm.
inline constexpr std::chrono::nanoseconds low_latency = std::chrono::microseconds(100);  // one way
inline constexpr std::uint64_t high_rate = 10'000;  // messages a second
// The same in words, for people.
inline constexpr const char* low_latency_words = "0.1 ms";
inline constexpr const char* high_rate_words = "10,000 messages a second";  // as high_rate

// What is asked of a transport.
struct needs {
  bool portable = false;                            // must work without shared memory
  bool guarded = false;                             // the system is to guard, and log who comes
  std::optional<std::chrono::nanoseconds> latency;  // one way
  std::optional<std::uint64_t> rate;                // messages a second
};

// The answer to needs.
struct choice {
  bus::transport transport = transport::pipe;  // the one to take
  std::string why;                             // for people
  bool is_fallback = false;                    // shared memory was wanted
};

// By the needs alone.
[[nodiscard]] choice choose(const needs& of);
// The same, if shared memory for so many bytes is to be had.
[[nodiscard]] choice choose(const needs& of, std::uint64_t bytes, const std::string& directory);

// Why a segment of so many bytes, in memory, cannot be made in a directory; empty: it can.
[[nodiscard]] std::string shared_memory_is_missing(std::uint64_t bytes,
                                                   const std::string& directory);

}  // namespace annulus::bus
