// Marked messages, and a consumer that drops those that are redelivered.
//
// A gateway that died may have passed on messages that it had not released yet: its successor
// passes them on again. On an endpoint with once=yes it puts the source's mark in front of each,
// and a consumer with once=yes takes it off again and delivers each mark once.
//
//     magic  stream  sequence  check  the message
//       8       8        8       8
//
// Memory     what was released is noted per stream in a small file beside the channel,
//            annulus.NAME.shm.seen (or .pipe.seen; of a path PATH.seen), before the channel is
//            told, so a successor drops it too. What was read and not released is redelivered
//            to the successor, as on every channel
// Streams    a ring is one stream, a pipe one for each producer. The last 1024 that brought
//            something are known; one that was silent for longer is forgotten, and what it repeats
//            then would be new
// Unmarked   messages pass as they are. A mark is no signature: who may push can forge one, and so
//            hide messages of others
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <annulus/channel/concepts.hpp>
#include <annulus/channel/mark.hpp>
#include <annulus/channel/process.hpp>
#include <annulus/channel/result.hpp>
#include <annulus/channel/status.hpp>
#include <annulus/channel/view.hpp>
#include <annulus/pipe/pages.hpp>

namespace annulus::bus {

inline constexpr std::size_t mark_bytes = 32;
using mark_head = std::array<std::byte, mark_bytes>;

[[nodiscard]] mark_head head_of(const message_mark& mark) noexcept;
// The mark in front of a message, if there is a good one.
[[nodiscard]] std::optional<message_mark> mark_in(message one) noexcept;

inline constexpr std::uint64_t any_number = ~std::uint64_t{0};

// The first message from `attempt` that `deliver` keeps. Endless repeats cannot block it: it stops
// after `most` dropped bytes, and checks the deadline after each message.
template <class Attempt, class Deliver>
[[nodiscard]] view first_delivered(Attempt attempt, Deliver deliver, deadline until,
                                   std::uint64_t most) noexcept {
  for (std::uint64_t dropped = 0;;) {
    const view seen = attempt();
    if (!seen) return seen;
    if (const std::optional<view> first = deliver(seen.bytes())) return *first;
    dropped += seen.bytes().size();
    if (dropped >= most) return status::empty;
    if (until != no_deadline && std::chrono::steady_clock::now() >= until) {
      return status::timed_out;
    }
  }
}

class seen_list {
 public:
  static constexpr std::size_t most_streams = 1024;  // as many as a channel may have producers

  // The file is made if it is missing. What is no such file is left alone.
  [[nodiscard]] static result<seen_list> open(const std::string& path);
  // Whether such a file of ours stands there: only that may be removed.
  [[nodiscard]] static bool is_one(const std::string& path) noexcept;
  // Loads the stored list. Requires: this process is the consumer, the only writer.
  void take_up() noexcept;

  seen_list(seen_list&&) noexcept;
  seen_list& operator=(seen_list&&) noexcept;
  ~seen_list() = default;

  // Whether it is new; from now on it is not.
  [[nodiscard]] bool is_new(const message_mark& mark) noexcept;
  // All that was new until now was released.
  void note_released() noexcept;
  // All that was new since is left to the next consumer.
  void forget_unreleased() noexcept { ahead_ = {}; }

  [[nodiscard]] std::uint64_t repeated() const noexcept { return repeated_; }

 private:
  struct entry {
    std::uint64_t stream;    // 0: none
    std::uint64_t sequence;  // released up to here
    std::uint64_t turn;      // when it was noted last
  };
  struct page;

  explicit seen_list(pipes::pages mapped) noexcept;
  std::size_t entry_of(std::uint64_t stream) noexcept;
  std::size_t oldest() const noexcept;
  [[nodiscard]] bool is_ahead(std::size_t i) const noexcept { return ahead_[i / 64] >> i % 64 & 1; }

  pipes::pages memory_;
  page* mapped_ = nullptr;
  std::array<std::uint64_t, most_streams> delivered_{};
  std::array<std::uint64_t, most_streams / 64> ahead_{};  // one bit each: delivered, not yet noted
  std::size_t latest_ = 0;                                // the entry of the last mark
  std::uint64_t repeated_ = 0;
  home home_ = home::here();  // a child's copy notes nothing
};

}  // namespace annulus::bus
