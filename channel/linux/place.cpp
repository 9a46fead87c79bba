#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include <annulus/channel/file.hpp>
#include <annulus/channel/place.hpp>

namespace annulus::files {

place::place(std::string path) : path_(std::move(path)), directory_(directory_of(path_)) {
  struct stat info {};
  if (stat(directory_.c_str(), &info) != 0) return;
  device_ = info.st_dev;
  inode_ = info.st_ino;
}

bool place::is_where_it_was() const noexcept {
  struct stat info {};
  return inode_ != 0 && stat(directory_.c_str(), &info) == 0 && info.st_dev == device_ &&
         info.st_ino == inode_;
}

bool place::is_lost_by(int file) const noexcept {
  struct stat held {};
  if (path_.empty() || fstat(file, &held) != 0) return false;
  if (held.st_nlink == 0) return true;
  struct stat named {};
  if (lstat(path_.c_str(), &named) != 0) return errno == ENOENT && is_where_it_was();
  return (named.st_dev != held.st_dev || named.st_ino != held.st_ino) && is_where_it_was();
}

}  // namespace annulus::files
