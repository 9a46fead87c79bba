#include <fcntl.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <ctime>

#include <annulus/ring/kernel.hpp>

namespace annulus {
namespace {

timespec timespec_of(std::chrono::nanoseconds span) noexcept {
  timespec out{};
  out.tv_sec = static_cast<time_t>(span.count() / 1'000'000'000);
  out.tv_nsec = static_cast<long>(span.count() % 1'000'000'000);
  return out;
}

}  // namespace

namespace kernel {

void futex_wait(void* word, std::uint32_t value, std::chrono::nanoseconds at_most) noexcept {
  if (at_most <= std::chrono::nanoseconds::zero()) return;
  const timespec span = timespec_of(at_most);
  syscall(SYS_futex, word, FUTEX_WAIT, value, &span, nullptr, 0);
}

void futex_wake(void* word) noexcept {
  syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void yield() noexcept { sched_yield(); }

void nap(std::chrono::nanoseconds span) noexcept {
  const timespec for_so_long = timespec_of(span);
  nanosleep(&for_so_long, nullptr);
}

bool accept_barriers() noexcept {
  static const bool accepted =
      syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0;
  return accepted;
}

bool barrier_for_all() noexcept {
  return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0;
}

}  // namespace kernel

namespace {

// Locks stand far behind any data, on one byte per role.
constexpr off_t first_lock = off_t{1} << 61;

struct flock lock_on(std::uint32_t role) noexcept {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = first_lock + static_cast<off_t>(role);
  lock.l_len = 1;
  return lock;
}

}  // namespace

bool lock_witness::is_held(std::uint32_t role) const noexcept {
  if (file_ < 0) return true;
  struct flock lock = lock_on(role);
  if (fcntl(file_, F_OFD_GETLK, &lock) != 0) return true;  // no word of death
  return lock.l_type != F_UNLCK;
}

void lock_witness::give_back() const noexcept {
  if (file_ < 0) return;
  struct flock all = lock_on(0);
  all.l_type = F_UNLCK;
  all.l_len = 0;  // to the end
  fcntl(file_, F_OFD_SETLK, &all);
}

bool lock_witness::take(std::uint32_t role) const noexcept {
  if (file_ < 0) return true;
  struct flock lock = lock_on(role);
  return fcntl(file_, F_OFD_SETLK, &lock) == 0;
}

}  // namespace annulus
