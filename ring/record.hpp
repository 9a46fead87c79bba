// A record: one header word, the payload, and with integrity=crc32c its checksum.
//
//      63        42 41                  2 1   0
//     +------------+---------------------+-----+------------------+------------+-----+
//     | check (22) | payload bytes (40)  |state| payload          | crc32c (4) | pad |
//     +------------+---------------------+-----+------------------+------------+-----+
//      header, 8 bytes                          to a multiple of 8 in all
//
// The header is the commit flag: 0 says that nothing is here yet. The check ties it to its position
// and to the segment's key, so that a header of an earlier lap, payload that looks like a header,
// or a flipped bit is not taken for a good one. A busy header carries its producer's number within
// it.
#pragma once

#include <cstddef>
#include <cstdint>

#include <annulus/channel/arithmetic.hpp>
#include <annulus/channel/limits.hpp>

namespace annulus {

inline constexpr std::uint64_t header_bytes = 8;
inline constexpr std::uint64_t record_align = 8;
inline constexpr std::uint64_t crc_bytes = 4;

enum class record_state : std::uint64_t { empty = 0, busy = 1, committed = 2, aborted = 3 };

// Clears a position's low bits. They are never set, so this undoes damage.
[[nodiscard]] constexpr std::uint64_t whole(std::uint64_t pos) noexcept {
  return pos & ~(record_align - 1);
}

// Bytes that a record takes up: header, payload, trailer, padding.
[[nodiscard]] constexpr std::uint64_t record_bytes(std::uint64_t payload,
                                                   std::uint64_t trailer) noexcept {
  return (header_bytes + payload + trailer + record_align - 1) & ~(record_align - 1);
}

// Bytes that a busy or an aborted header covers: its own and all that its claim had besides.
[[nodiscard]] constexpr std::uint64_t claim_bytes(std::uint64_t rest) noexcept {
  return record_bytes(rest, 0);
}

class record_header {
 public:
  constexpr explicit record_header(std::uint64_t word) noexcept : word_(word) {}

  [[nodiscard]] static constexpr std::uint64_t committed(std::uint64_t bytes, std::uint64_t pos,
                                                         std::uint64_t key) noexcept {
    return stamp(record_state::committed, bytes, pos, key);
  }
  [[nodiscard]] static constexpr std::uint64_t aborted(std::uint64_t bytes, std::uint64_t pos,
                                                       std::uint64_t key) noexcept {
    return stamp(record_state::aborted, bytes, pos, key);
  }
  [[nodiscard]] static constexpr std::uint64_t busy(std::uint64_t bytes, std::uint64_t pos,
                                                    std::uint64_t key,
                                                    std::uint32_t producer) noexcept {
    return stamp(record_state::busy, bytes, pos, key) ^ (std::uint64_t{producer} << check_shift);
  }

  // What stands below the check; and the whole word, of which it is a part.
  [[nodiscard]] static constexpr std::uint64_t body_of(record_state state,
                                                       std::uint64_t bytes) noexcept {
    return bytes << 2 | static_cast<std::uint64_t>(state);
  }
  [[nodiscard]] static constexpr std::uint64_t of_body(std::uint64_t body, std::uint64_t pos,
                                                       std::uint64_t key) noexcept {
    return body | check(body, pos, key) << check_shift;
  }

  [[nodiscard]] constexpr std::uint64_t bytes() const noexcept { return body() >> 2; }
  [[nodiscard]] constexpr bool is_empty() const noexcept { return word_ == 0; }

  [[nodiscard]] constexpr bool is_committed(std::uint64_t pos, std::uint64_t key) const noexcept {
    return is(record_state::committed) && mismatch(pos, key) == 0;
  }
  [[nodiscard]] constexpr bool is_aborted(std::uint64_t pos, std::uint64_t key) const noexcept {
    return is(record_state::aborted) && mismatch(pos, key) == 0;
  }
  // A busy header's check differs by its producer's number, so other words pass more often: that of
  // any of the ring's `producers` does.
  [[nodiscard]] constexpr bool is_busy(std::uint64_t pos, std::uint64_t key,
                                       std::uint32_t producers) const noexcept {
    return is(record_state::busy) && mismatch(pos, key) < producers;
  }
  [[nodiscard]] constexpr std::uint32_t producer(std::uint64_t pos,
                                                 std::uint64_t key) const noexcept {
    return static_cast<std::uint32_t>(mismatch(pos, key));
  }

  // A flipped bit k of the body, or a position off by 2^k, moves the product by 2^k * multiplier.
  // If that is at least 2^53 away from 0 either way, the check moves by more than a producer's
  // number.
  [[nodiscard]] static constexpr bool sees_every_single_bit() noexcept {
    constexpr std::uint64_t margin = std::uint64_t{1} << 53;
    for (unsigned k = 0; k < 64; ++k) {
      const std::uint64_t moved = multiplier << k;
      if (moved < margin || moved > ~margin) return false;
    }
    return true;
  }

 private:
  static constexpr unsigned check_shift = 42;
  static constexpr std::uint64_t body_mask = (std::uint64_t{1} << check_shift) - 1;
  static constexpr std::uint64_t multiplier = golden_ratio;

  [[nodiscard]] static constexpr std::uint64_t check(std::uint64_t body, std::uint64_t pos,
                                                     std::uint64_t key) noexcept {
    return (((pos ^ key) + body) * multiplier) >> check_shift;
  }
  [[nodiscard]] static constexpr std::uint64_t stamp(record_state state, std::uint64_t bytes,
                                                     std::uint64_t pos,
                                                     std::uint64_t key) noexcept {
    return of_body(body_of(state, bytes), pos, key);
  }

  [[nodiscard]] constexpr std::uint64_t body() const noexcept { return word_ & body_mask; }
  [[nodiscard]] constexpr bool is(record_state state) const noexcept {
    return (word_ & 3) == static_cast<std::uint64_t>(state);
  }
  [[nodiscard]] constexpr std::uint64_t mismatch(std::uint64_t pos,
                                                 std::uint64_t key) const noexcept {
    return check(body(), pos, key) ^ (word_ >> check_shift);
  }

  std::uint64_t word_;
};

static_assert(record_header::sees_every_single_bit());

inline constexpr std::uint64_t largest_payload = (std::uint64_t{1} << 40) - 1;

}  // namespace annulus
