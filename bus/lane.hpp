// One source of a gateway, and its way into the target.
//
// A lane is a template over its two ends, so that a gateway passes messages between any carriers:
// ends.hpp has those of channels. An end is a small class:
//
//   From   read, try_read, mark, release, close   as a consumer's: channel/concepts.hpp
//          has_ended   beside a read that says `closed`: nothing more is there
//   To     add      puts a message and its mark into the batch; false: there is no room, push first
//          push     passes the batch on, until a deadline; what was not taken stays in it
//          drop     gives up what stands first in it, and says how many messages
//          unread   bytes that it took and nobody has read: lost when the last process leaves it
//          has_reader   beside them: a consumer is there
//   both   name, where        for reports, and for errors
//          has_lost_name      nobody else finds it any more
//          is_away, trouble   it is on another machine and out of reach now; since when, and why
//          has_given_up       and it is not to be waited for any longer
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include <annulus/channel/at_least_cxx20.hpp>
#include <annulus/channel/concepts.hpp>
#include <annulus/channel/mark.hpp>
#include <annulus/channel/status.hpp>
#include <annulus/channel/view.hpp>

namespace annulus::bus {

// How a gateway passes messages on.
struct gateway_options {
  bool drops = false;             // without room: drop the newest; else wait
  bool ends_with_source = false;  // when a source is empty, and all its producers have closed
  std::size_t batch = 256;        // messages
};

// What a lane is doing.
enum class lane_state : std::uint8_t {
  idle,
  passing,
  full,
  no_consumer,
  unread,
  away,
  ended,
  failed
};
[[nodiscard]] const char* to_string(lane_state s) noexcept;

// One source, and what was passed on from it.
struct lane_report {
  std::string from;                     // the source
  lane_state state = lane_state::idle;  // now
  std::uint64_t messages = 0;           // passed on
  std::uint64_t bytes = 0;              // of payload
  std::uint64_t batches = 0;            // in so many steps
  std::uint64_t dropped = 0;            // without room
  std::uint64_t corrupt = 0;            // stretches of damage at the source
  std::uint64_t unread = 0;             // bytes in a pipe as target when the lane had ended
  std::string error;                    // why it failed, or is away
  status why = status::ok;              // of a failed one: what was answered, or removed
};

// What a target took of a batch, and what stopped it (ok: nothing is left).
struct taken {
  std::uint64_t messages = 0;  // of the batch
  std::uint64_t bytes = 0;     // of payload
  status why = status::ok;     // what stopped it
};

// A lane, whatever its ends: what it is doing, and what it did.
class lane {
 public:
  explicit lane(std::string name) : name_(std::move(name)) {}
  lane(const lane&) = delete;
  lane& operator=(const lane&) = delete;
  virtual ~lane() = default;

  // Passes messages on until it is told to stop, its source has ended, or it fails.
  virtual void run(const std::atomic<bool>& stops) = 0;
  virtual void fail_to_start(const std::string& why) = 0;

  // At any time, from any thread.
  [[nodiscard]] lane_state state() const noexcept { return state_.load(std::memory_order_acquire); }
  [[nodiscard]] lane_report report() const;

 protected:
  // Counted by the lane, read by anybody; a report is of some moment.
  class counter {
   public:
    void add(std::uint64_t more) noexcept {
      value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t value() const noexcept {
      return value_.load(std::memory_order_relaxed);
    }

   private:
    std::atomic<std::uint64_t> value_{0};
  };

  void enter(lane_state s) noexcept { state_.store(s, std::memory_order_release); }
  // False, for a step that ends so.
  bool fail(status why, std::string what);
  void be_away(const std::string& why);

  counter messages_, bytes_, batches_, dropped_, corrupt_, unread_;

 private:
  std::string name_;
  std::atomic<lane_state> state_{lane_state::idle};
  mutable std::mutex words_;  // over the two below
  std::string error_;
  status why_ = status::ok;
};

inline constexpr auto lane_slice = std::chrono::milliseconds(50);  // no wait is longer: for stop()
inline constexpr auto lane_grace = std::chrono::seconds(1);        // for a batch that was begun
inline constexpr std::size_t lane_bytes = std::size_t{1} << 20;    // of a batch

// A lane between two ends.
template <class From, class To>
class lane_between final : public lane {
 public:
  lane_between(From from, To to, gateway_options options)
      : lane(from.name()), from_(std::move(from)), to_(std::move(to)), options_(options) {}

  void run(const std::atomic<bool>& stops) override {
    stops_ = &stops;
    while (!is_stopping() && pass_some()) {
    }
    unread_.add(to_.unread());
    if (state() != lane_state::failed) enter(lane_state::ended);
    from_.close();
    to_.close();
  }

  void fail_to_start(const std::string& why) override {
    fail(status::not_permitted, "there is no thread for its lane to " + to_.where() + ": " + why);
  }

 private:
  [[nodiscard]] bool is_stopping() const noexcept {
    return stops_->load(std::memory_order_relaxed);
  }

  // One batch, from read to release. Returns false if the lane ends.
  bool pass_some() {
    view seen = from_.read(within(lane_slice));
    if (!seen) return has_more(seen.status());
    enter(lane_state::passing);
    std::size_t bytes = 0;
    for (std::size_t count = 0; seen; seen = from_.try_read()) {
      const message one = seen.bytes();
      bytes += one.size();
      if (!to_.add(one, from_.mark())) {
        if (!flush()) return false;
        static_cast<void>(to_.add(one, from_.mark()));  // an empty batch takes any message
      }
      if (++count == options_.batch || bytes >= lane_bytes) break;
    }
    if (seen.status() == status::corrupt) corrupt_.add(1);
    if (!flush() || has_lost_target()) return false;
    from_.release();
    batches_.add(1);
    return true;
  }

  // Returns true if the lane has failed. What was read is not released, so that the source keeps
  // it.
  bool has_lost_target() {
    if (!to_.has_lost_name()) return false;
    fail(status::removed, "the target " + to_.where() +
                              " was removed or renamed, and nobody else finds it; what it had not "
                              "taken stays at the source: start the gateway anew");
    return true;
  }
  bool has_lost_source() {
    if (!from_.has_lost_name()) return false;
    if (!stay_until_read()) return true;
    fail(status::removed, "the source " + from_.where() +
                              " was removed or renamed, and no producer finds it any more; all "
                              "that was in it was passed on: start the gateway anew");
    return true;
  }
  // Returns true if it is out of reach, and the lane is still to wait for it.
  template <class End>
  bool waits_for(const End& end) {
    if (!end.is_away()) return false;
    be_away(end.trouble());
    return true;
  }
  template <class End>
  bool gives_up(const End& end) {
    if (!end.has_given_up()) return false;
    fail(status::timed_out, end.trouble() + "; it is waited for no longer");
    return true;
  }

  // The source has ended. What a pipe holds is gone with the last process that has it open, and it
  // was released at the source: so a lane that does not drop stays until all of it is read, or it
  // is stopped. Returns false if the lane has failed, because nobody can come any more.
  bool stay_until_read() {
    while (!options_.drops && !is_stopping() && to_.unread() != 0) {
      if (!to_.has_reader() && to_.has_lost_name()) {
        return fail(status::removed, "the target " + to_.where() +
                                         " was removed or renamed, and nobody else finds what it "
                                         "holds unread");
      }
      enter(lane_state::unread);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }

  // Nothing was read: is it worth going on?
  bool has_more(status why) {
    const bool is_over = why == status::closed && options_.ends_with_source;
    if (!is_over && (has_lost_target() || (why != status::corrupt && has_lost_source())))
      return false;
    if (from_.has_given_up() && !stay_until_read()) return false;
    if (gives_up(from_)) return false;
    if (waits_for(from_)) return true;
    if (is_over || (options_.ends_with_source && from_.has_ended())) {
      stay_until_read();
      return false;
    }
    switch (why) {
      case status::corrupt: corrupt_.add(1); return true;
      case status::closed:
      case status::peer_gone:  // the next producer is waited for
        enter(lane_state::idle);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return true;
      case status::not_permitted:
        return fail(why, "it was opened in another process; open it here");
      case status::never_fits:
        return fail(why, "the source " + from_.where() + " brought a message of more than " +
                             std::to_string(from_.max_message()) +
                             " bytes; say max_message= in its name, and make the target for it");
      default: enter(lane_state::idle); return true;
    }
  }

  [[nodiscard]] bool may_drop(status why) const noexcept {
    return options_.drops &&
           (why == status::full || why == status::timed_out || why == status::closed ||
            why == status::peer_gone || why == status::no_memory);
  }

  // Pushes the batch, whatever it takes: over full targets and consumers that are gone. Returns
  // false if the lane ends, and releases nothing.
  bool flush() {
    auto gives_up_at = no_deadline;
    for (;;) {
      const taken got = to_.push(within(lane_slice), options_.drops);
      messages_.add(got.messages);
      bytes_.add(got.bytes);
      if (got.why == status::ok) break;
      if (may_drop(got.why)) {
        dropped_.add(to_.drop());
        continue;
      }
      if (has_lost_target() || gives_up(to_) || !is_worth_waiting(got.why)) return false;
      if (!is_stopping()) continue;
      if (gives_up_at == no_deadline) gives_up_at = within(lane_grace);
      if (std::chrono::steady_clock::now() >= gives_up_at) return false;
    }
    enter(lane_state::passing);
    return true;
  }
  bool is_worth_waiting(status why) {
    if (waits_for(to_)) return true;
    switch (why) {
      case status::full:
      case status::timed_out: enter(lane_state::full); return true;
      case status::no_memory:  // a push does not wait for that
        enter(lane_state::full);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return true;
      case status::closed:
      case status::peer_gone:
        enter(lane_state::no_consumer);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return true;
      default: {
        const auto words = to_.trouble();
        return fail(why, "the target " + to_.where() + " refuses a message: " +
                             (words.empty() ? std::string(annulus::to_string(why)) : words));
      }
    }
  }

  From from_;
  To to_;
  gateway_options options_;
  const std::atomic<bool>* stops_ = nullptr;
};

}  // namespace annulus::bus
