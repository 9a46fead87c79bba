// Memory with a page before and a page behind it that nobody may touch: a read or a store outside
// ends the test.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <span>

namespace annulus::testing {

class guarded_memory {
 public:
  explicit guarded_memory(std::size_t bytes)
      : whole_((bytes + page - 1) / page * page + 2 * page),
        base_(static_cast<std::byte*>(
            mmap(nullptr, whole_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    if (base_ == MAP_FAILED) std::abort();
    if (mprotect(base_ + page, whole_ - 2 * page, PROT_READ | PROT_WRITE) != 0) std::abort();
  }
  guarded_memory(const guarded_memory&) = delete;
  guarded_memory& operator=(const guarded_memory&) = delete;
  ~guarded_memory() { munmap(base_, whole_); }

  [[nodiscard]] std::span<std::byte> bytes() const noexcept {
    return {base_ + page, whole_ - 2 * page};
  }

 private:
  static constexpr std::size_t page = 4096;

  std::size_t whole_;
  std::byte* base_;
};

}  // namespace annulus::testing
