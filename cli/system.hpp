// What the command asks of a system: files and streams by their number, and who uses it.
//
// Numbers are the C library's. What fails says why in errno, on every system.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace annulus::cli {

// A stretch of memory that is written as part of others.
struct piece {
  const std::byte* data;
  std::size_t size;
};

namespace streams {

// Each of 0, 1 and 2 is open from now on, and carries bytes as they are.
void occupy() noexcept;

// The number of an opened file; -1: see errno.
[[nodiscard]] int open_to_read(const std::string& path) noexcept;
[[nodiscard]] int open_to_write(const std::string& path) noexcept;
// The same of one that is made, or, unless it must be new, that somebody else has made meanwhile.
[[nodiscard]] int make_to_write(const std::string& path, bool must_be_new) noexcept;
void widen(int number) noexcept;  // so that two processes need not take turns

// As read(2) and writev(2). EPIPE: nobody reads.
[[nodiscard]] std::ptrdiff_t read_some(int number, std::span<std::byte> into) noexcept;
[[nodiscard]] std::ptrdiff_t write_some(int number, std::span<const piece> pieces) noexcept;
// For a stream that somebody made non-blocking: waits a little.
void wait_to_read(int number) noexcept;
void wait_to_write(int number) noexcept;
// Writes what stderr takes; waits only a moment.
void write_remark(std::string_view text) noexcept;
// Whether whoever read standard output has gone.
[[nodiscard]] bool is_reader_gone() noexcept;

// Whether a path leads to the file of this number.
[[nodiscard]] bool is_at(int number, const std::string& path) noexcept;

}  // namespace streams

// For itself and its children, where it is a variable of the environment.
void set_variable(const char* name, const std::string& value);
// A user's name, or his number.
[[nodiscard]] std::string name_of_user(std::uint32_t number);

}  // namespace annulus::cli
