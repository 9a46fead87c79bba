// What a fuzzer's bytes stand for. Past the end everything is zero, so each input is a whole case.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace annulus::fuzz {

class input {
 public:
  explicit input(std::span<const std::byte> bytes) noexcept : left_(bytes) {}
  input(const std::uint8_t* data, std::size_t count) noexcept
      : input(std::as_bytes(std::span(data, count))) {}

  [[nodiscard]] bool is_over() const noexcept { return left_.empty(); }
  [[nodiscard]] std::size_t left() const noexcept { return left_.size(); }

  // The next bytes as a value of this type.
  template <class T>
  [[nodiscard]] T take() noexcept {
    T value{};
    const auto some = bytes(sizeof value);
    if (!some.empty()) std::memcpy(&value, some.data(), some.size());
    return value;
  }
  // 0 to n - 1, by one byte or two.
  [[nodiscard]] std::size_t below(std::size_t n) noexcept {
    return n <= 256 ? take<std::uint8_t>() % n : take<std::uint16_t>() % n;
  }
  [[nodiscard]] bool flag() noexcept { return (take<std::uint8_t>() & 1) != 0; }

  [[nodiscard]] std::span<const std::byte> bytes(std::size_t count) noexcept {
    const auto some = left_.first(std::min(count, left_.size()));
    left_ = left_.subspan(some.size());
    return some;
  }
  [[nodiscard]] std::span<const std::byte> rest() noexcept { return bytes(left_.size()); }
  // Up to the next zero, or the end.
  [[nodiscard]] std::string text(std::size_t most = 4096) {
    std::string out;
    while (!is_over() && out.size() < most) {
      const char c = take<char>();
      if (c == '\0') break;
      out.push_back(c);
    }
    return out;
  }

 private:
  std::span<const std::byte> left_;
};

// The same the other way round: for seeds.
class output {
 public:
  template <class T>
  output& put(const T& value) {
    const auto all = std::as_bytes(std::span(&value, 1));
    bytes_.insert(bytes_.end(), all.begin(), all.end());
    return *this;
  }
  output& byte(unsigned value) { return put(static_cast<std::uint8_t>(value)); }
  output& put(std::span<const std::byte> some) {
    bytes_.insert(bytes_.end(), some.begin(), some.end());
    return *this;
  }
  output& text(std::string_view some) {
    put(std::as_bytes(std::span(some)));
    return byte(0);
  }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace annulus::fuzz
