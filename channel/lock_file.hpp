// The descriptor that carries a role's lock, closed in forked children.
//
// A lock belongs to the open file, which a child of fork() would share: then a dead parent would
// count as alive as long as any such child lives. So the descriptor is closed in the child at once
// (pthread_atfork), and the child's copy of this object holds nothing.
//
// Kept       the lock survives the closing of all descriptors: a page of the file is mapped too,
//            but not in children (MADV_DONTFORK)
// Remains    a child of vfork(), posix_spawn(), _Fork() or a bare clone() has the descriptor until
//            it calls exec (O_CLOEXEC) or ends: until then a parent's death is not detected. The
//            child releases no lock
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
  // Reopens the file: a new open file description with its own locks. No fork() comes between.
  [[nodiscard]] static result<lock_file> reopened(int file, access how, const std::string& name);

  lock_file() = default;
  lock_file(lock_file&& other) noexcept;
  lock_file& operator=(lock_file&& other) noexcept;
  ~lock_file();

  // Releases the role's lock that a lost object of this process holds. Returns false if no object
  // of this process holds it.
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
