// A file in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <annulus/channel/ownership.hpp>

namespace annulus {

class mapping {
 public:
  mapping() = default;
  mapping(mapping&& other) noexcept : space_(std::exchange(other.space_, {})), base_(other.base_) {}
  mapping& operator=(mapping&& other) noexcept {
    std::swap(space_, other.space_);
    std::swap(base_, other.base_);
    return *this;
  }
  ~mapping();

  // Maps the first `bytes` of a file that has so many, shared with all who map it. With
  // `huge_pages`, they begin on 2 MiB and the system is asked for huge pages. Returns 0, or errno.
  [[nodiscard]] int map(int file, std::uint64_t bytes, access how, bool huge_pages) noexcept;

  [[nodiscard]] std::byte* base() const noexcept { return base_; }

 private:
  std::span<std::byte> space_;  // address space to give back
  std::byte* base_ = nullptr;
};

}  // namespace annulus
