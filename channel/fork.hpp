// What lock_file.cpp asks of a system where a process can be copied.
#pragma once

namespace annulus::forks {

// From now on fork() calls these: before it, and after it in the parent and in the child.
[[nodiscard]] bool watch(void (*before)(), void (*in_parent)(), void (*in_child)()) noexcept;

// Keeps the open file, and so its locks, when its number is closed, but not in children. Null where
// that is not available: the number must do.
[[nodiscard]] void* keep(int file) noexcept;
void let_go(void* kept) noexcept;

}  // namespace annulus::forks
