#include <fcntl.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <annulus/bus/choice.hpp>

namespace annulus::bus {
namespace {

// A ring on a disk works, but its pages are written back while they are used.
bool is_of_memory(const struct statfs& mounted) noexcept {
  const auto kind = static_cast<std::uint64_t>(mounted.f_type);
  return kind == TMPFS_MAGIC || kind == RAMFS_MAGIC || kind == HUGETLBFS_MAGIC;
}

}  // namespace

std::string shared_memory_is_missing(std::uint64_t bytes, const std::string& directory) {
  const int probe = open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (probe < 0) {
    return "no file can be made in " + directory + " (" + std::strerror(errno) + ")";
  }
  struct statfs mounted {};
  const bool is_in_memory = fstatfs(probe, &mounted) == 0 && is_of_memory(mounted);
  close(probe);
  if (!is_in_memory) return "files in " + directory + " are on a disk, not in memory";
  rlimit most{};
  if (getrlimit(RLIMIT_FSIZE, &most) == 0 && most.rlim_cur < bytes) {
    return "this process may make files of " + std::to_string(most.rlim_cur) + " bytes only, and " +
           std::to_string(bytes) + " are needed";
  }
  const auto left =
      static_cast<std::uint64_t>(mounted.f_bavail) * static_cast<std::uint64_t>(mounted.f_bsize);
  // A tmpfs without a limit says that it has 0 blocks.
  if (left >= bytes || mounted.f_blocks == 0) return {};
  return directory + " has " + std::to_string(left) + " bytes left, and " + std::to_string(bytes) +
         " are needed";
}

}  // namespace annulus::bus
