#include <fcntl.h>

#include <annulus/channel/lock.hpp>

namespace annulus::locks {
namespace {

constexpr off_t first_lock = off_t{1} << 61;

struct flock lock_on(std::uint32_t role, short type) noexcept {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = first_lock + static_cast<off_t>(role);
  lock.l_len = 1;
  return lock;
}

}  // namespace

bool is_held(int file, std::uint32_t role) noexcept {
  struct flock lock = lock_on(role, F_WRLCK);
  if (fcntl(file, F_OFD_GETLK, &lock) != 0) return true;  // no word of death
  return lock.l_type != F_UNLCK;
}

bool take(int file, std::uint32_t role) noexcept {
  struct flock lock = lock_on(role, F_WRLCK);
  return fcntl(file, F_OFD_SETLK, &lock) == 0;
}

bool take_shared(int file, std::uint32_t role) noexcept {
  struct flock lock = lock_on(role, F_RDLCK);
  return fcntl(file, F_OFD_SETLK, &lock) == 0;
}

void give_back(int file) noexcept {
  struct flock all = lock_on(0, F_UNLCK);
  all.l_len = 0;  // to the end
  fcntl(file, F_OFD_SETLK, &all);
}

}  // namespace annulus::locks
