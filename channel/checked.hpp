// Misuse of a role, found at run time: a build with ANNULUS_CHECKED ends the program with a
// message.
//
//   - two operations of one role at once: by two threads, or by a signal handler that uses the role
//     whose operation it interrupted
//   - a role that is moved or destroyed while a claim of it is in use
//   - a claim that ends although it was abandoned and another is open
//   - more committed than was claimed
//
// By default nothing is checked: such misuse is undefined, and these classes are empty. A program
// is compiled as one or as the other, the libraries included (CMake: -DANNULUS_CHECKED=ON).
// Checked, a claim and an attach allocate, and operations are slower.
#pragma once

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

namespace annulus::checked {

#ifdef ANNULUS_CHECKED
inline constexpr bool is_on = true;
#else
inline constexpr bool is_on = false;
#endif

// annulus: ROLE: WHAT, and the end. Async-signal-safe.
[[noreturn]] inline void fail(const char* role, std::string_view call, std::string_view why,
                              std::string_view other = {}) noexcept {
  for (const auto piece : {std::string_view("annulus: "), std::string_view(role),
                           std::string_view(": "), call, why, other, std::string_view("\n")}) {
    [[maybe_unused]] const auto done =
        ::write(STDERR_FILENO, piece.data(), static_cast<unsigned>(piece.size()));
  }
  std::abort();
}

// A role's state. Claims keep it alive after the role.
struct role_state {
  explicit role_state(const char* of) noexcept : role(of) {}

  const char* role;
  std::atomic<const char*> running{nullptr};  // the operation that is under way
  std::atomic<bool> has_claim{false};
  std::atomic<bool> is_gone{false};
  std::atomic<std::uint64_t> claims{0};  // opened or abandoned until now
};

template <bool On>
class operation;
template <bool On>
class claim_watch;
template <bool On>
class role_watch;

// An operation is under way as long as one of these lives.
template <>
class [[nodiscard]] operation<true> {
 public:
  operation() = default;
  operation(std::shared_ptr<role_state> of, const char* call) noexcept : of_(std::move(of)) {
    // acquire: behind what the operation before did.
    const char* const other = of_->running.exchange(call, std::memory_order_acquire);
    if (other == nullptr) return;
    fail(of_->role, call,
         " begins while another operation of the same role is under way, by another thread or "
         "interrupted by this signal handler; give each thread and each handler a role of its own. "
         "It is ",
         other);
  }
  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;
  ~operation() {
    // release: what this operation did comes before the next one.
    if (of_ != nullptr) of_->running.store(nullptr, std::memory_order_release);
  }

 private:
  std::shared_ptr<role_state> of_;
};

// What a claim knows of its role.
template <>
class claim_watch<true> {
 public:
  claim_watch() = default;
  explicit claim_watch(std::shared_ptr<role_state> of) noexcept
      : of_(std::move(of)), number_(++of_->claims) {
    of_->has_claim = true;
  }

  // The claim ends in this call. Does nothing if it is not open.
  [[nodiscard]] operation<true> ending(const char* call) noexcept {
    const auto of = std::exchange(of_, nullptr);
    if (of == nullptr) return {};
    if (of->is_gone) {
      fail(of->role, call,
           " of a claim whose role was destroyed: let claims end before their role");
    }
    if (of->claims != number_) {
      if (!of->has_claim) return {};
      fail(of->role, call, " of a claim that was abandoned, while another is open");
    }
    of->has_claim = false;
    return {of, call};
  }
  void exceeds() const noexcept {
    if (of_ != nullptr) fail(of_->role, "commit", " of more bytes than were claimed");
  }

 private:
  std::shared_ptr<role_state> of_;
  std::uint64_t number_ = 0;
};

// A role's part. It moves with the role.
template <>
class role_watch<true> {
 public:
  explicit role_watch(const char* role) : state_(std::make_shared<role_state>(role)) {}
  role_watch(role_watch&& other) noexcept {
    if (other.state_ != nullptr && other.state_->has_claim) {
      fail(other.state_->role, "move", " while a claim of it is open: the claim would be lost");
    }
    state_ = std::move(other.state_);
  }
  role_watch& operator=(role_watch&& other) noexcept {
    role_watch moved(std::move(other));
    std::swap(state_, moved.state_);
    return *this;
  }
  ~role_watch() {
    if (state_ != nullptr) state_->is_gone = true;
  }

  // A role that was moved from has nothing to watch.
  [[nodiscard]] operation<true> enter(const char* call) const noexcept {
    if (state_ == nullptr) return {};
    return {state_, call};
  }
  template <class Claim>
  void opened(Claim& claim) const noexcept {
    if (claim) claim.watch(claim_watch<true>(state_));
  }
  void closed() const noexcept {
    if (state_ != nullptr) state_->has_claim = false;
  }
  void abandoned() const noexcept {
    if (state_ == nullptr) return;
    ++state_->claims;
    state_->has_claim = false;
  }

 private:
  std::shared_ptr<role_state> state_;
};

// Unchecked: nothing.

template <>
class operation<false> {
 public:
  constexpr operation() noexcept {}  // NOLINT: not trivial, so that an unused one is no warning
  constexpr ~operation() {}          // NOLINT
};
template <>
class claim_watch<false> {
 public:
  [[nodiscard]] constexpr operation<false> ending(const char*) const noexcept { return {}; }
  constexpr void exceeds() const noexcept {}
};
template <>
class role_watch<false> {
 public:
  constexpr explicit role_watch(const char*) noexcept {}
  [[nodiscard]] constexpr operation<false> enter(const char*) const noexcept { return {}; }
  template <class Claim>
  constexpr void opened(Claim&) const noexcept {}
  constexpr void closed() const noexcept {}
  constexpr void abandoned() const noexcept {}
};

}  // namespace annulus::checked

namespace annulus {

using checked_claim = checked::claim_watch<checked::is_on>;
using checked_role = checked::role_watch<checked::is_on>;

}  // namespace annulus
