// Backoff of a starved consumer; line take-over.
//
// Starved   A consumer that has caught up polls the very line that is being written. Each time the
//           line comes over it brings only the few messages whose stores were waiting for it, and a
//           faster consumer makes it worse. In a stream it therefore looks away for a moment when
//           it runs dry, and the producer gets some lines ahead. A burst or a conversation is no
//           stream: it is met at once
// Behind    A consumer that finds a message at every poll, for 64 KiB of them, is the slower side:
//           the lines ahead of it were written long ago, and it asks for them (ahead.hpp). A
//           consumer that has nearly caught up would take lines that are being written
// Far       Where a line takes long to come from the other processor, the consumer looks away for
//           longer, and takes over what it gives back (memory.hpp). It asks again from time to
//           time: a virtual machine moves its processors
#pragma once

#include <algorithm>
#include <cstdint>

#include <annulus/channel/arithmetic.hpp>

namespace annulus {

template <class Atomics>
class pace {
  using theirs = typename Atomics::template word<std::uint64_t>;  // that the producers write

 public:
  // The consumer attached here.
  void begin_at(std::uint64_t cursor) noexcept { dry_at_ = cursor; }

  // Nothing was found at `cursor`, behind a record of so many bytes. Returns whether the consumer
  // is starved: it has looked here for a while.
  [[nodiscard]] bool ran_dry(const theirs& word, std::uint64_t cursor,
                             std::uint64_t record) noexcept {
    if (cursor == dry_at_) {
      if (++polls_ < Atomics::polls_until_starved) return false;
      streams_ = 0;
      return true;
    }
    run_ = cursor - dry_at_;
    const bool was_stream = run_ >= stream_messages * record;
    dry_at_ = cursor;
    polls_ = 0;
    if (was_stream && ++streams_ > bursts) keep_away(word);
    return false;
  }

  // Whether it is far behind the producers: it found messages for so long, now or before it last
  // ran dry.
  [[nodiscard]] bool is_behind(std::uint64_t cursor) const noexcept {
    return std::max(run_, cursor - dry_at_) > behind;
  }

  // Whether the lines of a chunk that begins at `from` are worth taking over. A consumer that
  // starved since then is in a conversation: its own next message would queue behind them.
  [[nodiscard]] bool takes_over(const theirs& word, std::uint64_t from) noexcept {
    gauge(word);
    const bool has_starved = polls_ >= Atomics::polls_until_starved && !is_before(dry_at_, from);
    return is_far_ && !has_starved;
  }

 private:
  static constexpr std::uint64_t stream_messages = 4;  // between two dry moments
  static constexpr std::uint32_t bursts = 16;          // dry moments before it is a stream
  static constexpr std::uint64_t behind = std::uint64_t{64} << 10;
  static constexpr std::uint32_t uses_per_gauge = 16;
  static constexpr std::uint32_t pauses_near = 32;
  static constexpr std::uint32_t pauses_far = 256;

  void gauge(const theirs& word) noexcept {
    if (uses_++ % uses_per_gauge == 0) is_far_ = Atomics::is_far(word);
  }
  void keep_away(const theirs& word) noexcept {
    gauge(word);
    for (auto left = is_far_ ? pauses_far : pauses_near; left > 0; --left) Atomics::relax();
  }

  std::uint64_t dry_at_ = 0;   // where it last found nothing
  std::uint32_t polls_ = 0;    // and how often, there
  std::uint64_t run_ = 0;      // how far it came between the last two dry moments
  std::uint32_t streams_ = 0;  // how often a stream ran dry since it last starved
  std::uint32_t uses_ = 0;     // of what was gauged
  bool is_far_ = false;
};

}  // namespace annulus
