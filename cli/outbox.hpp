// A producer that knows what to do when it cannot push: wait, drop or give up, and when the
// consumer is gone.
//
// Absent     a consumer that was not there when we came may still come: we wait for it
// Gone       one that died or closed after we came: the end where there is no room, unless asked to
//            keep on. While there is room, the next one will read it
// Removed    the channel's name is gone: nobody else will find what is sent. Looked for whenever we
//            wait, every 50 ms, and at the end
// Unread     a pipe is no store: what nobody has read goes with the last process that has it open.
//            So a producer that has sent all stays until all is read
#pragma once

#include "cli/options.hpp"
#include "cli/patience.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <annulus/bus/bus.hpp>

namespace annulus::cli {

enum class on_full : std::uint8_t { wait, drop, refuse };

struct outbox_options : transfer_options {
  on_full full = on_full::wait;
  bool keeps_on = false;
};

// What a producer says that leaves a pipe with so many bytes in it.
[[nodiscard]] std::string unread_in(const std::string& pipe, std::uint64_t bytes);

// What an outbox throws when the channel was ended before we came: there may be another of its
// name.
struct start_over {};

// Pushes for one slice. A long message that a slice cuts short over a pipe is given up, and begun
// anew in the next: so that slice is twice as long, and waits with its beginning until there is
// room.
class pusher {
 public:
  // Requires: the channel outlives it.
  explicit pusher(const bus::channel& to) : to_(to) {}
  [[nodiscard]] batch push(bus_producer& role, messages many);

 private:
  const bus::channel& to_;
  std::chrono::nanoseconds slice_ = wait_slice;
};

class outbox {
 public:
  // Requires: both outlive it.
  outbox(const bus::channel& to, bus_producer& role, const outbox_options& options);

  [[nodiscard]] std::uint64_t message_count() const noexcept { return messages_; }
  [[nodiscard]] std::uint64_t byte_count() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

  // Waits while a consumer that has closed ends the channel (bus/channel.hpp). Once we are past
  // that, nobody removes it under us.
  void wait_until_open();
  // A claim that is open. Requires: the policy is not to drop.
  [[nodiscard]] bus_claim claim(std::size_t count);
  void commit(bus_claim& one, std::size_t count);
  void push(messages many);
  // All was sent into a ring. Throws when nobody will find it.
  void check_that_it_is_found();
  // Returns when everything in a pipe is read, also what others sent. A ring keeps it.
  void wait_until_read();

 private:
  using clock = std::chrono::steady_clock;

  void sent(std::size_t count) noexcept;
  void drop_or_push(message one);
  void refused(status why, std::size_t count);
  void go_on_waiting(const std::string& what);
  void without_consumer();
  void wait_for_consumer();
  void throw_if_over();
  void throw_if_removed();
  void check_the_name();
  [[nodiscard]] bool is_over();
  [[nodiscard]] std::string where();
  [[nodiscard]] std::string so_far() const;
  [[noreturn]] void throw_full() const;
  [[noreturn]] void throw_never_fits(std::size_t count) const;

  const bus::channel& to_;
  bus_producer& role_;
  outbox_options options_;
  pusher pusher_;
  std::optional<std::uint64_t> absent_;  // the incarnation of a consumer that was gone when we came
  std::uint64_t messages_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
  std::optional<clock::time_point> gone_since_;
  clock::time_point next_look_{};
  patience patience_;
};

}  // namespace annulus::cli
