#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <optional>
#include <utility>

#include <annulus/channel/file.hpp>
#include <annulus/channel/place.hpp>

namespace annulus::files {
namespace {

struct identity {
  std::uint64_t device = 0, inode = 0, mount = 0;
};

// Returns nothing on failure, with errno.
std::optional<identity> identity_of(const char* directory) noexcept {
  struct statx info {};
  if (statx(AT_FDCWD, directory, 0, STATX_INO | STATX_MNT_ID, &info) != 0) return std::nullopt;
  const bool tells_mount = (info.stx_mask & STATX_MNT_ID) != 0;
  return identity{makedev(info.stx_dev_major, info.stx_dev_minor), info.stx_ino,
                  tells_mount ? info.stx_mnt_id : 0};
}

}  // namespace

place::place(std::string path) : path_(std::move(path)) {
  std::string directory = path_;
  do {
    directory = directory_of(directory);
    const auto is = identity_of(directory.c_str()).value_or(identity{});
    above_.push_back({directory, is.device, is.inode, is.mount});
  } while (directory != "/");
}

bool place::leads_astray() const noexcept {
  const ancestor* below = nullptr;
  bool is_below_gone = false;
  std::uint64_t mount_below = 0;
  for (const auto& was : above_) {
    const auto is = identity_of(was.path.c_str());
    if (!is && errno != ENOENT && errno != ENOTDIR) return false;
    if (is && was.inode != 0 && is->device == was.device && is->inode == was.inode) {
      // A mount, also that of another namespace, only hides what is there.
      return below == nullptr || is_below_gone ||
             (below->mount != 0 && below->mount == mount_below);
    }
    below = &was;
    is_below_gone = !is;
    mount_below = is ? is->mount : 0;
  }
  return false;
}

bool place::is_lost_by(int file) const noexcept {
  struct stat held {};
  if (path_.empty() || fstat(file, &held) != 0) return false;
  if (held.st_nlink == 0) return true;
  struct stat named {};
  if (lstat(path_.c_str(), &named) != 0) {
    return (errno == ENOENT || errno == ENOTDIR) && leads_astray();
  }
  return (named.st_dev != held.st_dev || named.st_ino != held.st_ino) && leads_astray();
}

}  // namespace annulus::files
