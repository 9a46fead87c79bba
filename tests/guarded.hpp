// Memory with a page before and a page behind it that nobody may touch: a read or a store outside
// ends the test.
#pragma once

#ifdef _WIN32
#include <windows.h>
#else
#include <sys/mman.h>
#endif

#include <cstddef>
#include <cstdlib>
#include <span>

namespace annulus::testing {

class guarded_memory {
 public:
  explicit guarded_memory(std::size_t bytes)
      : whole_((bytes + page - 1) / page * page + 2 * page),
        base_(static_cast<std::byte*>(reserve(whole_))) {
    if (base_ == nullptr || !open(base_ + page, whole_ - 2 * page)) std::abort();
  }
  guarded_memory(const guarded_memory&) = delete;
  guarded_memory& operator=(const guarded_memory&) = delete;
  ~guarded_memory() { give_back(base_, whole_); }

  [[nodiscard]] std::span<std::byte> bytes() const noexcept {
    return {base_ + page, whole_ - 2 * page};
  }

 private:
  static constexpr std::size_t page = 4096;

#ifdef _WIN32
  static void* reserve(std::size_t all) {
    return VirtualAlloc(nullptr, all, MEM_RESERVE | MEM_COMMIT, PAGE_NOACCESS);
  }
  static bool open(void* from, std::size_t count) {
    DWORD before = 0;
    return VirtualProtect(from, count, PAGE_READWRITE, &before) != 0;
  }
  static void give_back(void* from, std::size_t) { VirtualFree(from, 0, MEM_RELEASE); }
#else
  static void* reserve(std::size_t all) {
    void* const at = mmap(nullptr, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? nullptr : at;
  }
  static bool open(void* from, std::size_t count) {
    return mprotect(from, count, PROT_READ | PROT_WRITE) == 0;
  }
  static void give_back(void* from, std::size_t all) { munmap(from, all); }
#endif

  std::size_t whole_;
  std::byte* base_;
};

}  // namespace annulus::testing
