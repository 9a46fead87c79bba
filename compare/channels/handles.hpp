// Handles of the other transports, for whoever wraps them: open, without a name, closed at the end.
#pragma once

#include <cstddef>
#include <cstdint>

namespace annulus::compare {

// A pair of Unix sockets that keep message boundaries.
class socket_pair {
 public:
  explicit socket_pair(std::size_t capacity);
  socket_pair(const socket_pair&) = delete;
  socket_pair& operator=(const socket_pair&) = delete;
  ~socket_pair();

  [[nodiscard]] int producer() const noexcept { return ends_[0]; }
  [[nodiscard]] int consumer() const noexcept { return ends_[1]; }
  // What the kernel will hold of messages underway.
  [[nodiscard]] std::uint64_t memory_bytes() const;

 private:
  int ends_[2] = {-1, -1};
};

// The message queue of POSIX, as deep as the system allows.
class posix_queue {
 public:
  enum class mode : std::uint8_t { blocks, polls };
  posix_queue(std::size_t capacity, std::size_t bytes, mode how);
  posix_queue(const posix_queue&) = delete;
  posix_queue& operator=(const posix_queue&) = delete;
  ~posix_queue();

  [[nodiscard]] int file() const noexcept { return file_; }
  [[nodiscard]] std::uint64_t memory_bytes() const;

 private:
  int file_ = -1;
};

}  // namespace annulus::compare
