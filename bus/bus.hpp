// Roles by name, whatever the transport: the same interface as the ring's and the pipe's.
//
//     auto tx = annulus::open_producer("shm:orders");
//     auto rx = annulus::open_consumer("auto:orders?latency=50us");
//
// name.hpp has the names and their options. Each operation branches once on the role's type; the
// lone producer's and its consumer's come first, and are inlined (tests/hot_path_code.cpp). The
// static types cost less: bench/micro and bench/peers measure how much, DESIGN.md says when.
//
// Threads, signals, processes, answers: channel/concepts.hpp; costs: ring.hpp, pipe.hpp. The
// once=yes list is per process too: a child's copy records nothing. It costs O(1024) for a message
// of a stream that is not the last one's
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include <annulus/bus/channel.hpp>
#include <annulus/bus/claim.hpp>
#include <annulus/bus/dedup.hpp>
#include <annulus/bus/name.hpp>
#include <annulus/channel/at_least_cxx20.hpp>
#include <annulus/channel/drain.hpp>
#include <annulus/pipe/pipe.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus {

namespace bus {

// Requires: it is the one that is held.
template <std::size_t I, class Variant>
[[gnu::always_inline]] inline auto& alternative(Variant& held) noexcept {
  auto* const one = std::get_if<I>(&held);
  if (one == nullptr) __builtin_unreachable();
  return *one;
}

// Calls f on the held alternative. The branch is constant for a role.
template <class Variant, class F>
[[gnu::always_inline]] inline auto with(Variant& held, F&& f) {
  switch (held.index()) {
    case 0: return f(alternative<0>(held));
    case 1: return f(alternative<1>(held));
    default: return f(alternative<2>(held));
  }
}

// What a producer and a consumer by name have in common.
template <class... Roles>
class role_by_name {
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
    return role_.index() < 2 ? bus::transport::shm : bus::transport::pipe;
  }
  // Why it is that transport.
  [[nodiscard]] const std::string& why() const noexcept { return why_; }

 protected:
  // An attached role, and why its transport was taken.
  role_by_name(roles role, std::string why) noexcept
      : role_(std::move(role)), why_(std::move(why)) {}

  roles role_;       // the one that is attached
  std::string why_;  // that transport
};

}  // namespace bus

// A producer of a channel opened by name. Each call is the one of ring_producer or pipe_producer.
class bus_producer : public bus::role_by_name<spsc_producer, mpsc_producer, pipe_producer> {
 public:
  // What try_claim() and claim() return.
  using claim_type = bus_claim;

  // Attaches to an open channel (bus/channel.hpp).
  [[nodiscard]] static result<bus_producer> attach(const bus::channel& to, waiting how = {});
  // An attached role, and why its transport was taken.
  explicit bus_producer(roles role, std::string why) noexcept
      : role_by_name(std::move(role), std::move(why)) {}

  // See the role.
  [[nodiscard, gnu::always_inline]] bus_claim try_claim(std::size_t bytes) noexcept {
    if (auto* const lone = std::get_if<spsc_producer>(&role_)) [[likely]] {
      return bus_claim(lone->try_claim(bytes));
    }
    return bus::with(role_, [&](auto& r) { return bus_claim(r.try_claim(bytes)); });
  }
  // See the role.
  [[nodiscard, gnu::always_inline]] status try_push(message one) noexcept {
    if (auto* const lone = std::get_if<spsc_producer>(&role_)) [[likely]]
      return lone->try_push(one);
    return try_push_elsewhere(one);
  }
  [[nodiscard]] status try_push(pieces parts) noexcept {
    return bus::with(role_, [&](auto& r) { return r.try_push(parts); });
  }
  // See the role.
  [[nodiscard]] batch try_push_batch(messages many) noexcept {
    return bus::with(role_, [&](auto& r) { return r.try_push_batch(many); });
  }
  // See the role.
  [[nodiscard]] bus_claim claim(std::size_t bytes, deadline until) noexcept {
    return bus::with(role_, [&](auto& r) { return bus_claim(r.claim(bytes, until)); });
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
  // The message in registers: what is stored before it is pushed waits behind the last messages.
  [[nodiscard, gnu::noinline]] status try_push_elsewhere(message one) noexcept {
    return bus::with(role_, [&](auto& r) { return r.try_push(one); });
  }
};

// The consumer of a channel opened by name. Each call is the one of ring_consumer or pipe_consumer;
// with once=yes, messages that were released before are dropped.
class bus_consumer : public bus::role_by_name<spsc_consumer, mpsc_consumer, pipe_consumer> {
 public:
  // Takes the role of a channel that is open: bus/channel.hpp.
  [[nodiscard]] static result<bus_consumer> attach(const bus::channel& to, waiting how = {});
  // An attached role, and why its transport was taken.
  bus_consumer(roles role, std::string why, std::unique_ptr<bus::seen_list> seen) noexcept
      : role_by_name(std::move(role), std::move(why)), seen_(std::move(seen)) {}

  // See the role.
  [[nodiscard, gnu::always_inline]] view try_read() noexcept {
    if (seen_ != nullptr) [[unlikely]]
      return first_new([&] { return try_read_any(); }, no_deadline, capacity());
    return try_read_any();
  }
  // See the role.
  [[nodiscard]] view read(deadline until) noexcept {
    const auto attempt = [&] { return bus::with(role_, [&](auto& r) { return r.read(until); }); };
    return seen_ == nullptr ? attempt() : first_new(attempt, until, bus::any_number);
  }
  // See the role.
  [[gnu::always_inline]] void release() noexcept {
    if (seen_ != nullptr) [[unlikely]]
      note_released();
    if (auto* const lone = std::get_if<spsc_consumer>(&role_)) [[likely]]
      return lone->release();
    bus::with(role_, [](auto& r) { r.release(); });
  }

  // See the role.
  template <class F>
  batch drain(F&& f, std::size_t limit) noexcept {
    if (seen_ == nullptr) {
      return bus::with(role_, [&](auto& r) { return r.drain(f, limit); });
    }
    return drain_from(*this, f, limit, [&] { return much_is_unreleased(); });
  }
  template <class F>
  batch drain(F&& f, std::size_t limit, deadline until) noexcept {
    if (seen_ == nullptr) {
      return bus::with(role_, [&](auto& r) { return r.drain(f, limit, until); });
    }
    return drain_from(*this, f, limit, until, [&] { return much_is_unreleased(); });
  }

  // The live producer that holds up what is behind its claim, or its unfinished long message.
  [[nodiscard]] std::optional<stall> stalled_by() const noexcept {
    return bus::with(role_, [](auto& r) { return r.stalled_by(); });
  }
  // The last stretch that was skipped as damaged.
  [[nodiscard]] std::optional<damage> last_damage() const noexcept {
    return bus::with(role_, [](auto& r) { return r.last_damage(); });
  }
  // The last read message's mark.
  [[nodiscard]] message_mark mark() const noexcept {
    return bus::with(role_, [](auto& r) { return r.mark(); });
  }
  // Closes the role and releases its lock. What was not released is redelivered to the next.
  void close() noexcept {
    if (seen_ != nullptr) seen_->forget_unreleased();
    role_by_name::close();
  }
  // Duplicates that were dropped (once=yes).
  [[nodiscard]] std::uint64_t repeated() const noexcept {
    return seen_ != nullptr ? seen_->repeated() : 0;
  }

 private:
  [[nodiscard, gnu::always_inline]] view try_read_any() noexcept {
    if (auto* const lone = std::get_if<spsc_consumer>(&role_)) [[likely]]
      return lone->try_read();
    return bus::with(role_, [](auto& r) { return r.try_read(); });
  }
  [[gnu::noinline]] void note_released() noexcept {
    seen_->note_released();
    unreleased_ = 0;
    has_views_ = false;
  }
  [[nodiscard]] bool much_is_unreleased() const noexcept {
    return unreleased_ >= max_message() / 4;
  }
  // What the channel holds at once, bytes.
  [[nodiscard]] std::uint64_t capacity() const noexcept {
    return bus::with(role_, [](auto& r) { return r.capacity(); });
  }

  // Drops duplicates, and releases their space at once if no view is open.
  template <class Attempt>
  [[gnu::noinline]] view first_new(Attempt attempt, deadline until, std::uint64_t most) noexcept {
    const auto deliver = [&](message one) -> std::optional<view> {
      unreleased_ += one.size();
      const auto mark = bus::mark_in(one);
      if (mark && !seen_->is_new(*mark)) {
        if (!has_views_) release();
        return std::nullopt;
      }
      has_views_ = true;
      return mark ? one.subspan(bus::mark_bytes) : one;
    };
    return bus::first_delivered(attempt, deliver, until, most);
  }

  std::unique_ptr<bus::seen_list> seen_;  // with once=yes
  std::size_t unreleased_ = 0;            // bytes, with once=yes
  bool has_views_ = false;
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
