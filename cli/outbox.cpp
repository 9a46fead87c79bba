#include "cli/outbox.hpp"

#include "cli/console.hpp"
#include "cli/exit_code.hpp"
#include "cli/signals.hpp"
#include "cli/text.hpp"
#include <fmt/format.h>

#include <thread>

#include <annulus/pipe/fifo.hpp>

namespace annulus::cli {

std::string unread_in(const std::string& pipe, std::uint64_t bytes) {
  return fmt::format("{} bytes stand unread in {}, and are lost unless somebody else has it open",
                     bytes, pipe);
}

batch pusher::push(bus_producer& role, messages many) {
  const auto has_room = [&] { return to_.is_ring() || pipes::has_free_page(to_.pipe().file()); };
  if (slice_ > wait_slice && role.peer() == presence::attached && !has_room()) {
    pipes::nap_for_room(to_.pipe().file(), wait_slice);
    if (!has_room()) return {0, status::timed_out};
  }
  const auto done = role.push_batch(many, within(slice_));
  const bool was_cut = !to_.is_ring() && done.count == 0 && done.why == status::timed_out;
  slice_ = was_cut ? 2 * slice_ : wait_slice;
  return done;
}

outbox::outbox(const bus::channel& to, bus_producer& role, const outbox_options& options)
    : to_(to), role_(role), options_(options), pusher_(to) {
  const auto seen = must(to.report());
  if (seen.consumer.state != presence::attached) absent_ = seen.consumer.incarnation;
}

void outbox::wait_until_open() {
  while (role_.peer() == presence::closed && to_.is_consumer_held()) {
    if (!to_.is_still_named()) throw start_over{};
    throw_if_stopped();
    wait_for_consumer();
  }
  if (!to_.is_still_named()) throw start_over{};
  patience_.over();
}

bus_claim outbox::claim(std::size_t count) {
  for (;;) {
    auto one = options_.full == on_full::wait ? role_.claim(count, within(wait_slice))
                                              : role_.try_claim(count);
    if (one) {
      patience_.over();
      return one;
    }
    refused(one.status(), count);
  }
}
void outbox::commit(bus_claim& one, std::size_t count) {
  one.commit(count);
  sent(count);
  check_the_name();
}

void outbox::push(messages many) {
  while (!many.empty()) {
    check_the_name();
    const auto done =
        options_.full == on_full::wait ? pusher_.push(role_, many) : role_.try_push_batch(many);
    for (const auto& one : many.first(done.count)) sent(one.size());
    many = many.subspan(done.count);
    if (many.empty()) break;
    if (done.count > 0) patience_.over();
    if (done.why == status::full && options_.full == on_full::drop) {
      drop_or_push(many.front());
      many = many.subspan(1);
    } else if (done.why != status::ok) {
      refused(done.why, many.front().size());
    }
  }
  patience_.over();
}

void outbox::check_that_it_is_found() {
  if (to_.is_ring() && messages_ != 0 && must(to_.report()).depth != 0) throw_if_removed();
}

void outbox::wait_until_read() {
  if (to_.is_ring() || messages_ == 0) return;
  patience_ = {};
  auto last = role_.unread();
  for (auto left = last; left != 0; left = role_.unread()) {
    if (stop_signal() != 0) {
      remark("{}", unread_in(to_.name(), left));
      throw stopped{};
    }
    if (left < last) patience_.over();
    last = left;
    if (role_.peer() == presence::attached) {
      gone_since_.reset();
    } else {
      throw_if_removed();
      throw_if_over();
    }
    go_on_waiting("not all that was sent is read, waiting for its consumer" + where());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void outbox::sent(std::size_t count) noexcept {
  ++messages_;
  bytes_ += count;
}

void outbox::drop_or_push(message one) {
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
void outbox::refused(status why, std::size_t count) {
  throw_if_stopped();
  switch (why) {
    case status::full:
      if (options_.full == on_full::refuse) throw_full();
      [[fallthrough]];
    case status::timed_out:
      gone_since_.reset();
      return go_on_waiting(
          fmt::format("the {} is full, waiting for its consumer{}", to_.kind(), where()));
    case status::closed:
    case status::peer_gone: return without_consumer();
    case status::removed: return throw_if_removed();
    case status::never_fits: return throw_never_fits(count);
    case status::no_memory:
      end_with(exit_code::failure,
               "{} was made with --no-reserve, and there is no memory for more of it: free some "
               "where {} lies, and send again; {}",
               to_.name(), to_.path(), so_far());
    case status::corrupt:
      end_with(exit_code::damaged, "the positions in {} make no sense; remove it and make it anew",
               to_.name());
    default: end_with(exit_code::failure, "{}: {}", to_.name(), to_string(why));
  }
}

void outbox::go_on_waiting(const std::string& what) {
  if (options_.timeout && patience_.exceeds(options_.timeout)) {
    end_with(exit_code::timed_out, "{}: {}, and {} have passed; {}", to_.name(), what,
             show_span(*options_.timeout), so_far());
  }
  patience_.waits(fmt::format("{}: {}", to_.name(), what));
}

// Where a consumer has to come. Empty if it is there.
std::string outbox::where() {
  if (role_.peer() == presence::attached) return {};
  return patience::at(to_.path());
}

void outbox::check_the_name() {
  const auto now = clock::now();
  if (now < next_look_) return;
  next_look_ = now + std::chrono::milliseconds(50);
  throw_if_removed();
}

void outbox::throw_if_removed() {
  if (!role_.has_lost_name()) return;
  end_with(
      exit_code::removed,
      "{}: {} was removed or renamed while we sent: only who is attached already can read what "
      "stands in it; {} messages, {} bytes were sent, of which {} bytes stand unread; send it anew",
      to_.name(), to_.path(), messages_, bytes_, must(to_.report()).depth);
}

void outbox::without_consumer() {
  throw_if_removed();
  if (messages_ != 0) throw_if_over();
  wait_for_consumer();
}

// Throws when the consumer that we had has gone for good.
void outbox::throw_if_over() {
  const auto seen = must(to_.report()).consumer;
  if (seen.state == presence::attached) gone_since_.reset();
  const bool may_come = options_.keeps_on || seen.incarnation == absent_;
  if (seen.state == presence::attached || may_come || !is_over()) return;
  end_with(exit_code::peer_gone, "the consumer of {} (process {}) {}; {}", to_.name(),
           process_number(seen), seen.state == presence::closed ? "has closed" : "died", so_far());
}

void outbox::wait_for_consumer() {
  go_on_waiting("there is no consumer, waiting for one" + where());
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// A consumer that ends a transient channel closes, finds that we have come, and is back at once.
bool outbox::is_over() {
  const auto now = clock::now();
  if (!gone_since_) gone_since_ = now;
  return now - *gone_since_ > std::chrono::milliseconds(200);
}

// What was done, and what becomes of it when we end now.
std::string outbox::so_far() const {
  auto text = fmt::format("{} messages, {} bytes were sent", messages_, bytes_);
  if (to_.is_ring()) {
    text +=
        fmt::format("; what was not read is still there: `annulus recv {}` goes on", to_.name());
  } else if (const auto bytes = role_.unread(); bytes != 0) {
    text += "; " + unread_in(to_.name(), bytes);
  }
  return text;
}

void outbox::throw_full() const {
  end_with(exit_code::full, "{} is full; {}", to_.name(), so_far());
}

void outbox::throw_never_fits(std::size_t count) const {
  if (!to_.is_ring() && count <= role_.max_message()) {
    end_with(exit_code::failure,
             "a message of {} bytes does not fit into {} at once: the kernel grants it room for "
             "{}; wait for room with --on-full wait",
             count, to_.name(), role_.most_at_once());
  }
  end_with(exit_code::failure, "a message of {} bytes does not fit: {} takes up to {}", count,
           to_.name(), role_.max_message());
}

}  // namespace annulus::cli
