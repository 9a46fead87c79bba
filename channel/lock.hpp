// The kernel's word on who is alive: locks on bytes of a file, held by an open file description.
//
// A role holds the lock on its own byte. The kernel drops it when the last descriptor of that
// description is closed, so at the latest when the process dies. The bytes stand far behind any
// data. Locks through one description never exclude each other: each role opens the file for
// itself.
//
// No call waits without a deadline. A holder cannot be named: the kernel tells no process for such
// a lock.
#pragma once

#include <cstdint>

#include <annulus/channel/status.hpp>

namespace annulus::locks {

// The bytes: role 0 is the consumer, 1 + i producer i. Behind them the one that is held while a
// channel is made, mended or removed.
inline constexpr std::uint32_t most_roles = 1 + 1024;
inline constexpr std::uint32_t maker = most_roles;

// Whether somebody else holds it. Also true where the kernel does not say: no word of death.
[[nodiscard]] bool is_held(int file, std::uint32_t role) noexcept;

// Takes it. False: somebody else holds it, or the kernel refused.
[[nodiscard]] bool take(int file, std::uint32_t role) noexcept;
// The same, tried again and again until the deadline.
[[nodiscard]] bool take(int file, std::uint32_t role, deadline until) noexcept;

// Gives back all that was taken through this file.
void give_back(int file) noexcept;

}  // namespace annulus::locks
