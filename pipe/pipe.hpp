// The pipe's roles, as programs use them: attached to a named pipe, able to wait, closed at the
// end. The same interface as the ring's, and the same answers.
//
//     auto orders = annulus::named_pipe::open_or_create("orders");
//     auto tx = annulus::pipe_producer::attach(*orders);
//     if (tx->try_push(message) == annulus::status::ok) ...
//
// Threads     a role is used by one thread at a time; roles are independent of each other. Another
//             thread may call interrupt(), and nothing else
// Signals     interrupt() alone is async-signal-safe. A handler that pushes into a role which the
//             interrupted thread is using spoils messages: give it a role of its own. No operation
//             is a cancellation point: pthread_cancel is heeded behind it, interrupt() ends a wait
// Processes   a role belongs to the process that attached it. In a child of fork() its copy, an
//             open or owed claim included, does nothing: every call answers not_permitted, close()
//             and the destructor change nothing, and the parent goes on as if nothing were. The
//             child attaches roles of its own. A parent that dies is found dead although the child
//             lives; what stands in the FIFO stays as long as the child has it open, too. See
//             process.hpp and lock_file.hpp in channel/, also for vfork, posix_spawn and clone
// Exclusion   one consumer, as many producers as the pipe was made for: a role that a live process
//             holds is refused with in_use and the holder's pid
// Claims      are the producer's own memory, written to the pipe by their commit. When others have
//             taken the room since, the commit waits as long as a consumer is attached; without
//             one it is owed, goes out before anything else, and is dropped and counted at close().
//             interrupt() ends that wait too: then it is owed, and the next wait is told
// At once     what the kernel does not grant at once, by no try_ form: it never_fits there. The
//             waiting forms pass messages up to max_message(), whatever the kernel grants
// Progress    outflow.hpp and inflow.hpp count the system calls of each operation
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include <annulus/channel/at_least_cxx20.hpp>
#include <annulus/channel/checked.hpp>
#include <annulus/channel/concepts.hpp>
#include <annulus/channel/drain.hpp>
#include <annulus/channel/mark.hpp>
#include <annulus/channel/waiting.hpp>
#include <annulus/pipe/inflow.hpp>
#include <annulus/pipe/named_pipe.hpp>
#include <annulus/pipe/outflow.hpp>

namespace annulus {

// A producer of a named pipe.
class pipe_producer {
 public:
  using claim_type = pipes::outflow::claim_type;  // basic_claim of this producer

  // Takes a free producer's role. Fails with in_use, and names the holders, if there is none.
  [[nodiscard]] static result<pipe_producer> attach(const named_pipe& to, waiting how = {});

  pipe_producer(pipe_producer&&) noexcept = default;
  pipe_producer& operator=(pipe_producer&&) noexcept;
  ~pipe_producer() { close(); }

  // Space for one message of so many bytes. Requires: not destroyed while the claim is open.
  [[nodiscard]] claim_type try_claim(std::size_t bytes) noexcept;
  // Sends one message: ok, or why not.
  [[nodiscard]] status try_push(message one) noexcept;
  // One message, gathered from several pieces.
  [[nodiscard]] status try_push(pieces parts) noexcept;
  // As many as fit, in order, each by itself.
  [[nodiscard]] batch try_push_batch(messages many) noexcept;

  // The same, waiting for room: until the deadline, or while there is none the consumer's close or
  // its death. What fits is taken, whether a consumer is there or not: the next one finds it.
  [[nodiscard]] claim_type claim(std::size_t bytes, deadline until) noexcept;
  [[nodiscard]] status push(message one, deadline until) noexcept;
  [[nodiscard]] status push(pieces parts, deadline until) noexcept;
  // Waits until all are taken; the batch tells how many were when the wait ended.
  [[nodiscard]] batch push_batch(messages many, deadline until) noexcept;

  // The newest gives way: without room it is dropped and counted, and the answer is `full`.
  [[nodiscard]] status push_or_drop(message one) noexcept;

  // Gives up the open claim of a thread that ended in it. From any thread of the process. Requires:
  // the claiming thread has ended, and its claim is not used any more, not even destroyed, once
  // another claim is open.
  void abandon_claim() noexcept;

  // Whether a claim that was committed has still to go out: it does before anything else.
  [[nodiscard]] bool owes() const noexcept;
  // What is known of the consumer. Asks the kernel.
  [[nodiscard]] presence peer() noexcept;
  // Ends the wait that runs in this role, or else the next one, which then answers `interrupted`.
  // From any thread of the process, and from a signal handler. try_ forms know nothing of it.
  // Requires: the role is neither moved nor destroyed meanwhile.
  void interrupt() noexcept;
  // Says that no more will come and gives the role back. An open claim is aborted first.
  void close() noexcept;

  // The most that one message can hold, bytes.
  [[nodiscard]] std::size_t max_message() const noexcept;
  // The largest that try_ forms pass: less than max_message() where the kernel grants little.
  [[nodiscard]] std::size_t most_at_once() const noexcept;
  [[nodiscard]] std::uint32_t number() const noexcept;

 private:
  explicit pipe_producer(pipes::outflow made)
      : core_(std::make_unique<pipes::outflow>(std::move(made))) {}

  std::unique_ptr<pipes::outflow> core_;  // none: moved from
  [[no_unique_address]] checked_role watch_{"pipe_producer", true};
};

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
  // The same, waiting: until the deadline, the producers' close, or the death of the last of them.
  [[nodiscard]] view read(deadline until) noexcept;
  // Hands back the space of all that was read; its views end here.
  void release() noexcept;

  // Reads up to `limit` messages into f, which takes a `message` and does not throw, and hands
  // their space back: at the end, and on the way whenever an eighth of the FIFO has been read.
  template <class F>
  batch drain(F&& f, std::size_t limit) noexcept {
    return drain_from(*this, f, limit, [&] { return much_is_unreleased(); });
  }
  // The same, waiting for the first.
  template <class F>
  batch drain(F&& f, std::size_t limit, deadline until) noexcept {
    return drain_from(*this, f, limit, until, [&] { return much_is_unreleased(); });
  }

  // What is known of the producers; the most alive one counts. Asks the kernel.
  [[nodiscard]] presence peer() noexcept;
  // The live producer of a long message that is not whole, when nothing else is there.
  [[nodiscard]] std::optional<stall> stalled_by() const noexcept;
  [[nodiscard]] std::optional<damage> last_damage() const noexcept;

  // The mark of the last message that was read: its producer and its sequence.
  [[nodiscard]] message_mark mark() const noexcept;

  // Ends the wait that runs in this role, or else the next one, which then answers `interrupted`.
  // From any thread of the process, and from a signal handler. try_ forms know nothing of it.
  // Requires: the role is neither moved nor destroyed meanwhile.
  void interrupt() noexcept;

  // Says that nothing more will be read and gives the role back. What was read and not released
  // comes again to the next consumer.
  void close() noexcept;

  // The most that one message can hold, bytes.
  [[nodiscard]] std::size_t max_message() const noexcept;
  // What the FIFO holds at once, bytes.
  [[nodiscard]] std::uint64_t capacity() const noexcept { return core_ ? core_->capacity() : 0; }

 private:
  explicit pipe_consumer(pipes::inflow made)
      : core_(std::make_unique<pipes::inflow>(std::move(made))) {}

  [[nodiscard]] bool much_is_unreleased() const noexcept {
    return core_->unreleased_bytes() >= core_->capacity() / 8;
  }

  std::unique_ptr<pipes::inflow> core_;  // none: moved from
  [[no_unique_address]] checked_role watch_{"pipe_consumer"};
};

static_assert(producer<pipe_producer> && consumer<pipe_consumer>);

}  // namespace annulus
