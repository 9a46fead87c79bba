// The consumer of a named pipe: frames, put together to messages. The rules of use are in pipe.hpp.
//
// Poll       the FIFO's bytes are copied without being taken (fifo.hpp, tap), many messages at once
// Release    takes all that was read out of the FIFO at once. So a consumer's death loses nothing:
//            its successor finds what was not released
// Held       an incomplete long message keeps its frames, and all later ones, in the FIFO. Later
//            messages are still read and released: what was released and stays in the FIFO is noted
//            by its sequence, for all producers at once, and a successor skips it. If the FIFO is
//            full, or exceeds one copy, its frames are moved to memory and, for a successor, to the
//            roles file
// Dead       a message whose producer died or abandoned it is dropped, never read in part
// Damage     bytes that are no valid frame are skipped, counted and reported
// Progress   a poll that finds nothing is one tee(2); one that finds is tee(2) and read(2) for all
//            that is there; release() is one splice(2). With a held message, an idle poll checks
//            that its producer lives. Only long messages allocate, as their frames come
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <annulus/channel/at_least_cxx20.hpp>
#include <annulus/channel/checked.hpp>
#include <annulus/channel/concepts.hpp>
#include <annulus/channel/drain.hpp>
#include <annulus/channel/mark.hpp>
#include <annulus/channel/process.hpp>
#include <annulus/channel/status.hpp>
#include <annulus/channel/view.hpp>
#include <annulus/channel/waiting.hpp>
#include <annulus/pipe/fifo.hpp>
#include <annulus/pipe/frame.hpp>
#include <annulus/pipe/interrupt.hpp>
#include <annulus/pipe/named_pipe.hpp>
#include <annulus/pipe/octets.hpp>
#include <annulus/pipe/roles.hpp>

namespace annulus {

// The consumer of a named pipe.
class pipe_consumer {
 public:
  // Takes the consumer's role. Fails with in_use, and names the holder, if it is taken.
  [[nodiscard]] static result<pipe_consumer> attach(const named_pipe& to, waiting how = {});

  pipe_consumer(pipe_consumer&&) noexcept = default;
  pipe_consumer& operator=(pipe_consumer&&) noexcept;
  ~pipe_consumer() { close(); }

  // The next message, valid until release().
  [[nodiscard]] view try_read() noexcept;
  // Waits for a message until the deadline. Also returns when the producers close, the last one
  // dies or, once all is read, the name is lost.
  [[nodiscard]] view read(deadline until) noexcept;
  // Hands back the space of all that was read; its views end here.
  void release() noexcept;

  // Reads up to `limit` messages into f, which takes a `message` and does not throw, and hands
  // their space back: at the end, and whenever an eighth of the FIFO is unreleased.
  template <class F>
  batch drain(F&& f, std::size_t limit) noexcept {
    return drain_from(*this, f, limit, [&] { return much_is_unreleased(); });
  }
  // The same, waiting for the first.
  template <class F>
  batch drain(F&& f, std::size_t limit, deadline until) noexcept {
    return drain_from(*this, f, limit, until, [&] { return much_is_unreleased(); });
  }

  // The producers' presence: that of the most alive one. Makes system calls.
  [[nodiscard]] presence peer() const noexcept { return held_.presence_of_producers(); }
  // Whether the name of one of the pipe's two files is gone: see pipe_producer.
  [[nodiscard]] bool has_lost_name() const noexcept { return held_.has_lost_name(from_.fifo()); }
  // The live producer of an incomplete long message, if nothing else is readable.
  [[nodiscard]] std::optional<stall> stalled_by() const noexcept { return stall_; }
  // What the last `corrupt` skipped.
  [[nodiscard]] std::optional<damage> last_damage() const noexcept { return damage_; }

  // The mark of the last message that was read: its producer and its sequence.
  [[nodiscard]] message_mark mark() const noexcept { return mark_; }

  // Ends the wait that runs in this role, or else the next one, which then answers `interrupted`.
  // From any thread of the process, and from a signal handler. try_ forms ignore it. Requires: the
  // role is neither moved nor destroyed meanwhile.
  void interrupt() noexcept { waits_.interrupt.raise(); }

  // Closes the role and releases its lock. What was read and not released is redelivered to the
  // next consumer.
  void close() noexcept;

  // The most that one message can hold, bytes.
  [[nodiscard]] std::size_t max_message() const noexcept { return held_.geometry().max_message; }
  // What the FIFO holds at once, bytes.
  [[nodiscard]] std::uint64_t capacity() const noexcept { return memory_.size() / 2; }

 private:
  // The state of one producer.
  struct lane {
    pipes::octets bytes;          // of its long message, as far as it came
    std::uint64_t sequence = 0;   // its sequence
    std::uint64_t first_pos = 0;  // where its first frame stands; what lies behind is held
    std::uint32_t incarnation = 0;
    bool is_open = false;      // there is such a message
    bool is_taken = false;     // its frames leave the FIFO as they come
    bool is_gone = false;      // its producer was gone before the last look
    std::uint64_t kept = 0;    // so much of it stands in the roles file
    std::uint64_t passed = 0;  // read, skipped or dropped up to this sequence
  };

  pipe_consumer(pipes::roles held, pipes::tap from, pipes::pages memory, waiting how);

  [[nodiscard]] bool much_is_unreleased() const noexcept {
    return parsed_ - taken_ >= capacity() / 8;
  }

  [[nodiscard]] std::byte* at(std::uint64_t pos) const noexcept {
    return memory_.data() + (pos - base_);
  }
  [[nodiscard]] view next() noexcept;
  bool copy_in() noexcept;
  [[nodiscard]] view idle() noexcept;
  [[nodiscard]] std::optional<view> parse() noexcept;
  [[nodiscard]] std::optional<view> accept(const pipes::frame_header& header,
                                           std::uint64_t pos) noexcept;
  [[nodiscard]] std::optional<view> append(const pipes::frame_header& header, std::uint64_t pos,
                                           message payload) noexcept;
  void set_aside(pipes::octets one) noexcept;
  void skip_damage() noexcept;
  [[nodiscard]] view deliver(message one, std::uint32_t number, std::uint64_t sequence) noexcept;

  void open(std::uint32_t number, const pipes::frame_header& first, std::uint64_t pos) noexcept;
  void drop(std::uint32_t number, bool is_loss) noexcept;
  void mark_the_gone() noexcept;
  void drop_the_gone() noexcept;
  void release_passed() noexcept;
  void note_released() noexcept;
  void keep_taken() noexcept;
  void forget_kept() noexcept;
  void recall(std::uint32_t number) noexcept;
  [[nodiscard]] bool is_blocked() noexcept;
  void note_stall() noexcept;
  void clear_stall() noexcept;

  pipes::roles held_;
  pipes::tap from_;
  pipes::pages memory_;  // twice what the FIFO holds: [base_, copied_) lies in it
  counted<pipes::words> counters_;
  waiting how_;
  pipes::wait_memory waits_;

  // Positions count the FIFO's bytes since this consumer came.
  std::uint64_t base_ = 0;    // of memory_
  std::uint64_t taken_ = 0;   // out of the FIFO
  std::uint64_t parsed_ = 0;  // read, or kept as part of a message
  std::uint64_t copied_ = 0;  // to memory_

  std::vector<lane> lanes_;
  std::vector<std::uint32_t> open_;  // lanes with a message that is not whole
  std::vector<std::uint32_t> kept_;  // lanes with bytes in the roles file
  pipes::octets_stack whole_;        // long messages that were read and not released
  pipes::octets_stack spare_;        // memory for others
  roll_call<pipes::words> roll_;
  std::uint64_t unreleased_count_ = 0;
  message_mark mark_;  // of the last message that was delivered
  std::optional<stall> stall_;
  std::optional<damage> damage_;
  home home_ = home::here();  // nobody's: closed
  [[no_unique_address]] checked_role watch_{"pipe_consumer"};
};

}  // namespace annulus
