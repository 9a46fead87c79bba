#include <pthread.h>
#include <sys/mman.h>

#include <cstddef>

#include <annulus/channel/fork.hpp>

namespace annulus::forks {
namespace {

constexpr std::size_t page_bytes = 4096;  // or as much more as the kernel's pages are

}  // namespace

bool watch(void (*before)(), void (*in_parent)(), void (*in_child)()) noexcept {
  return pthread_atfork(before, in_parent, in_child) == 0;
}

void* keep(int file) noexcept {
  void* const page = mmap(nullptr, page_bytes, PROT_NONE, MAP_SHARED | MAP_NORESERVE, file, 0);
  if (page == MAP_FAILED) return nullptr;
  if (madvise(page, page_bytes, MADV_DONTFORK) == 0) return page;
  munmap(page, page_bytes);
  return nullptr;
}

void let_go(void* kept) noexcept {
  if (kept != nullptr) munmap(kept, page_bytes);
}

}  // namespace annulus::forks
