// The ring's roles, as programs use them: attached to a segment, able to wait, closed at the end.
//
//     auto memory = annulus::segment::open_or_create("orders");
//     auto tx = annulus::spsc_producer::attach(*memory);
//     if (tx->try_push(message) == annulus::status::ok) ...
//
// Threads, signals, processes, answers: channel/concepts.hpp. Beyond that, a child of fork() may
// read what its parent had read or claimed, and no more.
//
// Progress    one producer: every try_ form, commit and release is wait-free. Many producers: a
//             claim, and so a push, is lock-free, the rest is wait-free. No system call, unless the
//             other side sleeps and must be woken
// Takes       try_claim, try_read, commit, abort: O(1), or O(bytes) with integrity=crc32c.
//             try_push: O(bytes). release: O(1) with one producer, but for a pass over each chunk
//             (64 KiB at most) where the cores are far apart; with many it zeroes, O(bytes).
//             examine, attach: O(producers), and O(capacity) behind damage or a death
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include <annulus/channel/at_least_cxx20.hpp>
#include <annulus/channel/checked.hpp>
#include <annulus/channel/concepts.hpp>
#include <annulus/channel/drain.hpp>
#include <annulus/channel/mark.hpp>
#include <annulus/ring/atomics.hpp>
#include <annulus/ring/mpsc.hpp>
#include <annulus/ring/role.hpp>
#include <annulus/ring/segment.hpp>
#include <annulus/ring/spsc.hpp>

namespace annulus {

// Take a role: its lock, then its words. The error names who holds it. (ring.cpp)
[[nodiscard]] result<bool> take_consumer(const attachment& held, topology expected);
// The first free one. Returns its number.
[[nodiscard]] result<std::uint32_t> take_producer(const attachment& held, topology expected);
// Call it with the lock held. A remover holds every role's lock until the name is gone.
[[nodiscard]] std::optional<failure> lost_name(const segment& of);

// A producer of a ring: spsc_producer, mpsc_producer. The try_ forms of a lone producer are
// wait-free; those of several are lock-free.
template <class Core>
class ring_producer {
 public:
  using claim_type = typename Core::claim_type;  // basic_claim of this producer

  // Takes a free producer's role. Fails with in_use, and names the holders, if there is none.
  [[nodiscard]] static result<ring_producer> attach(const segment& to, waiting how = {});

  ring_producer(ring_producer&&) noexcept = default;
  ring_producer& operator=(ring_producer&& other) noexcept {
    if (this == &other) return *this;
    close();
    held_ = std::move(other.held_);
    core_ = std::move(other.core_);
    how_ = other.how_;
    waits_ = other.waits_;
    home_ = std::move(other.home_);
    watch_ = std::move(other.watch_);
    return *this;
  }
  ~ring_producer() { close(); }

  // Space for one message of `bytes` bytes. Requires: not moved while the claim is open.
  [[nodiscard]] claim_type try_claim(std::size_t bytes) noexcept {
    const auto running = watch_.enter("try_claim");
    if (!home_.is_here()) [[unlikely]]
      return claim_type(status::not_permitted);
    auto made = refusals_counted(core_.try_claim(bytes));
    watch_.opened(made);
    return made;
  }
  // Sends one message: ok, or why not.
  [[nodiscard, gnu::always_inline]] status try_push(message one) noexcept {
    const auto running = watch_.enter("try_push");
    if (!home_.is_here()) [[unlikely]]
      return status::not_permitted;
    return refusals_counted(core_.try_push(one));
  }
  // One message, gathered from several pieces.
  [[nodiscard]] status try_push(pieces parts) noexcept {
    const auto running = watch_.enter("try_push");
    if (!home_.is_here()) [[unlikely]]
      return status::not_permitted;
    return refusals_counted(core_.try_push(parts));
  }
  // As many as fit, in order; what was taken becomes visible at once.
  [[nodiscard]] batch try_push_batch(messages many) noexcept {
    const auto running = watch_.enter("try_push_batch");
    if (!home_.is_here()) [[unlikely]]
      return {0, status::not_permitted};
    return refusals_counted(core_.try_push_batch(many));
  }

  // Waits for room until the deadline. Without room it also returns when the consumer closes or
  // dies, or the name is lost. Without a consumer a message that fits is accepted; the next one
  // reads it.
  [[nodiscard]] claim_type claim(std::size_t bytes, deadline until) noexcept {
    const auto running = watch_.enter("claim");
    auto made = wait(until, [&] { return open([&] { return core_.try_claim(bytes); }); });
    watch_.opened(made);
    return made;
  }
  // Waits like claim(), and pushes.
  [[nodiscard]] status push(message one, deadline until) noexcept {
    const auto running = watch_.enter("push");
    return wait(until, [&] { return open([&] { return core_.try_push(one); }); });
  }
  [[nodiscard]] status push(pieces parts, deadline until) noexcept {
    const auto running = watch_.enter("push");
    return wait(until, [&] { return open([&] { return core_.try_push(parts); }); });
  }
  // Waits until all are taken; the batch says how many were when the wait ended.
  [[nodiscard]] batch push_batch(messages many, deadline until) noexcept {
    const auto running = watch_.enter("push_batch");
    batch all;
    do {
      const auto rest = many.subspan(all.count);
      const auto some =
          wait(until, [&] { return open([&] { return core_.try_push_batch(rest); }); });
      all.count += some.count;
      all.why = some.why;
      if (some.count == 0) break;
    } while (all.count < many.size());
    return all;
  }

  // Without room: drops the message, counts it and returns `full`.
  [[nodiscard]] status push_or_drop(message one) noexcept {
    const auto running = watch_.enter("push_or_drop");
    if (!home_.is_here()) [[unlikely]]
      return status::not_permitted;
    const status s = core_.try_push(one);
    if (s == status::full) core_.counters().dropped();
    return s;
  }

  // Aborts the open claim of a thread that ended inside it. Until then an mpsc ring is blocked at
  // that claim. From any thread of the process. Requires: the claiming thread has ended, and its
  // claim is not used any more, not even destroyed, once another claim is open.
  void abandon_claim() noexcept {
    const auto running = watch_.enter("abandon_claim");
    if (home_.is_here()) core_.abort_claim();
    watch_.abandoned();
  }

  // The consumer's presence. Makes a system call.
  [[nodiscard]] presence peer() noexcept {
    return held_.is_here() ? consumer_of<std_atomics>(core_.memory()) : presence::never_came;
  }
  // Whether the ring's name is gone or names another file. Attached roles still work; others cannot
  // find the ring. Waits return `removed`; try_ forms do not check. Makes
  // system calls.
  [[nodiscard]] bool has_lost_name() const noexcept { return held_.has_lost_name(); }

  // Ends the wait that runs in this role, or else the next one, which then answers `interrupted`.
  // From any thread of the process, and from a signal handler. try_ forms ignore it. Requires: the
  // role is neither moved nor destroyed meanwhile.
  void interrupt() noexcept {
    if (held_.is_here()) waits_.interrupt.raise(core_.memory().control->producers_bell);
  }

  // Closes the role and releases its lock. An open claim is aborted first.
  void close() noexcept {
    const auto running = watch_.enter("close");
    if (!home_.leave()) return;
    watch_.closed();
    close_producer(core_);
    held_.unlock();
  }

  // The most that one message can hold, bytes.
  [[nodiscard]] std::size_t max_message() const noexcept { return core_.max_message(); }
  // This producer's index, from 0; a successor reuses a dead producer's.
  [[nodiscard]] std::uint32_t number() const noexcept { return core_.number(); }
  // The ring's size and limits.
  [[nodiscard]] const annulus::geometry& geometry() const noexcept {
    return core_.memory().geometry;
  }

 private:
  ring_producer(attachment held, Core core, waiting how) noexcept
      : held_(std::move(held)), core_(std::move(core)), how_(how) {}

  static status status_of(status s) noexcept { return s; }
  static status status_of(const claim_type& c) noexcept { return c.status(); }
  static status status_of(const batch& b) noexcept { return b.count > 0 ? status::ok : b.why; }

  template <class Result>
  [[gnu::always_inline]] Result refusals_counted(Result r) noexcept {
    if (status_of(r) == status::full) [[unlikely]]
      core_.counters().refused();
    return r;
  }

  // The attempt, unless the role is closed, or another process's.
  template <class Attempt>
  auto open(Attempt attempt) noexcept -> decltype(attempt()) {
    if (!home_.is_here()) return refusal<decltype(attempt())>(status::not_permitted);
    return attempt();
  }
  template <class Result>
  static Result refusal(status why) noexcept {
    if constexpr (std::is_same_v<Result, batch>)
      return batch{0, why};
    else
      return Result(why);
  }

  template <class Attempt>
  auto wait(deadline until, Attempt attempt) noexcept -> decltype(attempt()) {
    return wait_for_room(
        core_, how_, until, waits_, [&] { return has_lost_name(); }, attempt,
        [](const auto& r) { return status_of(r); },
        [](status s) { return refusal<decltype(attempt())>(s); });
  }

  attachment held_;
  Core core_;
  waiting how_;
  wait_memory<typename Core::atomics> waits_;
  home home_ = home::here();  // nobody's: closed
  [[no_unique_address]] checked_role watch_{Core::topology == topology::spsc ? "spsc_producer"
                                                                             : "mpsc_producer"};
};

// The consumer of a ring: spsc_consumer, mpsc_consumer. Its try_ forms are wait-free; a search
// behind damage or a dead claim takes steps bounded by the capacity.
template <class Core>
class ring_consumer {
 public:
  // Takes the consumer's role. Fails with in_use, and names the holder, if it is taken.
  [[nodiscard]] static result<ring_consumer> attach(const segment& to, waiting how = {});

  ring_consumer(ring_consumer&&) noexcept = default;
  ring_consumer& operator=(ring_consumer&& other) noexcept {
    if (this == &other) return *this;
    close();
    held_ = std::move(other.held_);
    core_ = std::move(other.core_);
    how_ = other.how_;
    waits_ = other.waits_;
    home_ = std::move(other.home_);
    watch_ = std::move(other.watch_);
    return *this;
  }
  ~ring_consumer() { close(); }

  // The next message, in place until release().
  [[nodiscard, gnu::always_inline]] view try_read() noexcept {
    const auto running = watch_.enter("try_read");
    if (!home_.is_here()) [[unlikely]]
      return status::not_permitted;
    return core_.try_read();
  }
  // Waits for a message until the deadline. Also returns when the producers close, the last one
  // dies or, once all is read, the name is lost.
  [[nodiscard]] view read(deadline until) noexcept {
    const auto running = watch_.enter("read");
    if (!home_.is_here()) return status::not_permitted;
    return wait_for_message(core_, home_, how_, until, waits_, [&] { return has_lost_name(); });
  }

  // Hands back the space of all that was read; its views end here.
  [[gnu::always_inline]] void release() noexcept {
    const auto running = watch_.enter("release");
    if (!home_.is_here()) [[unlikely]]
      return;
    core_.release();
  }

  // Reads up to `limit` messages into f, which takes a `message` and does not throw, and hands
  // their space back: at the end, and whenever an eighth of the capacity is unreleased.
  template <class F>
  batch drain(F&& f, std::size_t limit) noexcept {
    return drain_from(*this, f, limit, [&] { return much_is_unreleased(); });
  }
  // The same, waiting for the first.
  template <class F>
  batch drain(F&& f, std::size_t limit, deadline until) noexcept {
    return drain_from(*this, f, limit, until, [&] { return much_is_unreleased(); });
  }

  // Like try_read(), and also checks at once for dead claims, damage and end of stream. Makes
  // system calls.
  [[nodiscard]] view examine() noexcept {
    const auto running = watch_.enter("examine");
    if (!home_.is_here()) return status::not_permitted;
    return core_.examine();
  }

  // The producers' presence: that of the most alive one. Makes system calls.
  [[nodiscard]] presence peer() noexcept {
    return held_.is_here() ? presence_of_producers(core_.memory()) : presence::never_came;
  }
  // As of a producer.
  [[nodiscard]] bool has_lost_name() const noexcept { return held_.has_lost_name(); }
  // The live producer whose open claim holds up what is behind it, as of the last examination.
  // Empty in a ring of one producer.
  [[nodiscard]] std::optional<stall> stalled_by() const noexcept { return core_.stalled_by(); }
  // The last stretch that was skipped as damaged since this consumer attached.
  [[nodiscard]] std::optional<damage> last_damage() const noexcept { return core_.last_damage(); }

  // The last read message's mark: its stream and end position.
  [[nodiscard]] message_mark mark() const noexcept {
    return {core_.memory().geometry.key, core_.cursor()};
  }

  // Ends the wait that runs in this role, or else the next one, which then answers `interrupted`.
  // From any thread of the process, and from a signal handler. try_ forms ignore it. Requires: the
  // role is neither moved nor destroyed meanwhile.
  void interrupt() noexcept {
    if (held_.is_here()) waits_.interrupt.raise(core_.memory().control->consumer_bell);
  }

  // Says that nothing more will be read and gives the role back. What was read and not released
  // is redelivered to the next consumer.
  void close() noexcept {
    const auto running = watch_.enter("close");
    if (!home_.leave()) return;
    close_consumer(core_);
    held_.unlock();
  }

  // The most that one message can hold, bytes.
  [[nodiscard]] std::size_t max_message() const noexcept { return core_.max_message(); }
  // What the ring holds at once, bytes.
  [[nodiscard]] std::uint64_t capacity() const noexcept { return geometry().capacity; }
  // The ring's size and limits.
  [[nodiscard]] const annulus::geometry& geometry() const noexcept {
    return core_.memory().geometry;
  }

 private:
  ring_consumer(attachment held, Core core, waiting how) noexcept
      : held_(std::move(held)), core_(std::move(core)), how_(how) {}

  [[nodiscard]] bool much_is_unreleased() const noexcept {
    return core_.unreleased_bytes() >= core_.memory().geometry.capacity / 8;
  }

  attachment held_;
  Core core_;
  waiting how_;
  wait_memory<typename Core::atomics> waits_;
  home home_ = home::here();  // nobody's: closed
  [[no_unique_address]] checked_role watch_{Core::topology == topology::spsc ? "spsc_consumer"
                                                                             : "mpsc_consumer"};
};

// The only producer of a ring.
using spsc_producer = ring_producer<basic_spsc_producer<std_atomics>>;
// The consumer of one producer.
using spsc_consumer = ring_consumer<basic_spsc_consumer<std_atomics>>;
// One producer of many.
using mpsc_producer = ring_producer<basic_mpsc_producer<std_atomics>>;
// The consumer of many producers.
using mpsc_consumer = ring_consumer<basic_mpsc_consumer<std_atomics>>;

static_assert(producer<spsc_producer> && consumer<spsc_consumer>);
static_assert(producer<mpsc_producer> && consumer<mpsc_consumer>);

template <class Core>
result<ring_producer<Core>> ring_producer<Core>::attach(const segment& to, waiting how) {
  auto held = attachment::make(to, access::read_write);
  if (!held) return held.error();
  auto number = take_producer(*held, Core::topology);
  if (auto why = lost_name(to)) return *why;
  if (!number) return number.error();
  Core core(held->memory(), *number);
  call_the_roll<std_atomics>(*held->memory().control);
  return ring_producer(std::move(*held), std::move(core), how);
}

template <class Core>
result<ring_consumer<Core>> ring_consumer<Core>::attach(const segment& to, waiting how) {
  auto held = attachment::make(to, access::read_write);
  if (!held) return held.error();
  auto taken = take_consumer(*held, Core::topology);
  if (auto why = lost_name(to)) return *why;
  if (!taken) return taken.error();
  Core core(held->memory());
  return ring_consumer(std::move(*held), std::move(core), how);
}

}  // namespace annulus
