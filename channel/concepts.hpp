// The interface that every transport shares, as concepts, and what holds for every role.
//
// A producer cannot read, a consumer cannot push: roles are types. try_ never waits; the same name
// without it waits until a deadline. A claim is used once: it moves, and its destructor aborts.
//
// Threads     a role is used by one thread at a time; roles are independent of each other. Another
//             thread may call interrupt() and abandon_claim(), and nothing else
// Signals     interrupt() alone is async-signal-safe. A handler that pushes into a role which the
//             interrupted thread is using spoils messages: give it a role of its own (checked.hpp
//             finds that). No operation is a cancellation point: pthread_cancel acts after it;
//             interrupt() ends a wait
// Processes   a role belongs to the process that attached it. In a child of fork() its copy, an
//             open claim included, does nothing: every call answers not_permitted, close() and the
//             destructor change nothing, and the parent is unaffected. The child attaches its own
//             roles. A dead parent is detected even while its child lives: see process.hpp and
//             lock_file.hpp, also for vfork, posix_spawn and clone
// Exclusion   one consumer, and as many producers as the channel was made for: attach() refuses a
//             role that a live process holds with in_use, and names the holder's pid
//
// What the operations answer, besides ok; not_permitted where a claim is open, the role has closed
// or is another process's:
//
//     try_claim, try_push, try_push_batch   full, closed, never_fits, corrupt, no_memory
//     claim, push, push_batch               the same, but instead of full: timed_out, interrupted,
//                                           peer_gone, removed
//     push_or_drop                          as try_push; only what was full is dropped and counted
//     try_read                              empty, closed, corrupt (read on), stalled
//     read                                  the same, but instead of empty: timed_out, interrupted,
//                                           peer_gone, removed; stalled at its deadline
//     attach                                in_use, incompatible (the other topology), not_found
//                                           (the name was lost), no_permission, no_space, system
//
// A deadline that has passed means one attempt. A wait notices a death within 10 ms, after a longer
// silence within as long again, one second at most. peer() asks the kernel about each role, and
// has_lost_name() about the path: a few system calls each. close() never waits, and does nothing
// the second time. An attempt costs O(bytes of the message); what else it costs, and its progress,
// stands at each transport: ring/ring.hpp, pipe/pipe.hpp.
#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <span>

#include <annulus/channel/at_least_cxx20.hpp>
#include <annulus/channel/mark.hpp>
#include <annulus/channel/status.hpp>
#include <annulus/channel/view.hpp>

namespace annulus {

using message = std::span<const std::byte>;  // one message
using pieces = std::span<const message>;     // one message, gathered from several pieces
using messages = std::span<const message>;   // several messages

template <class C>
concept message_claim = std::movable<C> && !std::copyable<C> && std::destructible<C> &&
                        requires(C claim, const C& known, std::size_t fewer) {
  static_cast<bool>(known);
  { known.status() }
  noexcept->std::same_as<status>;
  { claim.bytes() }
  noexcept->std::same_as<std::span<std::byte>>;
  { claim.commit() }
  noexcept;
  { claim.commit(fewer) }
  noexcept;
  { claim.abort() }
  noexcept;
};

template <class P>
concept producer = std::movable<P> && !std::copyable<P> &&
                   requires(P p, const P& known, std::size_t bytes, message one, pieces parts,
                            messages many, deadline until) {
  { p.try_claim(bytes) }
  noexcept->message_claim;
  { p.try_push(one) }
  noexcept->std::same_as<status>;
  { p.try_push(parts) }
  noexcept->std::same_as<status>;
  { p.try_push_batch(many) }
  noexcept->std::same_as<batch>;
  { p.claim(bytes, until) }
  noexcept->message_claim;
  { p.push(one, until) }
  noexcept->std::same_as<status>;
  { p.push(parts, until) }
  noexcept->std::same_as<status>;
  { p.push_batch(many, until) }
  noexcept->std::same_as<batch>;
  { p.push_or_drop(one) }
  noexcept->std::same_as<status>;
  { p.peer() }
  noexcept->std::same_as<presence>;
  { known.has_lost_name() }
  noexcept->std::same_as<bool>;
  { p.interrupt() }
  noexcept;
  { p.abandon_claim() }
  noexcept;
  { p.close() }
  noexcept;
  { known.max_message() }
  noexcept->std::same_as<std::size_t>;
};

template <class C>
concept consumer =
    std::movable<C> && !std::copyable<C> &&
    requires(C c, const C& known, std::size_t limit, deadline until, void (&f)(message)) {
  { c.try_read() }
  noexcept->std::same_as<view>;
  { c.read(until) }
  noexcept->std::same_as<view>;
  { c.release() }
  noexcept;
  { c.drain(f, limit) }
  noexcept->std::same_as<batch>;
  { c.drain(f, limit, until) }
  noexcept->std::same_as<batch>;
  { c.peer() }
  noexcept->std::same_as<presence>;
  { known.has_lost_name() }
  noexcept->std::same_as<bool>;
  { c.interrupt() }
  noexcept;
  { c.close() }
  noexcept;
  { known.stalled_by() }
  noexcept->std::same_as<std::optional<stall>>;
  { known.last_damage() }
  noexcept->std::same_as<std::optional<damage>>;
  { known.mark() }
  noexcept->std::same_as<message_mark>;
  { known.max_message() }
  noexcept->std::same_as<std::size_t>;
};

}  // namespace annulus
