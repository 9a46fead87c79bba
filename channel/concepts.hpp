// The interface that every transport shares, as concepts.
//
// A producer cannot read, a consumer cannot push: roles are types. try_ never waits; the same name
// without it waits until a deadline, and interrupt() ends it from another thread or from a signal
// handler. A claim is used once: it moves, and its destructor aborts.
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
