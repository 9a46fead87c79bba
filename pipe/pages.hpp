// Mapped memory that is given back at its end.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include <annulus/channel/ownership.hpp>
#include <annulus/channel/result.hpp>

namespace annulus::pipes {

// Mapped memory of our own. Pages that nobody touches cost nothing.
class pages {
 public:
  pages() = default;
  explicit pages(std::span<std::byte> bytes) noexcept : bytes_(bytes) {}
  pages(pages&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  pages& operator=(pages&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~pages();

  [[nodiscard]] static result<pages> fresh(std::size_t bytes);
  // The beginning of a file, shared with whoever else maps it. errno: why not.
  [[nodiscard]] static pages of_file(int file, std::size_t bytes, access how) noexcept;

  [[nodiscard]] explicit operator bool() const noexcept { return !bytes_.empty(); }

  [[nodiscard]] std::byte* data() const noexcept { return bytes_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }

 private:
  std::span<std::byte> bytes_;
};

}  // namespace annulus::pipes
