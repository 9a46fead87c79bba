// One kind of message: the producer writes every word, the consumer checks every word.
//
// The n-th message of producer p has the words label, label + 1, ... with label = salt + p << 54 +
// n << 16. Each run has a salt of its own, so that bytes which an earlier run left in memory never
// pass for this one's. A message of fewer than 8 bytes has only the low bytes of its label: it is
// checked where there is one producer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include <annulus/channel/concepts.hpp>

namespace annulus::bench {

// A message size: std::size_t, or a constant that the compiler knows.
template <std::size_t Bytes>
using constant_size = std::integral_constant<std::size_t, Bytes>;
template <class Size>
inline constexpr bool is_constant = !std::is_same_v<Size, std::size_t>;

// A message as a value, for queues whose elements have one type.
template <std::size_t Bytes>
struct value {
  alignas(8) std::byte bytes[Bytes];
};

class script {
 public:
  static constexpr unsigned most_producers = 1024;

  explicit script(std::uint64_t salt, std::uint64_t producer = 0) noexcept
      : salt_(salt), first_(salt + (producer << producer_shift)) {}

  template <class Size>
  void write(std::byte* to, Size bytes, std::uint64_t n) const noexcept {
    std::uint64_t word = label(n);
    std::size_t at = 0;
    for (; at + sizeof word <= bytes; at += sizeof word, ++word) {
      std::memcpy(to + at, &word, sizeof word);
    }
    std::memcpy(to + at, &word, bytes - at);
  }

  template <class Size>
  [[nodiscard]] bool is(const std::byte* seen, Size bytes, std::uint64_t n) const noexcept {
    const std::uint64_t count = bytes / sizeof(std::uint64_t);
    std::uint64_t sum = 0, word = 0;
    for (std::size_t i = 0; i < count; ++i) {
      std::memcpy(&word, seen + i * sizeof word, sizeof word);
      sum += word;
    }
    const std::uint64_t after = label(n) + count;
    return (count == 0 || first_word(seen) == label(n)) &&
           sum == count * label(n) + count * (count - 1) / 2 &&
           std::memcmp(seen + count * sizeof word, &after, bytes % sizeof word) == 0;
  }

  // The producer that a message names, also a damaged one. Requires: 8 bytes or more.
  [[nodiscard]] std::uint64_t producer_of(const std::byte* seen) const noexcept {
    return (first_word(seen) - salt_) >> producer_shift;
  }
  // The n that it was written with.
  [[nodiscard]] std::uint64_t number_of(const std::byte* seen) const noexcept {
    return ((first_word(seen) - salt_) & ((std::uint64_t{1} << producer_shift) - 1)) >> 16;
  }

 private:
  static constexpr unsigned producer_shift = 54;

  static std::uint64_t first_word(const std::byte* seen) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, seen, sizeof word);
    return word;
  }
  [[nodiscard]] std::uint64_t label(std::uint64_t n) const noexcept { return first_ + (n << 16); }

  std::uint64_t salt_;
  std::uint64_t first_;
};

// Checks that each message is whole and the next one of its producer.
template <class Size = std::size_t>
class order_check {
 public:
  order_check(std::uint64_t salt, Size bytes, unsigned producers = 1)
      : text_(salt), salt_(salt), bytes_(bytes), next_(producers) {}

  // Returns the message's number.
  std::uint64_t operator()(message seen) noexcept {
    ++seen_;
    if (seen.size() != bytes_) [[unlikely]]
      return wrong(0);
    if (bytes_ < sizeof(std::uint64_t) && next_.size() > 1) return 0;  // nobody's in particular
    const std::byte* const at = seen.data();
    const std::uint64_t producer = next_.size() > 1 ? text_.producer_of(at) : 0;
    if (producer >= next_.size()) [[unlikely]]
      return wrong(0);
    const std::uint64_t n = next_[producer]++;
    if (script(salt_, producer).is(at, bytes_, n)) [[likely]]
      return n;
    return wrong(bytes_ < sizeof(std::uint64_t) ? 0 : text_.number_of(at));
  }

  [[nodiscard]] std::uint64_t seen() const noexcept { return seen_; }
  [[nodiscard]] std::uint64_t wrong() const noexcept { return wrong_; }

 private:
  std::uint64_t wrong(std::uint64_t n) noexcept {
    ++wrong_;
    return n;
  }

  script text_;
  std::uint64_t salt_;
  Size bytes_;
  std::vector<std::uint64_t> next_;
  std::uint64_t seen_ = 0;
  std::uint64_t wrong_ = 0;
};

// A batch of messages of one size, written anew each time.
class sheaf {
 public:
  sheaf(std::size_t count, std::size_t bytes) : bytes_(count * bytes) {
    for (std::size_t i = 0; i < count; ++i) {
      messages_.push_back(message(bytes_).subspan(i * bytes, bytes));
    }
  }
  [[nodiscard]] std::size_t size() const noexcept { return messages_.size(); }
  [[nodiscard]] std::byte* operator[](std::size_t i) noexcept {
    return &bytes_[i * messages_[i].size()];
  }
  [[nodiscard]] messages all() const noexcept { return messages_; }

 private:
  std::vector<std::byte> bytes_;
  std::vector<message> messages_;
};

}  // namespace annulus::bench
