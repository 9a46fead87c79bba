// Process ownership: a role belongs to the process that attached it; a child has only a copy.
//
// Identity   each process has a number of its own, and a role keeps the one it was attached under.
//            They are compared before anything is done: one load of a word that is always cached
// fork()     the number is in a page that the kernel empties in the child (MADV_WIPEONFORK), also
//            after a bare clone() without CLONE_VM. Where the kernel does not do that, a handler of
//            fork() does (pthread_atfork)
// vfork(), posix_spawn()   share the parent's memory, and so its number, until exec. Such a child
//            may do nothing but exec or _exit, as the system demands
// clone(CLONE_FILES) without CLONE_VM   is not supported for pipe roles: the child would close
//            descriptors that its parent shares
// Again      a child may attach roles of its own, and fork again: its numbers are all new
// Signals    safe in a handler. One that forks must not return in the child into an operation of a
//            role that it interrupted: what was half done would be done twice
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace annulus {

namespace identity {

// A page of its own: 0 in a process that has not asked for its number yet.
struct alignas(4096) page {
  std::atomic<std::uint64_t> value{0};
};
extern page own;

// The number of this process, which has none yet. From any thread.
[[nodiscard]] std::uint64_t take() noexcept;

}  // namespace identity

// This process's number, and the effective user's; 0 where users have no numbers. Diagnostic only.
[[nodiscard]] std::uint32_t process_id() noexcept;
[[nodiscard]] std::uint32_t user_id() noexcept;
// The kernel's number of the pid namespace that process_id() is of; 0: unknown, or there are none.
[[nodiscard]] std::uint32_t pid_namespace() noexcept;

// The owning process of an object. Moving it leaves the source without an owner.
class home {
 public:
  home() noexcept = default;  // nobody's
  [[nodiscard]] static home here() noexcept {
    const auto own = identity::own.value.load(std::memory_order_relaxed);
    return home(own != 0 ? own : identity::take());
  }
  home(home&& other) noexcept : identity_(std::exchange(other.identity_, nobody)) {}
  home& operator=(home&& other) noexcept {
    identity_ = std::exchange(other.identity_, nobody);
    return *this;
  }
  ~home() = default;

  // Whether this process is it.
  [[nodiscard]] bool is_here() const noexcept {
    return identity_ == identity::own.value.load(std::memory_order_relaxed);
  }
  // From now on it is nobody's. Returns whether this process was it.
  bool leave() noexcept {
    const bool was_here = is_here();
    identity_ = nobody;
    return was_here;
  }

 private:
  static constexpr std::uint64_t nobody = ~std::uint64_t{0};

  explicit home(std::uint64_t of) noexcept : identity_(of) {}

  std::uint64_t identity_ = nobody;
};

}  // namespace annulus
