// A channel by its name, for two processes that meet there, whoever comes first.
//
// A channel that nobody created is made in passing (transient), and the consumer that ends it
// removes it. No message may be lost to that: a producer may come just then, or the name may
// already stand for another channel. So the consumer first closes; then takes its lock back, so
// that no other consumer comes; and removes the name only if no producer holds its lock, nothing is
// left and the name still stands for this channel. A producer takes its lock first, too: before its
// first push it waits while a consumer that has closed holds its own, and starts over if the name
// is gone then. One of the two sees the other.
//
// What the transports have in common is asked of a place; where they differ, its constants say how.
#pragma once

#include "cli/exit_code.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <annulus/bus/name.hpp>
#include <annulus/pipe/inspect.hpp>
#include <annulus/pipe/pipe.hpp>
#include <annulus/ring/inspect.hpp>
#include <annulus/ring/ring.hpp>
#include <annulus/ring/segment.hpp>

namespace annulus::cli {

// No wait is longer than this: then signals are heeded.
inline constexpr std::chrono::milliseconds wait_slice{50};

// What a channel should be like beyond its name's options.
struct wishes {
  std::optional<topology> asked;
  std::uint64_t chunk = 0;  // room for two of these, if the capacity is not asked for
};

// The shapes of new channels. Throws command_error where the wishes contradict the endpoint.
[[nodiscard]] ring_options ring_shape(const bus::endpoint& e, const wishes& w);
[[nodiscard]] pipe_options pipe_shape(const bus::endpoint& e, const wishes& w);

class ring_place {
 public:
  using report = ring_report;
  static constexpr const char* kind = "ring";
  static constexpr bool is_store = true;  // keeps what was sent when everybody has gone

  explicit ring_place(segment memory) : memory_(std::move(memory)) {}
  [[nodiscard]] static result<ring_place> open(const bus::endpoint& e);
  // Made in passing if it is missing and may be made.
  [[nodiscard]] static ring_place open_or_make(const bus::endpoint& e, const wishes& w);

  [[nodiscard]] const segment& channel() const noexcept { return memory_; }
  [[nodiscard]] std::string name() const { return "shm:" + memory_.name(); }
  [[nodiscard]] annulus::topology topology() const { return memory_.geometry().topology; }
  [[nodiscard]] std::uint64_t max_message() const { return memory_.geometry().max_message; }
  [[nodiscard]] std::uint64_t room() const { return memory_.geometry().capacity; }
  [[nodiscard]] bool is_transient() const { return memory_.geometry().transient != 0; }
  [[nodiscard]] report look() const { return must(inspect(memory_)); }

  [[nodiscard]] bool is_still_named() const;
  // By a consumer, or by one that has closed and ends the channel.
  [[nodiscard]] bool is_consumer_held() const noexcept { return memory_.is_held(consumer_role); }
  // Removes a transient ring whose stream has ended. False: somebody or something came; read on.
  // Requires: the caller was its consumer and has closed.
  [[nodiscard]] bool remove_if_over() const;

  // Calls f with the type of its producer, or consumer.
  template <class F>
  auto as_producer(F f) const {
    return topology() == topology::spsc ? f(std::type_identity<spsc_producer>())
                                        : f(std::type_identity<mpsc_producer>());
  }
  template <class F>
  auto as_consumer(F f) const {
    return topology() == topology::spsc ? f(std::type_identity<spsc_consumer>())
                                        : f(std::type_identity<mpsc_consumer>());
  }

  // Pushes for one slice.
  class pusher {
   public:
    explicit pusher(const ring_place&) {}
    template <class Producer>
    [[nodiscard]] batch push(Producer& role, messages many) {
      return role.push_batch(many, within(wait_slice));
    }
  };

 private:
  segment memory_;
};

class pipe_place {
 public:
  using report = pipe_report;
  static constexpr const char* kind = "pipe";
  static constexpr bool is_store = false;

  explicit pipe_place(named_pipe pipe) : pipe_(std::move(pipe)) {}
  [[nodiscard]] static result<pipe_place> open(const bus::endpoint& e);
  [[nodiscard]] static pipe_place open_or_make(const bus::endpoint& e, const wishes& w);

  [[nodiscard]] const named_pipe& channel() const noexcept { return pipe_; }
  [[nodiscard]] std::string name() const { return "pipe:" + pipe_.name(); }
  [[nodiscard]] annulus::topology topology() const {
    return pipe_.geometry().producers == 1 ? topology::spsc : topology::mpsc;
  }
  [[nodiscard]] std::uint64_t max_message() const { return pipe_.geometry().max_message; }
  [[nodiscard]] std::uint64_t room() const { return pipe_.kernel_bytes(); }
  [[nodiscard]] bool is_transient() const { return pipe_.geometry().transient != 0; }
  [[nodiscard]] report look() const { return must(inspect(pipe_)); }
  // In the FIFO: what was read is there until it is released.
  [[nodiscard]] std::uint64_t unread_bytes() const;

  [[nodiscard]] bool is_still_named() const;
  [[nodiscard]] bool is_consumer_held() const noexcept {
    return locks::is_held(pipe_.roles_file(), consumer_role);
  }
  [[nodiscard]] bool remove_if_over() const;

  template <class F>
  auto as_producer(F f) const {
    return f(std::type_identity<pipe_producer>());
  }
  template <class F>
  auto as_consumer(F f) const {
    return f(std::type_identity<pipe_consumer>());
  }

  // A long message that a slice cuts short is given up, and begun anew in the next: so that slice
  // is twice as long, and waits with its beginning until there is room.
  class pusher {
   public:
    explicit pusher(const pipe_place& to) : file_(to.channel().file()) {}
    [[nodiscard]] batch push(pipe_producer& role, messages many);

   private:
    int file_;
    std::chrono::nanoseconds slice_ = wait_slice;
  };

 private:
  named_pipe pipe_;
};

// How many times a producer came, of all that ever did.
template <class Report>
[[nodiscard]] std::uint64_t arrivals(const Report& seen) noexcept {
  std::uint64_t count = 0;
  for (const auto& one : seen.producers) count += one.incarnation;
  return count;
}

// How many messages all producers sent, ever.
template <class Report>
[[nodiscard]] std::uint64_t message_count(const Report& seen) noexcept {
  std::uint64_t count = 0;
  for (const auto& one : seen.producers) count += one.counters.messages;
  return count;
}

// Whether any producer is attached now.
template <class Report>
[[nodiscard]] bool has_producer(const Report& seen) noexcept {
  for (const auto& one : seen.producers) {
    if (one.state == presence::attached) return true;
  }
  return false;
}

// Says, once, after a second, that the command waits, and for what.
class patience {
 public:
  // For `what`: where the other side has to come, which it cannot if it uses another directory.
  [[nodiscard]] static std::string at(const std::string& path);
  // `what` for example "waiting for a producer of shm:x".
  void waits(const std::string& what);
  [[nodiscard]] bool has_said() const noexcept { return has_said_; }
  void over() noexcept { since_ = {}; }

 private:
  deadline since_{};
  bool has_said_ = false;
};

}  // namespace annulus::cli
