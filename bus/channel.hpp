// A channel by its name: opened, made if it is missing, looked at, ended and removed, whatever
// carries its messages.
//
// Names of shm: and pipe: only; where an auto: name leads, rendezvous.hpp says. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <annulus/bus/name.hpp>
#include <annulus/channel/report.hpp>
#include <annulus/pipe/named_pipe.hpp>
#include <annulus/ring/segment.hpp>

namespace annulus::bus {

// What a new channel is like, beyond what its name's options say.
struct making {
  std::optional<annulus::topology> topology = {};    // else by the number of producers
  std::uint64_t capacity = ring_options().capacity;  // bytes, if the name asks for none
  bool transient = false;                            // the consumer that ends it removes it
  bool huge_pages = false;                           // of a ring
  bool reserve = true;                               // of a ring
};

// What both transports tell of a channel.
struct channel_report {
  std::uint64_t depth = 0;             // bytes that stand in it, headers included
  bool is_empty = true;                // nothing stands in it, also no claim
  bool consumer_closed = false;        // and no other has come
  role_report consumer;                // of its one role
  std::vector<role_report> producers;  // one for each number

  [[nodiscard]] bool has_producer() const noexcept;         // attached now
  [[nodiscard]] std::uint64_t arrivals() const noexcept;    // of producers, ever
  [[nodiscard]] std::uint64_t sent_count() const noexcept;  // messages of all producers, ever
};

// A channel that is open: a ring's segment or a named pipe. Roles are attached to it (bus.hpp).
class channel {
 public:
  // Of the one or of the other.
  explicit channel(segment ring) noexcept : held_(std::move(ring)) {}
  // The same.
  explicit channel(named_pipe pipe) noexcept : held_(std::move(pipe)) {}

  // Fails with not_found if there is none, and with incompatible if it cannot do what was asked.
  [[nodiscard]] static result<channel> open(const endpoint& e);
  // Fails with already_exists if there is one, and like segment::create and named_pipe::create.
  [[nodiscard]] static result<channel> create(const endpoint& e, const making& like = {});
  // What is there, or a new one if the name allows it.
  [[nodiscard]] static result<channel> open_or_create(const endpoint& e, const making& like = {});

  // Else it is a pipe.
  [[nodiscard]] bool is_ring() const noexcept { return held_.index() == 0; }
  // Requires: it is one.
  [[nodiscard]] const segment& ring() const& noexcept { return *std::get_if<segment>(&held_); }
  [[nodiscard]] segment ring() && noexcept { return std::move(*std::get_if<segment>(&held_)); }
  // Requires: it is one.
  [[nodiscard]] const named_pipe& pipe() const& noexcept {
    return *std::get_if<named_pipe>(&held_);
  }
  [[nodiscard]] named_pipe pipe() && noexcept {
    return std::move(*std::get_if<named_pipe>(&held_));
  }

  // For messages: "ring" or "pipe".
  [[nodiscard]] const char* kind() const noexcept { return is_ring() ? "ring" : "pipe"; }
  [[nodiscard]] std::string name() const;  // TRANSPORT:NAME
  // The file that others find it by.
  [[nodiscard]] const std::string& path() const noexcept;
  // For one producer, or for several.
  [[nodiscard]] annulus::topology topology() const noexcept;
  // The most that one message can hold, bytes.
  [[nodiscard]] std::uint64_t max_message() const noexcept;
  [[nodiscard]] std::uint64_t capacity() const noexcept;  // of a pipe: what the kernel grants
  // Whether the consumer that ends it removes it.
  [[nodiscard]] bool is_transient() const noexcept;
  // Whether the path still stands for this channel, and not for another or none.
  [[nodiscard]] bool is_still_named() const noexcept;
  // Whether a consumer, or one that is ending it, holds its lock.
  [[nodiscard]] bool is_consumer_held() const noexcept;

  // What is there now. Disturbs nobody. O(producers), and allocates.
  [[nodiscard]] result<channel_report> report() const;

  // Removes a transient channel whose stream has ended. Returns false if it is in use again.
  // Requires: the caller was its consumer and has closed.
  //
  // No message is lost to that. The caller first takes the consumer's lock back, so that no other
  // consumer comes; and removes the name only if no producer holds its lock, nothing is left and
  // the name still stands for this channel. A producer takes its lock first, too: before its first
  // push it waits while a consumer that has closed holds its own, and starts over if the name is
  // gone then. One of the two sees the other.
  [[nodiscard]] result<bool> remove_if_over() const;

  // Removes a channel that nobody uses and in which nothing stands, and before it, at this path,
  // what once=yes keeps of it. Returns false if it stays.
  //
  // It is this very channel: another that has its name by now stays. Whoever attaches meanwhile
  // waits, and then finds that the name is gone.
  [[nodiscard]] result<bool> remove_if_unused(const std::optional<std::string>& list = {}) const;

 private:
  [[nodiscard]] int lock_file() const noexcept;
  [[nodiscard]] std::uint32_t producers() const noexcept;

  std::variant<segment, named_pipe> held_;
};

// Of an attempt to attach a role: whether the channel went away meanwhile. Another may have its
// name.
template <class Role>
[[nodiscard]] bool went_away(const result<Role>& attempt) noexcept {
  return !attempt && attempt.error().kind == fault::not_found;
}

// The same as open_or_create, for the static types. Requires: the name is of shm, or of a pipe.
[[nodiscard]] result<segment> open_segment(const endpoint& e);
// See open_segment.
[[nodiscard]] result<named_pipe> open_pipe(const endpoint& e);

// What a new ring would be like.
[[nodiscard]] ring_options shape_of(const endpoint& e);

// The directory of its files.
[[nodiscard]] std::string directory_of(const endpoint& e);
// The file that the name stands for.
[[nodiscard]] std::string path_of(const endpoint& e);
// What segment and named_pipe take for its name: with dir=, a path. Fails where the directory does
// not do.
[[nodiscard]] result<std::string> name_of(const endpoint& e);
// Where a consumer with once=yes keeps what it has seen (dedup.hpp).
[[nodiscard]] std::string seen_path_of(const endpoint& e);

// Removes the channel and what the bus keeps beside it: what was seen and, of an auto: name, the
// decision. Returns false if no channel was there, only such remains. Fails if in use, unless
// forced.
[[nodiscard]] result<bool> remove(const endpoint& e, bool is_forced = false);

}  // namespace annulus::bus
