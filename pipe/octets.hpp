// Bytes that grow, of which the lack of memory is an answer and not an exception.
//
// A long message is collected as its frames come, and the consumer's calls are noexcept. So no
// allocation here can throw, and none is larger than twice what has really come.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <span>
#include <utility>

namespace annulus::pipes {

class octets {
 public:
  octets() = default;
  octets(octets&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
  octets& operator=(octets&& other) noexcept {
    std::swap(held_, other.held_);
    return *this;
  }
  ~octets() { std::free(held_); }

  [[nodiscard]] std::size_t size() const noexcept { return held_ != nullptr ? held_->size : 0; }
  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return {at(0), size()}; }
  void clear() noexcept {
    if (held_ != nullptr) held_->size = 0;
  }

  // Returns false if there is no memory for them, and nothing has changed.
  [[nodiscard]] bool append(std::span<const std::byte> more) noexcept {
    if (more.empty()) return true;
    const std::size_t before = size();
    if (!resize(before + more.size())) return false;
    std::memcpy(at(before), more.data(), more.size());
    return true;
  }
  // New bytes have any value.
  [[nodiscard]] bool resize(std::size_t count) noexcept {
    const std::size_t before = size();
    const std::size_t room = held_ != nullptr ? held_->capacity : 0;
    if (count > room) {
      const std::size_t more = std::max(count, 2 * before);
      auto* const grown = static_cast<block*>(std::realloc(held_, sizeof(block) + more));
      if (grown == nullptr) return false;
      held_ = grown;
      held_->capacity = more;
    }
    if (held_ != nullptr) held_->size = count;
    return true;
  }

 private:
  friend class octets_stack;
  struct block {
    block* next;  // on a stack
    std::size_t size, capacity;
  };
  [[nodiscard]] std::byte* at(std::size_t index) const noexcept {
    return held_ != nullptr ? reinterpret_cast<std::byte*>(held_ + 1) + index : nullptr;
  }

  block* held_ = nullptr;
};

// Several of them. They stay where they are in memory, and pushing allocates nothing.
class octets_stack {
 public:
  octets_stack() = default;
  octets_stack(octets_stack&& other) noexcept
      : top_(std::exchange(other.top_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  octets_stack& operator=(octets_stack&& other) noexcept {
    std::swap(top_, other.top_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~octets_stack() {
    while (size_ > 0) static_cast<void>(pop());
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  // What never had memory is not kept.
  void push(octets one) noexcept {
    if (one.held_ == nullptr) return;
    one.held_->next = top_;
    top_ = std::exchange(one.held_, nullptr);
    ++size_;
  }
  // Empty if there is none.
  [[nodiscard]] octets pop() noexcept {
    octets out;
    if (size_ == 0) return out;
    out.held_ = top_;
    top_ = top_->next;
    --size_;
    return out;
  }

 private:
  octets::block* top_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace annulus::pipes
