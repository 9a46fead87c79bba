// A frame: what one write puts into the FIFO, whole or not at all.
//
//     0      4            8      10       12        14    16        24      32
//     check  incarnation  bytes  payload  producer  last  sequence  offset  payload ... pad
//
// A message is one frame, or several with its sequence, first to last. A frame is a multiple of 8
// and at most 4096 bytes, Linux's PIPE_BUF, so the kernel never mixes it with another's, and a
// death in a write leaves all of it or nothing. `bytes` counts header, payload and pad. The check
// is over the header and the pipe's key: what it lets pass was, but for one chance in 2^32,
// written by a role of this pipe, and so the consumer finds the next frame again behind anything
// else.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <annulus/channel/arithmetic.hpp>

namespace annulus::pipes {

struct frame_header {
  std::uint32_t check = 0;
  std::uint32_t incarnation = 0;  // of the producer's number
  std::uint16_t bytes = 0;
  std::uint16_t payload_bytes = 0;
  std::uint16_t producer = 0;
  std::uint16_t is_last = 0;   // of its message; the first is the one at offset 0
  std::uint64_t sequence = 0;  // of the message; grows with each of this number, for ever
  std::uint64_t offset = 0;    // of the payload in its message
};
static_assert(sizeof(frame_header) == 32);

inline constexpr std::size_t header_bytes = sizeof(frame_header);
inline constexpr std::size_t block_bytes = 4096;  // the most that one write keeps together
inline constexpr std::size_t most_payload = block_bytes - header_bytes;

// The largest message that an empty FIFO takes at once, of those that the pipe carries.
[[nodiscard]] constexpr std::uint64_t most_at_once_of(std::uint64_t max_message,
                                                      std::uint64_t kernel_bytes) noexcept {
  return std::min(max_message, kernel_bytes / block_bytes * most_payload);
}
static_assert(block_bytes % 8 == 0 && block_bytes <= UINT16_MAX);

[[nodiscard]] constexpr std::size_t frame_bytes(std::size_t payload) noexcept {
  return round_up(header_bytes + payload, 8);
}
// How many frames a message is cut into.
[[nodiscard]] constexpr std::uint64_t frames_of(std::uint64_t message) noexcept {
  return message <= most_payload ? 1 : (message + most_payload - 1) / most_payload;
}

// Mixes words so that every flipped bit changes the sum; the upper half of it is a check.
class sum {
 public:
  explicit constexpr sum(std::uint64_t key) noexcept : value_(key) {}
  constexpr void add(std::uint64_t piece) noexcept {
    value_ = (value_ ^ piece) * 0xd6e8feb86659fd93;
    value_ ^= value_ >> 32;
  }
  [[nodiscard]] constexpr std::uint64_t value() const noexcept { return value_ * golden_ratio; }

 private:
  std::uint64_t value_;
};

[[nodiscard]] constexpr std::uint32_t check_of(const frame_header& of, std::uint64_t key) noexcept {
  sum all(key);
  all.add(of.incarnation);
  all.add(std::uint64_t{of.bytes} | std::uint64_t{of.payload_bytes} << 16 |
          std::uint64_t{of.producer} << 32 | std::uint64_t{of.is_last} << 48);
  all.add(of.sequence);
  all.add(of.offset);
  return static_cast<std::uint32_t>(all.value() >> 32);
}

inline void write_header(std::byte* to, frame_header header, std::uint64_t key) noexcept {
  header.check = check_of(header, key);
  std::memcpy(to, &header, sizeof header);
}

// Whether a header of this pipe stands here: then all its sizes are within a frame.
[[nodiscard]] inline bool read_header(const std::byte* from, std::uint64_t key,
                                      std::uint32_t producers, frame_header& header) noexcept {
  std::memcpy(&header, from, sizeof header);
  return header.bytes <= block_bytes && header.bytes % 8 == 0 &&
         header.payload_bytes <= most_payload &&
         header.bytes >= header_bytes + header.payload_bytes && header.producer < producers &&
         header.is_last <= 1 && header.check == check_of(header, key);
}

}  // namespace annulus::pipes
