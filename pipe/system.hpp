// What the kernel gives and takes back: descriptors, pages, and its errors in words.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include <annulus/channel/result.hpp>

namespace annulus::pipes {

// A file descriptor of our own.
class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int number) noexcept : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor();

  [[nodiscard]] explicit operator bool() const noexcept { return number_ >= 0; }
  [[nodiscard]] int number() const noexcept { return number_; }

 private:
  int number_ = -1;
};

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

  [[nodiscard]] std::byte* data() const noexcept { return bytes_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }

 private:
  std::span<std::byte> bytes_;
};

[[nodiscard]] std::string quoted(const std::string& name);
// `what` failed with this errno.
[[nodiscard]] failure system_error(const std::string& what, int number);
// The same file once more, opened for itself: its locks are its own.
[[nodiscard]] result<descriptor> reopened(int file, int flags, const std::string& name);

}  // namespace annulus::pipes
