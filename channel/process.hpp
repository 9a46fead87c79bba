// Process ownership: a role belongs to the process that attached it; a child has only a copy.
//
// Mark       each process has a mark of its own, and a role keeps the one it was attached under.
//            They are compared before anything is done: one load of a word that is always cached
// fork()     the mark stands in a page that the kernel empties in the child (MADV_WIPEONFORK), also
//            after a bare clone() without CLONE_VM. Where the kernel does not do that, a handler of
//            fork() does (pthread_atfork)
// vfork(), posix_spawn()   share the parent's memory, and so its mark, until exec. Such a child may
//            do nothing but exec or _exit, as the system demands
// clone(CLONE_FILES) without CLONE_VM   is not supported for pipe roles: the child would close
//            descriptors that its parent shares
// Again      a child may attach roles of its own, and fork again: its marks are all new
// Signals    safe in a handler. One that forks must not return in the child into an operation of a
//            role that it interrupted: what was half done would be done twice
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace annulus {

namespace marks {

// A page of its own: 0 in a process that has not asked for its mark yet.
struct alignas(4096) mark_page {
  std::atomic<std::uint64_t> mark{0};
};
extern mark_page own;

// The mark of this process, which has none yet. From any thread.
[[nodiscard]] std::uint64_t take_mark() noexcept;

}  // namespace marks

// This process's number, and the effective user's; 0 where users have no numbers. Diagnostic only.
[[nodiscard]] std::uint32_t process_id() noexcept;
[[nodiscard]] std::uint32_t user_id() noexcept;

// The owning process of an object. Moving it leaves the source without an owner.
class home {
 public:
  home() noexcept = default;  // nobody's
  [[nodiscard]] static home here() noexcept {
    const auto mark = marks::own.mark.load(std::memory_order_relaxed);
    return home(mark != 0 ? mark : marks::take_mark());
  }
  home(home&& other) noexcept : mark_(std::exchange(other.mark_, nobody)) {}
  home& operator=(home&& other) noexcept {
    mark_ = std::exchange(other.mark_, nobody);
    return *this;
  }
  ~home() = default;

  // Whether this process is it.
  [[nodiscard]] bool is_here() const noexcept {
    return mark_ == marks::own.mark.load(std::memory_order_relaxed);
  }
  // From now on it is nobody's. Returns whether this process was it.
  bool leave() noexcept {
    const bool was_here = is_here();
    mark_ = nobody;
    return was_here;
  }

 private:
  static constexpr std::uint64_t nobody = ~std::uint64_t{0};

  explicit home(std::uint64_t mark) noexcept : mark_(mark) {}

  std::uint64_t mark_ = nobody;
};

}  // namespace annulus
