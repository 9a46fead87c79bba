// A consumer expects the next message to be as long as those before.
//
// The header of such a message is known before it is read: in a ring without checksums the consumer
// compares one word, and knows the length without decoding it. If lengths vary it matches nothing,
// which a branch predictor learns as well.
#pragma once

#include <cstdint>

#include <annulus/ring/record.hpp>

namespace annulus {

class usual_header {
 public:
  [[nodiscard]] constexpr std::uint64_t word(std::uint64_t pos, std::uint64_t key) const noexcept {
    return record_header::of_body(body_, pos, key);
  }
  [[nodiscard]] constexpr std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] constexpr std::uint64_t record_bytes() const noexcept { return record_; }
  // Of the last message.
  [[nodiscard]] constexpr std::uint64_t last_bytes() const noexcept { return last_; }

  // A message of another length. With a checksum every header is decoded.
  constexpr void saw(std::uint64_t bytes, bool has_checksum) noexcept {
    if (has_checksum) {
      last_ = bytes;
      return;
    }
    if (bytes != last_) {
      if (alike_ >= enough) *this = usual_header();  // else it is that already
      last_ = bytes;
      alike_ = 0;
    } else if (++alike_ == enough) {
      body_ = record_header::body_of(record_state::committed, bytes);
      bytes_ = bytes;
      record_ = annulus::record_bytes(bytes, 0);
    }
  }

 private:
  static constexpr std::uint64_t enough = 4;  // so many more of a length make it the usual one

  // None: empty, of one byte. No producer writes such a header; from one that is forged comes an
  // empty message.
  std::uint64_t body_ = record_header::body_of(record_state::empty, 1);
  std::uint64_t bytes_ = 0;
  std::uint64_t record_ = annulus::record_bytes(0, 0);
  std::uint64_t last_ = 0;
  std::uint64_t alike_ = 0;
};

}  // namespace annulus
