// Liveness: open file description (OFD) locks, one byte of a file for each role.
//
// A role holds the lock on its own byte. The kernel drops it when the last descriptor of that
// description is closed, so at the latest when the process dies. The bytes stand far behind any
// data. Locks through one description never exclude each other: each role opens the file for
// itself.
//
// No call waits without a deadline. The holder is unknown: F_OFD_GETLK reports no pid.
#pragma once

#include <cstdint>
#include <optional>

#include <annulus/channel/limits.hpp>
#include <annulus/channel/status.hpp>

namespace annulus {

// Roles by number, and so their locks: 0 is the consumer, 1 + i producer i.
inline constexpr std::uint32_t consumer_role = 0;
[[nodiscard]] constexpr std::uint32_t producer_role(std::uint32_t producer) noexcept {
  return 1 + producer;
}

namespace locks {

// The byte after the roles': locked while a channel is created, repaired or removed.
inline constexpr std::uint32_t maker = 1 + max_producers;

// Whether another holder has it. Also true if the call fails: that proves no death.
[[nodiscard]] bool is_held(int file, std::uint32_t role) noexcept;

// Takes it. Returns false if another holds it, or the kernel refused.
[[nodiscard]] bool take(int file, std::uint32_t role) noexcept;
// The same, retried until the deadline.
[[nodiscard]] bool take(int file, std::uint32_t role, deadline until) noexcept;

// Takes it shared: others may take it shared, too. The right to read is enough.
[[nodiscard]] bool take_shared(int file, std::uint32_t role) noexcept;
[[nodiscard]] bool take_shared(int file, std::uint32_t role, deadline until) noexcept;

// Gives back all that was taken through this file.
void give_back(int file) noexcept;

}  // namespace locks

// The locks of one file. Plain memory has none: there an unclosed role counts as alive.
class lock_witness {
 public:
  lock_witness() = default;
  explicit lock_witness(int file) noexcept : file_(file) {}

  [[nodiscard]] bool has_file() const noexcept { return file_ >= 0; }

  // Whether some process holds the role's lock.
  [[nodiscard]] bool is_held(std::uint32_t role) const noexcept;

  // Takes the role's lock, until the file is closed. Returns false if a live process holds it.
  [[nodiscard]] bool take(std::uint32_t role) const noexcept;

  // Gives back every lock taken through this file.
  void give_back() const noexcept;

  // Waits up to 2 s until the maker's lock is free. Returns false if it is not, or if there is no
  // file.
  [[nodiscard]] bool outlast_maker() const noexcept;

 private:
  int file_ = -1;
};

// Takes a role. A remover briefly holds the locks of all roles and the maker's. An attempt that
// fails is retried, up to 3 times, when the maker's lock is free.
template <class Attempt>
[[nodiscard]] auto past_a_remover(const lock_witness& kernel, Attempt attempt)
    -> decltype(attempt()) {
  auto taken = attempt();
  for (int more = 3; !taken && more > 0 && kernel.outlast_maker(); --more) taken = attempt();
  return taken;
}

// The first of `count` producers' roles that `take(number)` takes; empty if all are held.
template <class Take>
[[nodiscard]] std::optional<std::uint32_t> take_first_free(const lock_witness& kernel,
                                                           std::uint32_t count, Take take) {
  return past_a_remover(kernel, [&]() -> std::optional<std::uint32_t> {
    for (std::uint32_t i = 0; i < count; ++i) {
      if (take(i)) return i;
    }
    return std::nullopt;
  });
}

}  // namespace annulus
