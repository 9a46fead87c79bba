// Where a file was opened by its name, and whether it still has that name.
//
// Lost       the file has no name at all, or its path leads to another file or to none: it was
//            removed, or renamed, or another was put in its place
// Unknown    where the path cannot be looked at, or lies in another directory than it did (after
//            chroot, in another mount namespace, a directory that was moved), only a file without
//            any name counts as lost
//
// Any thread. Costs one fstat and one lstat.
#pragma once

#include <cstdint>
#include <string>

namespace annulus::files {

class place {
 public:
  place() = default;  // not opened by name: never lost
  // Requires: an absolute path.
  explicit place(std::string path);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] bool is_lost_by(int file) const noexcept;

 private:
  [[nodiscard]] bool is_where_it_was() const noexcept;

  std::string path_;
  std::string directory_;
  std::uint64_t device_ = 0;  // of the directory
  std::uint64_t inode_ = 0;   // 0: it could not be looked at
};

}  // namespace annulus::files
