#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include <annulus/channel/lock.hpp>
#include <annulus/channel/uncancelled.hpp>

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

bool take(int file, std::uint32_t role, deadline until) noexcept {
  const uncancelled here;
  constexpr long shortest = 50'000, longest = 5'000'000;  // ns
  for (long pause = shortest;; pause = std::min(2 * pause, longest)) {
    if (take(file, role)) return true;
    if (std::chrono::steady_clock::now() >= until) return false;
    const timespec span{0, pause};
    nanosleep(&span, nullptr);
  }
}

void give_back(int file) noexcept {
  struct flock all = lock_on(0, F_UNLCK);
  all.l_len = 0;  // to the end
  fcntl(file, F_OFD_SETLK, &all);
}

}  // namespace annulus::locks

namespace annulus {

bool lock_witness::is_held(std::uint32_t role) const noexcept {
  return file_ < 0 || locks::is_held(file_, role);
}

void lock_witness::give_back() const noexcept {
  if (file_ >= 0) locks::give_back(file_);
}

bool lock_witness::outlast_maker() const noexcept {
  if (file_ < 0) return false;
  const uncancelled here;
  const auto until = within(std::chrono::seconds(2));
  while (locks::is_held(file_, locks::maker)) {
    if (std::chrono::steady_clock::now() >= until) return false;
    const timespec span{0, 100'000};
    nanosleep(&span, nullptr);
  }
  return true;
}

bool lock_witness::take(std::uint32_t role) const noexcept {
  return file_ < 0 || locks::take(file_, role);
}

}  // namespace annulus
