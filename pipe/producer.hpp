// A producer of a named pipe: messages as frames, frames in as few writes as possible. The rules of
// use are in pipe.hpp.
//
// Short      a message that fits into a frame is one write. Of a batch, as many frames as fit make
//            a block of PIPE_BUF bytes, and each block is one write. A lone producer writes many
//            blocks at once: each is then padded to its full size, so that the kernel, which cuts
//            a large write between pages, never cuts a frame, and no write needs finishing
// Long       cut into frames that fill a block each. try_ forms require certain room for all
//            frames; waiting forms write as room becomes free
// Given up   a message that was begun and will not be finished is abandoned by a word in the roles
//            file, which needs no room in a FIFO that is full
// Owed       a claim committed without room is sent before any other message
// Progress   try_push one write(2); of a long message an ioctl, an fcntl and a write for each frame
//            (a lone producer: for all). try_claim one poll(2). Nothing is allocated
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <annulus/channel/at_least_cxx20.hpp>
#include <annulus/channel/checked.hpp>
#include <annulus/channel/claim.hpp>
#include <annulus/channel/concepts.hpp>
#include <annulus/channel/process.hpp>
#include <annulus/channel/waiting.hpp>
#include <annulus/pipe/fifo.hpp>
#include <annulus/pipe/frame.hpp>
#include <annulus/pipe/interrupt.hpp>
#include <annulus/pipe/named_pipe.hpp>
#include <annulus/pipe/roles.hpp>

namespace annulus {

namespace pipes {

// The unsent bytes of one message, in the caller's pieces.
class source {
 public:
  // Of one piece.
  explicit source(message one) noexcept : now_(one) {}
  // Of several.
  explicit source(pieces parts) noexcept : later_(parts) {}

  // Copies the next bytes and passes over them; nowhere if `to` is null.
  void copy(std::byte* to, std::size_t count) noexcept;
  // Passes over the next bytes.
  void skip(std::size_t count) noexcept { copy(nullptr, count); }

 private:
  message now_;
  pieces later_;
};

// A message on its way.
struct parcel {
  source rest;             // what is still to go
  std::uint64_t bytes;     // of the whole message
  std::uint64_t sent = 0;  // of them, so far
};

}  // namespace pipes

// A producer of a named pipe.
class pipe_producer {
 public:
  using bytes = std::span<std::byte>;             // of a claim
  using claim_type = basic_claim<pipe_producer>;  // see channel/claim.hpp

  // Takes a free producer's role. Fails with in_use, and names the holders, if there is none.
  [[nodiscard]] static result<pipe_producer> attach(const named_pipe& to, waiting how = {});

  pipe_producer(pipe_producer&&) noexcept = default;
  pipe_producer& operator=(pipe_producer&&) noexcept;
  ~pipe_producer() { close(); }

  // Space for one message of `bytes` bytes. Requires: not moved while the claim is open.
  [[nodiscard]] claim_type try_claim(std::size_t bytes) noexcept;
  // Sends one message: ok, or why not.
  [[nodiscard]] status try_push(message one) noexcept;
  // One message, gathered from several pieces.
  [[nodiscard]] status try_push(pieces parts) noexcept;
  // As many as fit, in order, each by itself.
  [[nodiscard]] batch try_push_batch(messages many) noexcept;

  // Waits for room until the deadline. Without room it also returns when the consumer closes or
  // dies, or the name is lost. Without a consumer a message that fits is accepted; the next one
  // reads it.
  [[nodiscard]] claim_type claim(std::size_t bytes, deadline until) noexcept;
  // Waits like claim(), and pushes.
  [[nodiscard]] status push(message one, deadline until) noexcept;
  [[nodiscard]] status push(pieces parts, deadline until) noexcept;
  // Waits until all are taken; the batch says how many were when the wait ended.
  [[nodiscard]] batch push_batch(messages many, deadline until) noexcept;

  // Without room: drops the message, counts it and returns `full`.
  [[nodiscard]] status push_or_drop(message one) noexcept;

  // Aborts the open claim of a thread that ended inside it. From any thread of the process.
  // Requires: the claiming thread has ended, and its claim is not used any more, not even
  // destroyed, once another claim is open.
  void abandon_claim() noexcept;

  // Whether a committed claim is unsent. It is sent before any other message.
  [[nodiscard]] bool owes() const noexcept { return owed_.has_value() && home_.is_here(); }
  // Bytes in the pipe that are not released, whoever sent them. They are lost when the last process
  // that has the pipe open leaves. Makes a system call.
  [[nodiscard]] std::uint64_t unread() const noexcept {
    return home_.is_here() ? pipes::bytes_in(fifo_.number()) : 0;
  }
  // The consumer's presence. Makes a system call.
  [[nodiscard]] presence peer() const noexcept { return held_.presence_of(consumer_role); }
  // Whether the name of one of the pipe's two files is gone or names another file. Attached roles
  // still work; others cannot find the pipe. Waits return `removed`; try_ forms do not check. Makes
  // system calls.
  [[nodiscard]] bool has_lost_name() const noexcept { return held_.has_lost_name(fifo_.number()); }
  // Ends the wait that runs in this role, or else the next one, which then answers `interrupted`.
  // From any thread of the process, and from a signal handler. try_ forms ignore it. Requires: the
  // role is neither moved nor destroyed meanwhile.
  void interrupt() noexcept { waits_.interrupt.raise(); }
  // Closes the role and releases its lock. An open claim is aborted first.
  void close() noexcept;

  // The most that one message can hold, bytes.
  [[nodiscard]] std::size_t max_message() const noexcept { return shape().max_message; }
  // The largest message that try_ forms accept, bytes: at most max_message().
  [[nodiscard]] std::size_t most_at_once() const noexcept { return most_at_once_; }
  // This producer's index, from 0; a successor reuses a dead producer's.
  [[nodiscard]] std::uint32_t number() const noexcept { return number_; }

 private:
  friend claim_type;

  pipe_producer(pipes::roles held, descriptor fifo, pipes::pages staging, pipes::pages claimed,
                std::uint32_t number, waiting how) noexcept;

  void commit_claim(std::size_t count) noexcept;
  void abort_claim() noexcept { (void)claim_.leave(); }

  [[nodiscard]] const pipes::geometry& shape() const noexcept { return held_.geometry(); }
  [[nodiscard]] bool is_short(std::uint64_t count) const noexcept {
    return count <= pipes::most_payload && count <= shape().max_message;
  }

  // Why a message of `bytes` bytes is refused, whatever room there is.
  [[nodiscard]] status refusal(std::uint64_t count) const noexcept;
  [[nodiscard]] status no_room() const noexcept;
  [[nodiscard]] bool is_certain(std::uint64_t count) const noexcept;
  [[nodiscard]] status claimable(std::uint64_t count, bool at_once) noexcept;
  [[nodiscard]] claim_type opened(status may, std::size_t count) noexcept;

  [[nodiscard]] status try_push(pipes::source from, std::uint64_t count) noexcept;
  [[nodiscard]] status push(pipes::source from, std::uint64_t count, deadline until) noexcept;
  [[nodiscard]] status send_owed() noexcept;
  [[nodiscard]] status send(pipes::parcel& one) noexcept;
  [[nodiscard]] status send_short(const pipes::parcel& one) noexcept;
  [[nodiscard]] status send_at_once(pipes::parcel& one) noexcept;
  [[nodiscard]] batch send_group(messages many) noexcept;
  void abandon(const pipes::parcel& one) noexcept;

  [[nodiscard]] std::size_t stage(pipes::parcel& one) noexcept;
  void stage_frame(std::byte* at, pipes::source& from, std::size_t payload, std::uint64_t sequence,
                   std::uint64_t offset, bool is_last) noexcept;
  void pad(std::byte* frame, std::size_t more) noexcept;
  void learn(std::size_t written, std::size_t staged) noexcept;
  void use_sequences(std::uint64_t count) noexcept;

  template <class Attempt>
  [[nodiscard]] status wait(deadline until, Attempt attempt) noexcept;
  template <class Nap, class Attempt>
  [[nodiscard]] status wait(deadline until, Nap take_a_nap, Attempt attempt) noexcept;
  template <class Nap, class Attempt, class News>
  [[nodiscard]] status wait(deadline until, Nap take_a_nap, Attempt attempt, News news) noexcept;
  void nap_for_page(std::chrono::nanoseconds at_most) noexcept;

  static constexpr std::size_t most_blocks = 64;

  pipes::roles held_;
  descriptor fifo_;
  pipes::pages staging_;  // most_blocks of them
  pipes::pages claimed_;  // one largest message
  counted<pipes::words> counters_;
  waiting how_;
  pipes::wait_memory waits_;
  std::uint32_t number_;
  std::uint32_t incarnation_;
  std::uint64_t most_at_once_;
  std::uint64_t sequence_;      // of the next message
  std::uint64_t reserved_ = 0;  // sequences up to this one are noted as used
  std::size_t blocks_;          // how many may go at once; a write cut short makes it fewer
  std::optional<pipes::parcel> owed_;
  home claim_;                // of the open one; else nobody's
  home home_ = home::here();  // nobody's: closed
  [[no_unique_address]] checked_role watch_{"pipe_producer"};
};

}  // namespace annulus
