// A producer that knows what to do when it cannot push: wait, drop or give up, and when the
// consumer is gone.
//
// Absent     a consumer that was not there when we came may still come: we wait for it
// Gone       one that died or closed after we came: the end, unless asked to keep on
#pragma once

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

#include <annulus/ring/inspect.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::cli {

enum class on_full : std::uint8_t { wait, drop, refuse };

struct outbox_options {
  on_full full = on_full::wait;
  std::optional<std::chrono::nanoseconds> timeout;
  bool keeps_on = false;
};

// What an outbox throws when the ring was ended before we came: there may be another of its name.
struct start_over {};

// No wait is longer than this: then signals are heeded.
inline constexpr std::chrono::milliseconds wait_slice{50};

template <class Producer>
class outbox {
 public:
  using claim_type = typename Producer::claim_type;

  // Requires: both outlive it.
  outbox(const segment& memory, Producer& role, const outbox_options& options)
      : memory_(memory), role_(role), options_(options) {
    const auto seen = must(inspect(memory));
    if (seen.consumer.state != presence::attached) absent_ = seen.consumer.generation;
  }

  [[nodiscard]] std::uint64_t message_count() const noexcept { return messages_; }
  [[nodiscard]] std::uint64_t byte_count() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }
  [[nodiscard]] std::size_t max_message() const noexcept { return role_.max_message(); }

  // Waits while the ring is closed. Once it was seen open with our lock held, nobody removes it.
  void wait_until_open() {
    while (role_.peer() == presence::closed) {
      if (!is_still_named(memory_)) throw start_over{};
      throw_if_stopped();
      wait_for_consumer();
    }
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
  }

  void push(messages many) {
    while (!many.empty()) {
      const auto done = options_.full == on_full::wait ? role_.push_batch(many, slice())
                                                       : role_.try_push_batch(many);
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
      case status::timed_out: return go_on_waiting("the ring is full, waiting for its consumer");
      case status::closed:
      case status::peer_gone: return without_consumer(why);
      case status::never_fits:
        throw command_error{exit_code::failure,
                            fmt::format("a message of {} bytes does not fit: shm:{} takes up to {}",
                                        count, memory_.name(), role_.max_message())};
      case status::corrupt:
        throw command_error{exit_code::damaged,
                            fmt::format("the positions in shm:{} make no sense; remove it and make "
                                        "it anew",
                                        memory_.name())};
      default:
        throw command_error{exit_code::failure,
                            fmt::format("shm:{}: {}", memory_.name(), to_string(why))};
    }
  }

  void begin_to_wait(clock::time_point now) noexcept {
    if (is_waiting_) return;
    is_waiting_ = true;
    since_ = now;
    patience_.over();
  }

  void go_on_waiting(const char* what) {
    const auto now = clock::now();
    begin_to_wait(now);
    if (options_.timeout && now - since_ >= *options_.timeout) {
      throw command_error{exit_code::timed_out,
                          fmt::format("shm:{}: {}, and {} have passed; {}", memory_.name(), what,
                                      show_span(*options_.timeout), so_far())};
    }
    patience_.waits(fmt::format("shm:{}: {}", memory_.name(), what));
  }

  void without_consumer(status why) {
    const auto seen = must(inspect(memory_)).consumer;
    const bool is_there = seen.state == presence::attached;
    const bool may_come = options_.keeps_on || messages_ == 0 || seen.generation == absent_;
    if (!is_there && !may_come && is_over()) {
      const auto* const how = why == status::closed ? "has closed" : "died";
      throw command_error{
          exit_code::peer_gone,
          fmt::format("the consumer of shm:{} (process {}) {}; {}; what it did not read is still "
                      "there: `annulus recv shm:{}` goes on",
                      memory_.name(), seen.pid, how, so_far(), memory_.name())};
    }
    wait_for_consumer();
  }

  void wait_for_consumer() {
    go_on_waiting("there is no consumer, waiting for one");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  // A consumer that ends a transient ring closes, finds that we have come, and is back at once.
  [[nodiscard]] bool is_over() {
    const auto now = clock::now();
    begin_to_wait(now);
    return now - since_ > std::chrono::milliseconds(200);
  }

  [[nodiscard]] std::string so_far() const {
    return fmt::format("{} messages, {} bytes were sent", messages_, bytes_);
  }

  [[noreturn]] void throw_full() const {
    throw command_error{exit_code::full,
                        fmt::format("shm:{} is full; {}", memory_.name(), so_far())};
  }

  const segment& memory_;
  Producer& role_;
  outbox_options options_;
  std::optional<std::uint64_t> absent_;  // the generation of a consumer that was gone when we came
  std::uint64_t messages_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
  bool is_waiting_ = false;
  clock::time_point since_{};
  patience patience_;
};

}  // namespace annulus::cli
