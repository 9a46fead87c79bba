// A producer that knows what to do when it cannot push: wait, drop or give up, and when the
// consumer is gone.
//
// Absent     a consumer that was not there when we came may still come: we wait for it
// Gone       one that died or closed after we came: the end where there is no room, unless asked to
//            keep on. While there is room, the next one will read it
// Removed    the channel's name is gone: nobody else will find what is sent. Looked for whenever we
//            wait, every 50 ms, and at the end
// Unread     a pipe is no store: what nobody has read goes with the last who has it open. So who
//            has sent all stays until all is read
#pragma once

#include "cli/console.hpp"
#include "cli/exit_code.hpp"
#include "cli/place.hpp"
#include "cli/signals.hpp"
#include "cli/text.hpp"
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>

#include <annulus/channel/concepts.hpp>

namespace annulus::cli {

enum class on_full : std::uint8_t { wait, drop, refuse };

struct outbox_options {
  on_full full = on_full::wait;
  std::optional<std::chrono::nanoseconds> timeout;
  bool keeps_on = false;
};

// What an outbox throws when the channel was ended before we came: there may be another of its
// name.
struct start_over {};

template <class Place, class Producer>
class outbox {
 public:
  using claim_type = typename Producer::claim_type;

  // Requires: both outlive it.
  outbox(const Place& place, Producer& role, const outbox_options& options)
      : place_(place), role_(role), options_(options), pusher_(place) {
    const auto seen = place.look();
    if (seen.consumer.state != presence::attached) absent_ = seen.consumer.incarnation;
  }

  [[nodiscard]] std::uint64_t message_count() const noexcept { return messages_; }
  [[nodiscard]] std::uint64_t byte_count() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }
  [[nodiscard]] std::size_t max_message() const noexcept { return role_.max_message(); }

  // Waits while a consumer that has closed ends the channel (place.hpp). Once we are past that,
  // nobody removes it under us.
  void wait_until_open() {
    while (role_.peer() == presence::closed && place_.is_consumer_held()) {
      if (!place_.is_still_named()) throw start_over{};
      throw_if_stopped();
      go_on_waiting("there is no consumer, waiting for one" + where());
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (!place_.is_still_named()) throw start_over{};
    is_waiting_ = false;
  }

  // A claim that is open. Requires: the policy is not to drop.
  [[nodiscard]] claim_type claim(std::size_t count) {
    for (;;) {
      auto one =
          options_.full == on_full::wait ? role_.claim(count, slice()) : role_.try_claim(count);
      if (one) {
        is_waiting_ = false;
        return one;
      }
      refused(one.status(), count);
    }
  }
  void commit(claim_type& one, std::size_t count) {
    one.commit(count);
    sent(count);
    look_at_the_name();
  }

  void push(messages many) {
    while (!many.empty()) {
      look_at_the_name();
      const auto done =
          options_.full == on_full::wait ? pusher_.push(role_, many) : role_.try_push_batch(many);
      for (const auto& one : many.first(done.count)) sent(one.size());
      many = many.subspan(done.count);
      if (many.empty()) break;
      if (done.count > 0) is_waiting_ = false;
      if (done.why == status::full && options_.full == on_full::drop) {
        drop_or_push(many.front());
        many = many.subspan(1);
      } else if (done.why != status::ok) {
        refused(done.why, many.front().size());
      }
    }
    is_waiting_ = false;
  }

  // All was sent. Throws when nobody will find it.
  void check_that_it_is_found() requires Place::is_store {
    if (messages_ != 0 && place_.look().depth != 0) throw_if_removed();
  }

  // Returns when all is read that stands in the pipe, whoever sent it.
  void wait_until_read() requires(!Place::is_store) {
    if (messages_ == 0) return;
    is_waiting_ = false;
    patience_ = {};
    auto last = place_.unread_bytes();
    for (auto unread = last; unread != 0; unread = place_.unread_bytes()) {
      if (stop_signal() != 0) {
        remark("{}", lost(unread));
        throw stopped{};
      }
      if (unread < last) is_waiting_ = false;
      last = unread;
      if (role_.peer() == presence::attached)
        gone_since_.reset();
      else
        throw_if_removed(), throw_if_over();
      go_on_waiting("not all that was sent is read, waiting for its consumer" + where());
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

 private:
  using clock = std::chrono::steady_clock;

  [[nodiscard]] static deadline slice() { return within(wait_slice); }

  void sent(std::size_t count) noexcept {
    ++messages_;
    bytes_ += count;
  }

  void drop_or_push(message one) {
    for (;;) {
      const status s = role_.push_or_drop(one);
      if (s == status::ok) return sent(one.size());
      if (s == status::full) {
        ++dropped_;
        return;
      }
      refused(s, one.size());
    }
  }

  // Returns when it is worth trying again.
  void refused(status why, std::size_t count) {
    throw_if_stopped();
    switch (why) {
      case status::full:
        if (options_.full == on_full::refuse) throw_full();
        [[fallthrough]];
      case status::timed_out:
        gone_since_.reset();
        return go_on_waiting(
            fmt::format("the {} is full, waiting for its consumer{}", Place::kind, where()));
      case status::closed:
      case status::peer_gone: return without_consumer();
      case status::removed: return throw_if_removed();
      case status::never_fits: return throw_never_fits(count);
      case status::corrupt:
        throw command_error{
            exit_code::damaged,
            fmt::format("the positions in {} make no sense; remove it and make it anew",
                        place_.name())};
      default:
        throw command_error{exit_code::failure,
                            fmt::format("{}: {}", place_.name(), to_string(why))};
    }
  }

  void begin_to_wait(clock::time_point now) noexcept {
    if (is_waiting_) return;
    is_waiting_ = true;
    since_ = now;
    patience_.over();
  }

  void go_on_waiting(const std::string& what) {
    const auto now = clock::now();
    begin_to_wait(now);
    if (options_.timeout && now - since_ >= *options_.timeout) {
      throw command_error{exit_code::timed_out,
                          fmt::format("{}: {}, and {} have passed; {}", place_.name(), what,
                                      show_span(*options_.timeout), so_far())};
    }
    patience_.waits(fmt::format("{}: {}", place_.name(), what));
  }

  // Where a consumer has to come. Empty: it is there.
  [[nodiscard]] std::string where() {
    if (role_.peer() == presence::attached) return {};
    return patience::at(place_.channel().path());
  }

  void look_at_the_name() {
    const auto now = clock::now();
    if (now < next_look_) return;
    next_look_ = now + std::chrono::milliseconds(50);
    throw_if_removed();
  }

  void throw_if_removed() {
    if (!role_.has_lost_name()) return;
    throw command_error{
        exit_code::removed,
        fmt::format("{}: {} was removed or renamed while we sent: only who is attached already "
                    "can read what stands in it; {} messages, {} bytes were sent, of which {} "
                    "bytes stand unread; send it anew",
                    place_.name(), place_.channel().path(), messages_, bytes_,
                    place_.look().depth)};
  }

  void without_consumer() {
    throw_if_removed();
    if (messages_ != 0) throw_if_over();
    wait_for_consumer();
  }

  // Throws when the consumer that we had has gone for good.
  void throw_if_over() {
    const auto seen = place_.look().consumer;
    if (seen.state == presence::attached) gone_since_.reset();
    const bool may_come = options_.keeps_on || seen.incarnation == absent_;
    if (seen.state == presence::attached || may_come || !is_over()) return;
    throw command_error{
        exit_code::peer_gone,
        fmt::format("the consumer of {} (process {}) {}; {}", place_.name(), seen.pid,
                    seen.state == presence::closed ? "has closed" : "died", so_far())};
  }

  void wait_for_consumer() {
    go_on_waiting("there is no consumer, waiting for one" + where());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  // A consumer that ends a transient channel closes, finds that we have come, and is back at once.
  [[nodiscard]] bool is_over() {
    const auto now = clock::now();
    if (!gone_since_) gone_since_ = now;
    return now - *gone_since_ > std::chrono::milliseconds(200);
  }

  // What was done, and what becomes of it when we end now.
  [[nodiscard]] std::string so_far() const {
    auto text = fmt::format("{} messages, {} bytes were sent", messages_, bytes_);
    if constexpr (Place::is_store) {
      text += fmt::format("; what was not read is still there: `annulus recv {}` goes on",
                          place_.name());
    } else if (const auto unread = place_.unread_bytes(); unread != 0) {
      text += "; " + lost(unread);
    }
    return text;
  }

  [[nodiscard]] std::string lost(std::uint64_t unread) const requires(!Place::is_store) {
    return fmt::format("{} bytes stand unread in {}, and are lost unless somebody else has it open",
                       unread, place_.name());
  }

  [[noreturn]] void throw_full() const {
    throw command_error{exit_code::full, fmt::format("{} is full; {}", place_.name(), so_far())};
  }

  [[noreturn]] void throw_never_fits(std::size_t count) const {
    if constexpr (!Place::is_store) {
      if (count <= role_.max_message()) {
        throw command_error{
            exit_code::failure,
            fmt::format("a message of {} bytes does not fit into {} at once: the kernel grants it "
                        "room for {}; wait for room with --on-full wait",
                        count, place_.name(), role_.most_at_once())};
      }
    }
    throw command_error{exit_code::failure,
                        fmt::format("a message of {} bytes does not fit: {} takes up to {}", count,
                                    place_.name(), role_.max_message())};
  }

  const Place& place_;
  Producer& role_;
  outbox_options options_;
  typename Place::pusher pusher_;
  std::optional<std::uint64_t> absent_;  // the incarnation of a consumer that was gone when we came
  std::uint64_t messages_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
  bool is_waiting_ = false;
  clock::time_point since_{};
  std::optional<clock::time_point> gone_since_;
  clock::time_point next_look_{};
  patience patience_;
};

}  // namespace annulus::cli
