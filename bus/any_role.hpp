// A role of whichever transport it is: what it says of itself. Each call branches on its type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include <annulus/bus/name.hpp>
#include <annulus/channel/concepts.hpp>
#include <annulus/pipe/pipe.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::bus {

// Requires: it is the one that is held.
template <std::size_t I, class Variant>
[[gnu::always_inline]] inline auto& alternative(Variant& held) noexcept {
  auto* const one = std::get_if<I>(&held);
  if (one == nullptr) __builtin_unreachable();
  return *one;
}

// Calls f on the held alternative. The branch is constant for a role.
template <std::size_t I = 0, class Variant, class F>
[[gnu::always_inline]] inline auto with(Variant& held, F&& f) {
  if constexpr (I + 1 == std::variant_size_v<std::remove_const_t<Variant>>) {
    return f(alternative<I>(held));
  } else {
    return held.index() == I ? f(alternative<I>(held)) : with<I + 1>(held, f);
  }
}

// What carries a role's messages.
template <class Role>
[[nodiscard]] transport transport_of(const Role& role) noexcept {
  if constexpr (requires { role.transport(); }) {
    return role.transport();
  } else {
    constexpr bool is_pipe =
        std::is_same_v<Role, pipe_producer> || std::is_same_v<Role, pipe_consumer>;
    return is_pipe ? transport::pipe : transport::shm;
  }
}

template <class... Roles>
class any_role {
 public:
  using roles = std::variant<Roles...>;  // what it may be

  // The other side's presence. Makes system calls.
  [[nodiscard]] presence peer() noexcept {
    return with(role_, [](auto& r) { return r.peer(); });
  }
  // Whether the channel's name is gone or names another file: others cannot find it.
  [[nodiscard]] bool has_lost_name() const noexcept {
    return with(role_, [](auto& r) { return r.has_lost_name(); });
  }
  // Ends the wait that runs in this role, or else the next one: from any thread, or from a handler.
  void interrupt() noexcept {
    with(role_, [](auto& r) { r.interrupt(); });
  }
  // Closes the role and releases its lock. A producer's open claim is aborted first; what a
  // consumer has not released is redelivered to the next.
  void close() noexcept {
    with(role_, [](auto& r) { r.close(); });
  }
  // The most that one message can hold, bytes; with once=yes, its mark is part of it.
  [[nodiscard]] std::size_t max_message() const noexcept {
    return with(role_, [](auto& r) { return r.max_message(); });
  }
  // What carries the messages.
  [[nodiscard]] bus::transport transport() const noexcept {
    return with(role_, [](auto& r) { return transport_of(r); });
  }

 protected:
  // An attached role.
  explicit any_role(roles role) noexcept : role_(std::move(role)) {}

  roles role_;  // the one that is attached
};

template <class... Roles>
class any_consumer : public any_role<Roles...> {
 public:
  // The live producer that holds up what is behind its claim, or its unfinished long message.
  [[nodiscard]] std::optional<stall> stalled_by() const noexcept {
    return with(this->role_, [](auto& r) { return r.stalled_by(); });
  }
  // The last stretch that was skipped as damaged.
  [[nodiscard]] std::optional<damage> last_damage() const noexcept {
    return with(this->role_, [](auto& r) { return r.last_damage(); });
  }
  // The last read message's mark.
  [[nodiscard]] message_mark mark() const noexcept {
    return with(this->role_, [](auto& r) { return r.mark(); });
  }

 protected:
  using any_role<Roles...>::any_role;
};

}  // namespace annulus::bus
