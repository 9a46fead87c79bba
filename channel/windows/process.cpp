#include <windows.h>

#include <annulus/channel/process.hpp>

namespace annulus {

std::uint32_t process_id() noexcept { return GetCurrentProcessId(); }

std::uint32_t user_id() noexcept { return 0; }

std::uint32_t pid_namespace() noexcept { return 0; }

}  // namespace annulus

namespace annulus::identity {

constinit page own;

// No process is copied here, so every process has the same number.
std::uint64_t take() noexcept {
  own.value.store(1, std::memory_order_relaxed);
  return 1;
}

}  // namespace annulus::identity
