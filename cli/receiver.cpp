#include "cli/receiver.hpp"

#include "cli/console.hpp"
#include "cli/endpoint.hpp"
#include "cli/signals.hpp"
#include "cli/text.hpp"
#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

namespace annulus::cli {

void receiver::run() {
  for (;;) {
    const auto from = open();
    const auto end = read(from);
    if (!end) continue;
    if (*end != ending::closed || !from.is_transient()) return;
    if (must(from.remove_if_over())) return;
    require_progress(must(from.report()));
  }
}

bus::channel receiver::open() {
  for (;;) {
    throw_if_stopped();
    const auto& at = (led_ = cli::resolve(named_)).where;
    auto from = bus::channel::open(at);
    if (from) return std::move(from).value();
    const auto& why = from.error();
    if (why.kind != fault::not_found) end_with(why);
    led_.held = {};
    wait_a_bit(exit_code::not_found,
               fmt::format("there is no such {}, waiting for a producer to make it{}",
                           at.transport == bus::transport::shm ? "ring" : "pipe",
                           patience::at(bus::path_of(at))));
  }
}

// Returns nothing if the channel ended just now: then try the next of its name.
std::optional<receiver::ending> receiver::read(const bus::channel& from) {
  const auto before = must(from.report());
  auto attached = bus_consumer::attach(from, led_.where.wait);
  led_.held = {};
  if (bus::went_away(attached)) {
    wait_a_bit(exit_code::timed_out, "it goes away as soon as it is there");
    return std::nullopt;
  }
  if (!attached) {
    const auto& why = attached.error();
    // The last consumer of a transient channel holds its lock for a moment more.
    const bool is_ending = before.consumer_closed && from.is_transient();
    if (why.kind != fault::in_use || !is_ending) end_with(why, name());
    wait_a_bit(exit_code::refused, "another consumer is ending it");
    return std::nullopt;
  }
  auto role = std::move(attached).value();
  if (!from.is_still_named()) return std::nullopt;
  if (!std::exchange(has_begun_, true)) note_the_past(from, before);
  output_.begin();
  const auto end = read_all(from, role);
  role.close();
  return end;
}

// A stream that an earlier consumer has read to its end is over: the next one is ours. So is one
// that a pipe, which is no store, has lost unread. An empty stream cannot be lost: it is ours.
void receiver::note_the_past(const bus::channel& from, const bus::channel_report& before) {
  const bool is_lost =
      !from.is_ring() && before.consumer.state == presence::never_came && before.sent_count() != 0;
  const bool was_read = before.depth == 0 && (before.consumer.state == presence::closed || is_lost);
  past_ = was_read && !before.has_producer() ? before.arrivals() : 0;
}

// A channel that has ended and cannot be removed holds what somebody pushed just then, and the
// next round reads it. When it reads nothing, and nobody came, the words in the file lie.
void receiver::require_progress(const bus::channel_report& now) {
  const std::array state{now.arrivals(), count_, now.depth};
  if (state != last_state_ || now.has_producer()) rounds_ = 0;
  last_state_ = state;
  if (++rounds_ < 3) return;
  end_with(exit_code::damaged,
           "{}: {} bytes stand in it that cannot be read: its positions make no sense; remove it "
           "and make it anew",
           name(), now.depth);
}

receiver::ending receiver::read_all(const bus::channel& from, bus_consumer& role) {
  const auto limit = std::min<std::uint64_t>(from.capacity() / 4, 1 << 20);
  while (count_ < o_.count) {
    throw_if_stopped();
    const view seen = batch_.gather(role, limit, o_.count - count_);
    if (batch_.count() > 0 && !write(role)) return ending::output_closed;
    if (seen || seen.status() == status::empty) continue;
    if (is_end(from, role, seen.status())) return ending::closed;
  }
  return ending::count_reached;
}

// Only what was written out is released.
bool receiver::write(bus_consumer& role) {
  if (!output_.write_all(batch_.pieces())) return false;
  count_ += batch_.count();
  bytes_ += batch_.bytes();
  batch_.clear();
  damaged_bytes_ = 0;
  role.release();
  patience_.over();
  progress_.at(count_, bytes_);
  return true;
}

// Whether to stop for this refusal. Throws where that is a failure.
bool receiver::is_end(const bus::channel& from, bus_consumer& role, status why) {
  switch (why) {
    case status::corrupt: report_damage(from, role.last_damage()); return false;
    case status::closed: return is_closed(from, role);
    case status::peer_gone: return is_gone(from, role);
    case status::removed: throw_removed(from);
    case status::timed_out: note_absence(from); [[fallthrough]];
    case status::stalled: report_stall(from, role.stalled_by()); return false;
    default: end_with(exit_code::failure, "{}: {}", name(), to_string(why));
  }
}

// Whether what the last read said holds for all who ever came: they had come and gone when we
// looked before it, and nobody came since. Else one may have come, and pushed, after that read.
bool receiver::was_said_of_all(const bus::channel_report& now) {
  std::optional<std::uint64_t> gone;
  if (!now.has_producer()) gone = now.arrivals();
  return std::exchange(gone_, gone) == gone && gone;
}

bool receiver::is_closed(const bus::channel& from, const bus_consumer& role) {
  const auto seen = must(from.report());
  if (!was_said_of_all(seen)) {
    if (seen.has_producer()) wait_for_next(from, role, "waiting for the next producer");
    return false;
  }
  const auto came = seen.arrivals();
  if (!o_.goes_on_for_ever && came != past_ && came >= o_.producers) return true;
  wait_for_next(from, role, "all was read, waiting for the next producer");
  return false;
}

bool receiver::is_gone(const bus::channel& from, const bus_consumer& role) {
  const auto seen = must(from.report());
  if (!was_said_of_all(seen)) return false;
  if (!o_.survives_death && !o_.goes_on_for_ever && seen.arrivals() != past_) {
    std::string who;
    for (const auto& one : seen.producers) {
      if (one.state != presence::died) continue;
      who += fmt::format("{}{}", who.empty() ? "" : ", ", process_number(one));
    }
    end_with(exit_code::peer_gone,
             "{}: its producer (process {}) died without closing, or gave up before the end of its "
             "input; all that it had committed was received, {} messages, {} bytes; the {} stays: "
             "{}`annulus recv --keep` waits for the next one",
             name(), who, count_, bytes_, from.kind(),
             from.is_ring() ? "`annulus send --resume` goes on, " : "");
  }
  wait_for_next(from, role, "its producer died, waiting for the next one");
  return false;
}

// All was read, and a producer cannot come to a channel that has lost its name.
void receiver::wait_for_next(const bus::channel& from, const bus_consumer& role,
                             const std::string& what) {
  if (role.has_lost_name()) throw_removed(from);
  wait_a_bit(exit_code::timed_out, what);
}

void receiver::throw_removed(const bus::channel& from) const {
  end_with(exit_code::removed,
           "{}: {} was removed or renamed while we read it: no other producer finds it; all that "
           "stood in it was received, {} messages, {} bytes; start again for the channel that has "
           "the name now",
           name(), from.path(), count_, bytes_);
}

// Says, once, that no producer has come to a channel that somebody made.
void receiver::note_absence(const bus::channel& from) {
  if (count_ != 0 || patience_.has_said() || must(from.report()).arrivals() != 0) return;
  patience_.waits(fmt::format("{}: waiting for a producer{}", name(), patience::at(from.path())));
}

// Throws when it comes to nothing: the same place again, or more than a ring can hold.
void receiver::report_damage(const bus::channel& from, std::optional<damage> what) {
  const auto seen = what.value_or(damage{});
  damaged_bytes_ += seen.bytes;
  if (from.is_ring() && (!what || damaged_bytes_ > from.capacity() ||
                         (damage_ != 0 && seen.pos == last_damage_.pos))) {
    end_with(
        exit_code::damaged,
        "{}: its positions make no sense; {} messages were received; remove it and make it anew",
        name(), count_);
  }
  ++damage_;
  last_damage_ = seen;
  check_timeout(exit_code::timed_out, "no message, only damage");
  remark("{}: damaged records were skipped: {} bytes at position {}", name(), seen.bytes, seen.pos);
}

void receiver::report_stall(const bus::channel& from, std::optional<stall> by) {
  const auto seen = must(from.report());
  check_timeout(exit_code::timed_out, count_ == 0 && seen.arrivals() == 0
                                          ? "no producer came" + patience::at(from.path())
                                          : std::string("no message"));
  if (!by || (stalled_ && stalled_->pos == by->pos)) return;
  const auto for_now = clock::now() - by->since;
  if (for_now < std::chrono::seconds(1)) return;
  stalled_ = by;
  remark("{}: producer {} (process {}) has held us up for {}: it is alive, with a {}", name(),
         by->producer, process_number(seen.producers[by->producer]), show_span(for_now),
         from.is_ring() ? "claim that it has not committed" : "message that is not whole");
}

void receiver::wait_a_bit(exit_code when_over, const std::string& what) {
  throw_if_stopped();
  check_timeout(when_over, what);
  patience_.waits(fmt::format("{}: {}", name(), what));
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void receiver::check_timeout(exit_code when_over, const std::string& what) {
  if (!o_.timeout || !patience_.exceeds(o_.timeout)) return;
  end_with(when_over, "{}: {}, and {} have passed; {} messages were received", name(), what,
           show_span(*o_.timeout), count_);
}

}  // namespace annulus::cli
