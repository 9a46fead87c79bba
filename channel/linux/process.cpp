#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <annulus/channel/process.hpp>

namespace annulus {

std::uint32_t process_id() noexcept { return static_cast<std::uint32_t>(getpid()); }

std::uint32_t user_id() noexcept { return static_cast<std::uint32_t>(geteuid()); }

// Asked anew each time: a child may be born into another one.
std::uint32_t pid_namespace() noexcept {
  struct stat info {};
  return stat("/proc/self/ns/pid", &info) == 0 ? static_cast<std::uint32_t>(info.st_ino) : 0;
}

}  // namespace annulus

namespace annulus::identity {

constinit page own;

namespace {

// How many numbers this process and those before it have had. A child inherits it, so its own
// differs from every one that it inherited.
constinit std::atomic<std::uint64_t> taken{0};

// Once in a process, and for all its children.
bool watch_forks() noexcept {
  // A larger page would hold others' words too.
  if (sysconf(_SC_PAGESIZE) == sizeof(own)) {
    (void)madvise(&own, sizeof(own), MADV_WIPEONFORK);
  }
  return pthread_atfork(nullptr, nullptr, [] { own.value.store(0, std::memory_order_relaxed); }) ==
         0;
}

}  // namespace

std::uint64_t take() noexcept {
  [[maybe_unused]] static const bool watched = watch_forks();
  const auto fresh = taken.fetch_add(1, std::memory_order_relaxed) + 1;
  std::uint64_t found = 0;
  if (own.value.compare_exchange_strong(found, fresh, std::memory_order_relaxed)) return fresh;
  return found;  // another thread was faster
}

}  // namespace annulus::identity
