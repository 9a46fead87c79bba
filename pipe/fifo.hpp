// The FIFO as the kernel has it: whole writes, a look without taking, and giving back. On Windows
// it is a named pipe in message mode (windows/ends.hpp).
//
// Its ends are open for reading and writing by every role and never wait: so no write raises
// SIGPIPE, and what stands in the FIFO outlives any one role. Linux keeps it in pages; a write
// goes into what is left of the last page if all of it fits there, else into free pages.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include <annulus/channel/file.hpp>
#include <annulus/channel/result.hpp>
#include <annulus/pipe/interrupt.hpp>

namespace annulus::pipes {

// A descriptor of our own for a FIFO that somebody else opened.
[[nodiscard]] result<descriptor> another(int fifo);

[[nodiscard]] std::uint64_t kernel_bytes(int fifo) noexcept;
[[nodiscard]] std::uint64_t bytes_in(int fifo) noexcept;
// Neither of these takes the FIFO's lock.
[[nodiscard]] bool has_bytes(int fifo) noexcept;
[[nodiscard]] bool has_free_page(int fifo) noexcept;
// How many bytes in whole blocks are certain to find room now.
[[nodiscard]] std::uint64_t certain_room(int fifo) noexcept;

// Writes as much as there is room for. Requires: one block at most, which goes whole or not at
// all; or several whole ones: the kernel then stops only between pages, so between blocks.
[[nodiscard]] std::size_t write_blocks(int fifo, std::span<const std::byte> blocks) noexcept;

// Sleeps until a page is free, at most so long. Each nap ends early by one of the wakers.
void nap_for_room(int fifo, std::chrono::nanoseconds at_most, wakers also = {}) noexcept;
void nap(std::chrono::nanoseconds at_most, wakers also) noexcept;

// A look at what stands in the FIFO without taking it. Linux: a copy of its pages' list (tee), read
// out. Windows: the consumer moves messages on to where they can be looked at (windows/shelf.hpp).
class tap {
 public:
  [[nodiscard]] static result<tap> open(int fifo);

  [[nodiscard]] int fifo() const noexcept { return fifo_.number(); }
  // Copies what stands behind the first `known` bytes to `to`; returns how much that was.
  [[nodiscard]] std::size_t copy_new(std::uint64_t known, std::span<std::byte> to) noexcept;
  // Takes the first so many bytes out of the FIFO.
  void take(std::uint64_t bytes) noexcept;
  // Sleeps until more is written behind the known bytes, at most so long.
  void nap(std::uint64_t known, std::chrono::nanoseconds at_most, wakers also) noexcept;

 private:
  descriptor fifo_;
  descriptor to_, from_, nowhere_;  // Linux: a pipe for the copy, and /dev/null
  descriptor news_;                 // Linux: an epoll of the FIFO, when it is napped on
};

}  // namespace annulus::pipes
