// Where a file was opened by its name, and whether it still has that name.
//
// Lost       the file has no name at all, or its path leads to another file or to none: it or a
//            directory above it was removed, or renamed, or another was put in its place
// Unknown    where the path cannot be looked at, or says nothing about where the file was (after
//            chroot, in another mount namespace, under a new mount), only a file without any name
//            counts as lost
//
// Any thread. Costs one fstat and one lstat; where these differ, a look at each directory above.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <annulus/channel/result.hpp>

namespace annulus::files {

class place {
 public:
  place() = default;  // not opened by name: never lost
  // Requires: an absolute path.
  explicit place(std::string path);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] bool is_lost_by(int file) const noexcept;

 private:
  // A directory above, as it was.
  struct ancestor {
    std::string path;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;  // 0: it could not be looked at
    std::uint64_t mount = 0;  // the mount that it is reached by; 0: the system does not say
  };

  // Whether the path leads where it did, up to a directory that is gone or was put in its place.
  [[nodiscard]] bool leads_astray() const noexcept;

  std::string path_;
  std::vector<ancestor> above_;  // from the file's own directory to the root
};

// What attaching a role to a channel fails with whose name was lost meanwhile.
[[nodiscard]] inline failure lost(const std::string& what) {
  return {fault::not_found,
          what + " was removed or renamed while it was attached to; open it anew"};
}

}  // namespace annulus::files
