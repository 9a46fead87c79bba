#include <fcntl.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
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
  const int kept = errno;
  syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  errno = kept;
}

void yield() noexcept { sched_yield(); }

file_range next_data(int file, std::uint64_t from, std::uint64_t to) noexcept {
  const off_t data = lseek(file, static_cast<off_t>(from), SEEK_DATA);
  if (data < 0) return errno == ENXIO ? file_range{to, to} : file_range{from, to};
  const auto begin = static_cast<std::uint64_t>(data);
  if (begin >= to) return {to, to};
  const off_t hole = lseek(file, data, SEEK_HOLE);
  return {begin, hole < 0 ? to : std::min(static_cast<std::uint64_t>(hole), to)};
}

bool lacks_memory(int file) noexcept {
  constexpr std::int64_t block = 512;
  struct stat info {};
  return fstat(file, &info) == 0 && info.st_blocks * block < info.st_size;
}

bool provide(int file, std::uint64_t from, std::uint64_t to) noexcept {
  if (from == to) return true;
  constexpr int most_interruptions = 1000;
  for (int tries = 0; tries < most_interruptions; ++tries) {
    if (fallocate(file, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from),
                  static_cast<off_t>(to - from)) == 0) {
      return true;
    }
    if (errno != EINTR) return errno != ENOSPC && errno != ENOMEM && errno != EDQUOT;
  }
  return false;
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

}  // namespace annulus
