// What the consumer has moved out of a Windows named pipe, and not released yet.
//
// A look at a pipe in message mode shows its first message only. So the consumer moves messages on,
// in order, to the file that stands for the FIFO, where all of them can be looked at, and its
// successor finds them. What stands there counts against the pipe's capacity until it is released.
//
// Death      a message is copied first, and then taken out of the pipe. Should the consumer die in
//            between, it is there twice: the next one finds the pending word, compares, and takes
//            it out of the pipe too. No two frames are the same, as each has its sequence
// Threads    the consumer alone changes it; producers read how much it holds
#pragma once

#include <windows.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include <annulus/pipe/edges.hpp>

namespace annulus::pipes {

class shelf {
 public:
  static constexpr std::size_t head_bytes = 4096;  // of words, then the data

  shelf() = default;
  // Requires: head_bytes and so many more.
  shelf(std::byte* at, std::uint64_t capacity) noexcept
      : words_(reinterpret_cast<words*>(at)), data_(at + head_bytes), capacity_(capacity) {}

  // Of a pipe that is made anew: it holds nothing.
  void clear() noexcept;
  // Bytes that it holds.
  [[nodiscard]] std::uint64_t used() const noexcept;

  // Ends what a consumer that died had begun.
  void finish(HANDLE pipe) noexcept;
  // Moves the first message of the pipe here. Returns false if there is none, or no room for it.
  [[nodiscard]] bool move(HANDLE pipe) noexcept;
  // Copies what stands behind the first `known` bytes; returns how much that was.
  [[nodiscard]] std::size_t copy(std::uint64_t known, std::span<std::byte> to) const noexcept;
  // The first so many bytes are released.
  void release(std::uint64_t bytes) noexcept;

 private:
  // Positions grow for ever.
  struct words {
    word<std::uint64_t> start, end;
    word<std::uint64_t> pending;  // bytes before the end that may be in the pipe, too
  };

  [[nodiscard]] std::uint64_t start() const noexcept;
  [[nodiscard]] std::uint64_t end() const noexcept;
  // Calls f for each of the two stretches at most that [pos, pos + count) makes.
  template <class F>
  void stretches(std::uint64_t pos, std::size_t count, F f) const noexcept;

  words* words_ = nullptr;
  std::byte* data_ = nullptr;
  std::uint64_t capacity_ = 0;
};

}  // namespace annulus::pipes
