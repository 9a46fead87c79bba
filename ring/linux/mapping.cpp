#include <sys/mman.h>

#include <cerrno>

#include <annulus/ring/kernel.hpp>
#include <annulus/ring/layout.hpp>
#include <annulus/ring/mapping.hpp>

namespace annulus {
namespace {

constexpr std::size_t most_mapped_at_once = std::size_t{4} << 20;

// The pages of a file that has all its memory: else each costs a fault when it is first touched, in
// the middle of a message. A larger file's come as they are used. Best effort.
void map_pages(std::byte* base, std::size_t size, int file) noexcept {
#ifdef MADV_POPULATE_READ
  constexpr int populate = MADV_POPULATE_READ;
#else
  constexpr int populate = 22;
#endif
  if (size <= most_mapped_at_once && !kernel::lacks_memory(file)) madvise(base, size, populate);
}

}  // namespace

int mapping::map(int file, std::uint64_t bytes, access how, bool huge_pages) noexcept {
  const auto size = static_cast<std::size_t>(bytes);
  const std::size_t spare = huge_pages ? huge_page_bytes : 0;
  void* const space =
      mmap(nullptr, size + spare, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED) return errno;
  space_ = {static_cast<std::byte*>(space), size + spare};
  base_ = space_.data();
  if (spare != 0) {
    base_ += (huge_page_bytes - reinterpret_cast<std::uintptr_t>(base_) % huge_page_bytes) %
             huge_page_bytes;
  }
  const int protection = how == access::read_only ? PROT_READ : PROT_READ | PROT_WRITE;
  if (mmap(base_, size, protection, MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED) return errno;
#ifdef MADV_COLLAPSE
  constexpr int collapse = MADV_COLLAPSE;
#else
  constexpr int collapse = 25;
#endif
  if (how == access::read_only) return 0;
  // Best effort: without huge pages the ring works all the same.
  if (spare != 0) madvise(base_, size, collapse);
  map_pages(base_, size, file);
  return 0;
}

mapping::~mapping() {
  if (!space_.empty()) munmap(space_.data(), space_.size());
}

}  // namespace annulus
