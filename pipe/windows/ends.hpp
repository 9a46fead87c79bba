// The two ends of a FIFO, a Windows named pipe in message mode.
//
// A pipe has one instance. Every process that has the FIFO open holds both ends, as on Linux: so
// what stands in it outlives any one of them, and the kernel ends it when the last is gone.
//
// File       a regular file stands for the FIFO: the pipe's random name, 1024 slots, and the
//            consumer's shelf (shelf.hpp). Who holds the ends has a slot's lock, and says there
//            which handles they are
// join       takes the ends over from a live holder (DuplicateHandle), which takes the same user.
//            If there is none, it makes the pipe anew, as its first instance
// Whole      each write is one message of the pipe, and the pipe takes it whole or not at all; none
//            waits (PIPE_NOWAIT)
// News       two events, named like the pipe: something was written, something was taken
#pragma once

#include <windows.h>

#include <cstdint>
#include <memory>
#include <string>

#include <annulus/channel/file.hpp>
#include <annulus/channel/result.hpp>
#include <annulus/pipe/pages.hpp>
#include <annulus/pipe/windows/shelf.hpp>

namespace annulus::pipes {

// How the pipe is asked for: nobody else has its name already, and nobody comes to it over the
// network.
inline constexpr DWORD pipe_access = PIPE_ACCESS_INBOUND | FILE_FLAG_FIRST_PIPE_INSTANCE;
inline constexpr DWORD pipe_mode =
    PIPE_TYPE_MESSAGE | PIPE_READMODE_BYTE | PIPE_NOWAIT | PIPE_REJECT_REMOTE_CLIENTS;

// Lays what a new file holds into it. Returns false with errno.
[[nodiscard]] bool write_door(int file) noexcept;
// Whether a file is one of these.
[[nodiscard]] bool is_door(int file) noexcept;

class ends {
 public:
  // A hold on the ends that the file leads to. `capacity`: of a pipe that is made.
  [[nodiscard]] static result<std::shared_ptr<ends>> join(int file, std::uint64_t capacity,
                                                          const std::string& name);
  // Those that were joined by this number.
  [[nodiscard]] static std::shared_ptr<ends> of(int fifo) noexcept;

  ends() = default;
  ends(const ends&) = delete;
  ends& operator=(const ends&) = delete;
  ~ends();

  [[nodiscard]] HANDLE reading() const noexcept { return reading_; }
  [[nodiscard]] HANDLE writing() const noexcept { return writing_; }
  [[nodiscard]] std::uint64_t capacity() const noexcept { return capacity_; }

  [[nodiscard]] pipes::shelf& shelf() noexcept { return shelf_; }
  // Bytes in the FIFO: in the pipe, and what was moved out of it and is not released.
  [[nodiscard]] std::uint64_t depth() const noexcept;
  [[nodiscard]] std::uint64_t room() const noexcept;

  [[nodiscard]] HANDLE written() const noexcept { return written_; }
  [[nodiscard]] HANDLE taken() const noexcept { return taken_; }

 private:
  struct slot;

  [[nodiscard]] bool adopt() noexcept;
  [[nodiscard]] bool take_over(const slot& from) noexcept;
  [[nodiscard]] bool make(std::uint64_t capacity) noexcept;
  [[nodiscard]] bool enter() noexcept;
  [[nodiscard]] bool grow() noexcept;
  [[nodiscard]] bool learn() noexcept;
  void let_go() noexcept;

  descriptor door_;  // opened for the slot's lock
  std::wstring name_;
  std::uint32_t slot_ = 0;
  HANDLE reading_ = nullptr, writing_ = nullptr;
  HANDLE written_ = nullptr, taken_ = nullptr;
  std::uint64_t capacity_ = 0;
  pages mapped_;  // the file
  pipes::shelf shelf_;
};

}  // namespace annulus::pipes
