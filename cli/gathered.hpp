// Messages of one batch, as pieces for one write.
#pragma once

#include "cli/exit_code.hpp"
#include "cli/patience.hpp"
#include "cli/splitter.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <annulus/channel/concepts.hpp>

namespace annulus::cli {

class gathered {
 public:
  explicit gathered(framing how) : how_(how) {
    pieces_.reserve(2 * most);
    lengths_.reserve(most);
  }

  // Waits for messages, a moment, and adds what is there, up to so much. Returns the last view.
  template <class Source>
  view gather(Source& from, std::uint64_t limit_bytes, std::uint64_t limit_count) {
    view one = from.read(within(wait_slice));
    for (; one; one = from.try_read()) {
      add(one.bytes());
      if (count_ == limit_count || is_full(limit_bytes)) break;
    }
    return one;
  }
  void add(message one) {
    if (how_ == framing::frames) {
      lengths_.push_back(length_of(one.size()));
      pieces_.push_back({lengths_.back().data(), frame_header_bytes});
    }
    if (!one.empty()) {
      pieces_.push_back({one.data(), one.size()});
    }
    if (how_ == framing::lines) pieces_.push_back({&line_end, 1});
    ++count_;
    bytes_ += one.size();
  }
  void clear() {
    pieces_.clear();
    lengths_.clear();
    count_ = bytes_ = 0;
  }

  [[nodiscard]] std::span<piece> pieces() noexcept { return pieces_; }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool is_full(std::uint64_t limit_bytes) const noexcept {
    return count_ == most || bytes_ >= limit_bytes;
  }

 private:
  static constexpr std::byte line_end{'\n'};
  static constexpr std::size_t most = 512;  // two pieces each, and writev takes 1024
  using frame_header = std::array<std::byte, frame_header_bytes>;

  static frame_header length_of(std::size_t bytes) {
    if (bytes > std::numeric_limits<std::uint32_t>::max()) {
      end_with(exit_code::failure, "a message of {} bytes does not fit into a frame", bytes);
    }
    frame_header out;
    for (unsigned i = 0; i < frame_header_bytes; ++i) {
      out[i] = static_cast<std::byte>(bytes >> (8 * i));
    }
    return out;
  }

  framing how_;
  std::vector<piece> pieces_;
  std::vector<frame_header> lengths_;  // never grows beyond its reserve: pieces point into it
  std::uint64_t count_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace annulus::cli
