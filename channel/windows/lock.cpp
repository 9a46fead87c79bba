#include <algorithm>
#include <mutex>
#include <vector>

#include <annulus/channel/lock.hpp>
#include <annulus/channel/windows/handle.hpp>

// Locks of byte ranges belong to the handle's file object, like Linux's OFD locks, and the kernel
// drops them when it closes the handles of a process that has ended, after its last thread. (A
// mutex belongs to a thread: it would be abandoned when the thread that attached ends.)
//
// Windows tells of no lock without taking one. So asking takes a shared lock for a moment: those
// who ask do not disturb each other, and whoever takes a role tells an asker from a holder by
// asking too.
namespace annulus::locks {
namespace {

struct held_lock {
  int file;
  std::uint32_t role;
  friend bool operator==(const held_lock&, const held_lock&) = default;
};

// What this process has taken, by which number: through the handle that holds a lock it can be
// taken again, shared, and to unlock that would drop the lock itself.
struct own_locks {
  std::mutex mutex;
  std::vector<held_lock> all;
};
own_locks& own() noexcept {
  static auto* const made = new own_locks;  // outlives the last role that is destroyed at exit
  return *made;
}

OVERLAPPED place_of(std::uint32_t role) noexcept {
  OVERLAPPED out{};
  out.Offset = role;
  out.OffsetHigh = DWORD{1} << 29;
  return out;
}

bool lock(int file, std::uint32_t role, DWORD kind) noexcept {
  auto where = place_of(role);
  return LockFileEx(windows::handle_of(file), kind | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &where) !=
         0;
}

void unlock(int file, std::uint32_t role) noexcept {
  auto where = place_of(role);
  UnlockFileEx(windows::handle_of(file), 0, 1, 0, &where);
}

}  // namespace

bool is_held(int file, std::uint32_t role) noexcept {
  const std::lock_guard guard(own().mutex);
  if (std::ranges::count(own().all, held_lock{file, role}) > 0) return false;
  if (!lock(file, role, 0)) return true;  // or the call failed: no word of death
  unlock(file, role);
  return false;
}

bool take(int file, std::uint32_t role) noexcept {
  constexpr int most_askers = 1000;
  for (int tries = 0; tries < most_askers; ++tries) {
    {
      const std::lock_guard guard(own().mutex);
      if (std::ranges::count(own().all, held_lock{file, role}) > 0) return true;
      if (lock(file, role, LOCKFILE_EXCLUSIVE_LOCK)) {
        own().all.push_back({file, role});
        return true;
      }
    }
    if (is_held(file, role)) return false;
    SwitchToThread();  // somebody only asked
  }
  return false;
}

bool take_shared(int file, std::uint32_t role) noexcept {
  const std::lock_guard guard(own().mutex);
  if (std::ranges::count(own().all, held_lock{file, role}) > 0) return true;
  if (!lock(file, role, 0)) return false;
  own().all.push_back({file, role});
  return true;
}

void give_back(int file) noexcept {
  const std::lock_guard guard(own().mutex);
  for (const auto& one : own().all) {
    if (one.file == file) unlock(file, one.role);
  }
  std::erase_if(own().all, [&](const auto& one) { return one.file == file; });
}

}  // namespace annulus::locks

namespace annulus::windows {

// UnlockFileEx too, as the kernel drops the locks of a closed handle only "when it can".
void forget_locks(int file) noexcept { locks::give_back(file); }

}  // namespace annulus::windows
