// A message whose every word the producer writes and the consumer reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace annulus::compare {

// The n-th message of a run has the words label, label + 1, ...; a run's `salt` is its own, so that
// what an earlier run left in memory is not taken for this one's.
class script {
 public:
  static constexpr std::uint64_t the_end = std::uint64_t{1} << 40;  // in the n of the last message
  static constexpr std::size_t most_bytes = std::size_t{1} << 19;   // words of one message: 16 bits

  explicit script(std::uint64_t salt) noexcept : salt_(salt) {}

  // Requires: a multiple of 8 bytes.
  void write(std::span<std::byte> to, std::uint64_t n) const noexcept {
    std::uint64_t word = label(n);
    for (std::size_t at = 0; at < to.size(); at += sizeof word, ++word) {
      std::memcpy(&to[at], &word, sizeof word);
    }
  }
  // The n that it was written with, also of a damaged one.
  [[nodiscard]] std::uint64_t number(std::span<const std::byte> of) const noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, of.data(), sizeof word);
    return (word - salt_) >> 16;
  }
  [[nodiscard]] bool is(std::span<const std::byte> seen, std::uint64_t n) const noexcept {
    const std::uint64_t count = seen.size() / sizeof(std::uint64_t);
    std::uint64_t sum = 0, word = 0;
    for (std::size_t at = 0; at < seen.size(); at += sizeof word) {
      std::memcpy(&word, &seen[at], sizeof word);
      sum += word;
    }
    return number(seen) == n && sum == count * label(n) + count * (count - 1) / 2;
  }

 private:
  [[nodiscard]] std::uint64_t label(std::uint64_t n) const noexcept { return salt_ + (n << 16); }

  std::uint64_t salt_;
};

}  // namespace annulus::compare
