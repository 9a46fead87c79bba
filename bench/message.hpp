// A message whose every word the producer writes and the consumer reads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace annulus::bench {

template <std::size_t Bytes>
struct payload {
  static constexpr std::size_t word_count = Bytes / sizeof(std::uint64_t);
  static_assert(Bytes == word_count * sizeof(std::uint64_t) && word_count > 0);

  std::array<std::uint64_t, word_count> words;

  void fill(std::uint64_t label) noexcept {
    for (std::size_t i = 0; i < word_count; ++i) words[i] = label + i;
  }
  [[nodiscard]] bool is(std::uint64_t label) const noexcept {
    std::uint64_t sum = 0;
    for (const std::uint64_t word : words) sum += word;
    return words[0] == label && sum == word_count * label + word_count * (word_count - 1) / 2;
  }
};

// What producer p writes into its n-th message.
[[nodiscard]] constexpr std::uint64_t label_of(std::uint64_t p, std::uint64_t n) noexcept {
  return p << 48 | n;
}

// Holds each message to be whole, and the next one of its producer.
class order_check {
 public:
  explicit order_check(unsigned producers) {
    for (unsigned p = 0; p < producers; ++p) next_.push_back(label_of(p, 0));
  }

  template <std::size_t Bytes>
  void operator()(const payload<Bytes>& seen) noexcept {
    const std::uint64_t producer = seen.words[0] >> 48;
    if (producer >= next_.size() || !seen.is(next_[producer])) [[unlikely]] {
      ++wrong_;
      return;
    }
    ++next_[producer];
  }

  [[nodiscard]] std::uint64_t wrong() const noexcept { return wrong_; }

 private:
  std::vector<std::uint64_t> next_;
  std::uint64_t wrong_ = 0;
};

}  // namespace annulus::bench
