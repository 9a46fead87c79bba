// The descriptor that carries a role's lock: it is this process's alone.
//
// A lock belongs to the open file, which a child of fork() would share: then a dead parent would
// count as alive as long as any such child lives. So the descriptor is closed in the child at once
// (pthread_atfork), and the child's copy of this object holds nothing.
//
// Kept       should somebody close all descriptors of the process, the lock stays: a page of the
//            file is mapped too, and is not there in children (MADV_DONTFORK)
// Remains    a child of vfork(), posix_spawn(), _Fork() or a bare clone() has the descriptor until
//            it calls exec (O_CLOEXEC) or ends: so long a parent that dies meanwhile is not found
//            dead. Nothing worse: the child gives back no lock, and closes none
// Threads    any
#pragma once

#include <cstdint>
#include <string>

#include <annulus/channel/file.hpp>
#include <annulus/channel/process.hpp>
#include <annulus/channel/result.hpp>

namespace annulus {

class lock_file {
 public:
  // The same file once more, opened for itself: its locks are its own. No fork() comes in between.
  [[nodiscard]] static result<lock_file> reopened(int file, int flags, const std::string& name);

  lock_file() = default;
  lock_file(lock_file&& other) noexcept;
  lock_file& operator=(lock_file&& other) noexcept;
  ~lock_file();

  // Gives back the lock on a byte of the same file that an object of this process holds which is
  // lost. False: none of this process holds it; nobody else's is ever touched.
  [[nodiscard]] static bool abandon(int file, std::uint32_t role) noexcept;

  // Whether it was opened in this process. Else nothing may be done with its number.
  [[nodiscard]] bool is_here() const noexcept { return home_.is_here(); }
  [[nodiscard]] int number() const noexcept { return number_; }

 private:
  friend struct lock_files;

  void take_over(lock_file& other) noexcept;
  void let_go() noexcept;

  int number_ = -1;
  void* page_ = nullptr;
  home home_;
  lock_file* next_ = nullptr;  // of all that this process has open
  lock_file* previous_ = nullptr;
};

}  // namespace annulus
