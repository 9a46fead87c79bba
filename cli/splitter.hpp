// Cuts a byte stream into messages: chunks, lines, or frames of a length and as many bytes.
#pragma once

#include "cli/file.hpp"
#include "cli/options.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <annulus/channel/concepts.hpp>

namespace annulus::cli {

inline constexpr std::size_t frame_header_bytes = 4;  // u32, little endian

// What messages go to: its name, the most that one may have, and how that is raised.
struct taker {
  std::string name;
  std::uint64_t max_message = 0;
  std::string advice;

  // The bytes of a chunk: what --chunk asks for, or, where that is 0, 32 KiB or what fits.
  // Throws command_error where it does not fit.
  [[nodiscard]] std::uint64_t chunk(std::uint64_t asked) const;
};

class splitter {
 public:
  // A line or a frame of more than `to` takes is an error.
  splitter(file& from, framing how, taker to, std::uint64_t chunk = 0);

  // The next messages, as many as one read brought, valid until the next call; none at the end.
  // Throws command_error for a message that is too long or cut off, after those before it were
  // given.
  [[nodiscard]] messages next();

 private:
  void read_chunk();
  void cut();
  void cut_lines();
  void cut_frames();
  void finish();
  void refill();
  [[noreturn]] void too_long(std::uint64_t bytes) const;

  file& from_;
  framing how_;
  taker to_;
  std::vector<std::byte> held_;
  std::size_t begin_ = 0;     // held_[begin_, end_) is not yet given
  std::size_t searched_ = 0;  // no end of a line before here
  std::size_t end_ = 0;
  bool is_at_end_ = false;
  std::uint64_t count_ = 0;  // given so far
  std::vector<message> found_;
};

}  // namespace annulus::cli
