// A look at a ring from outside: read-only, at any time, disturbing nobody.
//
// The words are read one by one while the ring works, so they need not fit together to the byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <annulus/channel/at_least_cxx20.hpp>
#include <annulus/channel/report.hpp>
#include <annulus/ring/segment.hpp>

namespace annulus {

// One producer's role.
struct producer_report : role_report {
  bool has_claim = false;       // between its claim and its commit (mpsc only)
  std::uint64_t claim_pos = 0;  // where, if it has one
};

// What is at read_pos, where a new consumer would start.
enum class front : std::uint8_t { empty, readable, unfinished, given_up, unreadable };
// In words, for people.
[[nodiscard]] std::string_view to_string(front f) noexcept;

// A ring as it was at one moment, as far as that can be told without stopping it.
struct ring_report {
  annulus::geometry geometry;                   // its size and limits
  std::uint64_t read_pos = 0;                   // released up to here
  std::uint64_t write_pos = 0;                  // claimed up to here
  std::uint64_t depth = 0;                      // bytes between the two
  annulus::front front = front::empty;          // at read_pos
  std::optional<std::uint32_t> front_producer;  // whose the unfinished claim is, if it shows
  bool consumer_sleeps = false;                 // in a futex
  bool consumer_closed = false;                 // the last one left by closing
  bool producers_wait = false;                  // some sleep until there is room
  std::int64_t stalled_for_ns = 0;         // how long the consumer has been stalled; 0: it is not
  role_report consumer;                    // its role
  std::vector<producer_report> producers;  // one for each number
};

// Reads the words as they are now.
[[nodiscard]] result<ring_report> inspect(const segment& of);

}  // namespace annulus
