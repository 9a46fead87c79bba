// Roles by name, whatever the transport: the same interface as the ring's and the pipe's.
//
//     auto tx = annulus::open_producer("shm:orders");
//     auto rx = annulus::open_consumer("auto:orders?latency=50us");
//
// name.hpp has the names and their options. Each operation branches once on the role's type; the
// lone producer's and its consumer's come first, and are inlined (tests/hot_path_code.cpp). The
// static types cost a little less: bench/micro and bench/peers measure how much.
//
// Threads, signals, processes, answers: channel/concepts.hpp; costs: ring.hpp, pipe.hpp. The
// once=yes list is per process too: a child's copy records nothing. It costs O(1024) for a message
// of a stream that is not the last one's
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <annulus/bus/any_role.hpp>
#include <annulus/bus/channel.hpp>
#include <annulus/bus/claim.hpp>
#include <annulus/bus/name.hpp>
#include <annulus/bus/once.hpp>
#include <annulus/channel/at_least_cxx20.hpp>
#include <annulus/pipe/pipe.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus {

namespace bus {

// A role, and why its transport was taken.
template <class Role>
class by_name : public Role {
 public:
  // Why it is that transport.
  [[nodiscard]] const std::string& why() const noexcept { return why_; }

 protected:
  // An attached role, and why its transport was taken.
  by_name(typename Role::roles role, std::string why) noexcept
      : Role(std::move(role)), why_(std::move(why)) {}

 private:
  std::string why_;
};

}  // namespace bus

// A producer of a channel opened by name. Each call is the one of ring_producer or pipe_producer.
class bus_producer
    : public bus::by_name<bus::any_role<spsc_producer, mpsc_producer, pipe_producer>> {
 public:
  // What try_claim() and claim() return.
  using claim_type = bus_claim;

  // Attaches to an open channel (bus/channel.hpp).
  [[nodiscard]] static result<bus_producer> attach(const bus::channel& to, waiting how = {});
  // An attached role, and why its transport was taken.
  explicit bus_producer(roles role, std::string why) noexcept
      : by_name(std::move(role), std::move(why)) {}

  // See the role.
  [[nodiscard, gnu::always_inline]] bus_claim try_claim(std::size_t bytes) noexcept {
    if (auto* const lone = std::get_if<spsc_producer>(&role_)) [[likely]] {
      return bus_claim(bus_claim::erase(lone->try_claim(bytes)), bytes);
    }
    return bus_claim(try_claim_elsewhere(bytes), bytes);
  }
  // See the role.
  [[nodiscard, gnu::always_inline]] status try_push(message one) noexcept {
    if (auto* const lone = std::get_if<spsc_producer>(&role_)) [[likely]]
      return lone->try_push(one);
    // Of a short message a copy: nothing takes the address of the caller's, so on the path above it
    // need not be stored before it is stored in the ring.
    const std::size_t count = one.size();
    if (__builtin_constant_p(count) && count <= longest_copied) {
      std::array<std::byte, longest_copied> copy;
      std::memcpy(copy.data(), one.data(), count);
      return try_push_elsewhere(message(copy).first(count));
    }
    return try_push_elsewhere(one);
  }
  // See the role.
  [[nodiscard]] status try_push(pieces parts) noexcept {
    return bus::with(role_, [&](auto& r) { return r.try_push(parts); });
  }
  // See the role.
  [[nodiscard]] batch try_push_batch(messages many) noexcept {
    return bus::with(role_, [&](auto& r) { return r.try_push_batch(many); });
  }
  // See the role.
  [[nodiscard]] bus_claim claim(std::size_t bytes, deadline until) noexcept {
    return bus::with(
        role_, [&](auto& r) { return bus_claim(bus_claim::erase(r.claim(bytes, until)), bytes); });
  }
  // See the role.
  [[nodiscard]] status push(message one, deadline until) noexcept {
    return bus::with(role_, [&](auto& r) { return r.push(one, until); });
  }
  [[nodiscard]] status push(pieces parts, deadline until) noexcept {
    return bus::with(role_, [&](auto& r) { return r.push(parts, until); });
  }
  // See the role.
  [[nodiscard]] batch push_batch(messages many, deadline until) noexcept {
    return bus::with(role_, [&](auto& r) { return r.push_batch(many, until); });
  }
  // See the role.
  [[nodiscard]] status push_or_drop(message one) noexcept {
    return bus::with(role_, [&](auto& r) { return r.push_or_drop(one); });
  }
  // Aborts the open claim of a thread that ended inside it: ring.hpp, pipe.hpp.
  void abandon_claim() noexcept {
    bus::with(role_, [](auto& r) { r.abandon_claim(); });
  }
  // The largest message that try_ forms pass (less than max_message() in a pipe: pipe.hpp).
  [[nodiscard]] std::size_t most_at_once() const noexcept {
    const auto* const piped = std::get_if<pipe_producer>(&role_);
    return piped != nullptr ? piped->most_at_once() : max_message();
  }
  // Whether a committed claim is still unsent (pipes only: pipe.hpp).
  [[nodiscard]] bool owes() const noexcept {
    const auto* const piped = std::get_if<pipe_producer>(&role_);
    return piped != nullptr && piped->owes();
  }
  // Bytes that stand unread in a pipe, whoever sent them: pipe.hpp. A ring keeps its own: 0.
  [[nodiscard]] std::uint64_t unread() const noexcept {
    const auto* const piped = std::get_if<pipe_producer>(&role_);
    return piped != nullptr ? piped->unread() : 0;
  }

 private:
  static constexpr std::size_t longest_copied = 64;

  [[nodiscard, gnu::noinline]] erased_claim try_claim_elsewhere(std::size_t bytes) noexcept {
    return bus::with(role_, [&](auto& r) { return bus_claim::erase(r.try_claim(bytes)); });
  }
  [[nodiscard, gnu::noinline]] status try_push_elsewhere(message one) noexcept {
    return bus::with(role_, [&](auto& r) { return r.try_push(one); });
  }
};

// The consumer of a channel opened by name. Each call is the one of ring_consumer or pipe_consumer;
// with once=yes, messages that were released before are dropped.
class bus_consumer
    : public bus::by_name<
          bus::any_consumer<spsc_consumer, mpsc_consumer, pipe_consumer, bus::once_consumer>> {
 public:
  // Takes the role of a channel that is open: bus/channel.hpp.
  [[nodiscard]] static result<bus_consumer> attach(const bus::channel& to, waiting how = {});
  // An attached role, and why its transport was taken.
  explicit bus_consumer(roles role, std::string why) noexcept
      : by_name(std::move(role), std::move(why)) {}

  // See the role.
  [[nodiscard, gnu::always_inline]] view try_read() noexcept {
    if (auto* const lone = std::get_if<spsc_consumer>(&role_)) [[likely]]
      return lone->try_read();
    return try_read_elsewhere();
  }
  // See the role.
  [[nodiscard]] view read(deadline until) noexcept {
    return bus::with(role_, [&](auto& r) { return r.read(until); });
  }
  // See the role.
  [[gnu::always_inline]] void release() noexcept {
    if (auto* const lone = std::get_if<spsc_consumer>(&role_)) [[likely]]
      return lone->release();
    release_elsewhere();
  }

  // See the role.
  template <class F>
  batch drain(F&& f, std::size_t limit) noexcept {
    return bus::with(role_, [&](auto& r) { return r.drain(f, limit); });
  }
  template <class F>
  batch drain(F&& f, std::size_t limit, deadline until) noexcept {
    return bus::with(role_, [&](auto& r) { return r.drain(f, limit, until); });
  }

  // Duplicates that were dropped (once=yes).
  [[nodiscard]] std::uint64_t repeated() const noexcept {
    const auto* const once = std::get_if<bus::once_consumer>(&role_);
    return once != nullptr ? once->repeated() : 0;
  }

 private:
  // Apart, so that the loop around a lone producer's messages keeps its registers.
  [[nodiscard, gnu::noinline]] view try_read_elsewhere() noexcept {
    return bus::with(role_, [](auto& r) { return r.try_read(); });
  }
  [[gnu::noinline]] void release_elsewhere() noexcept {
    bus::with(role_, [](auto& r) { r.release(); });
  }
};

static_assert(producer<bus_producer> && consumer<bus_consumer>);

// Opens the channel, or creates it if allowed, and attaches; of an auto: name it decides first, if
// nobody has. Waits two seconds at most for others that make or remove the name. Fails like
// bus::channel::open, create and a role's attach, with a message that names the option, file or
// holder at fault.
[[nodiscard]] result<bus_producer> open_producer(std::string_view name);
[[nodiscard]] result<bus_producer> open_producer(const bus::endpoint& at);
// See open_producer.
[[nodiscard]] result<bus_consumer> open_consumer(std::string_view name);
[[nodiscard]] result<bus_consumer> open_consumer(const bus::endpoint& at);

}  // namespace annulus
