// Reading many messages and handing their space back: the same for every consumer.
#pragma once

#include <cstddef>
#include <utility>

#include <annulus/channel/status.hpp>
#include <annulus/channel/view.hpp>
#include <annulus/channel/waiting.hpp>

namespace annulus {

// Reads up to `limit` messages into f, which takes a `message` and does not throw, and releases
// them: at the end, and on the way whenever is_due() says that much is unreleased.
template <class Consumer, class F, class IsDue>
batch drain_from(Consumer& from, F&& f, std::size_t limit, IsDue is_due) noexcept {
  batch done;
  for (; done.count < limit; ++done.count) {
    const view seen = from.try_read();
    if (!seen) {
      done.why = seen.status();
      break;
    }
    f(seen.bytes());
    if (is_due()) from.release();
  }
  from.release();
  return done;
}

// The same, waiting for the first.
template <class Consumer, class F, class IsDue>
batch drain_from(Consumer& from, F&& f, std::size_t limit, deadline until, IsDue is_due) noexcept {
  if (limit == 0) return drain_from(from, f, 0, is_due);
  const view first = from.read(until);
  if (!first) {
    from.release();
    return {0, first.status()};
  }
  f(first.bytes());
  batch rest = drain_from(from, f, limit - 1, is_due);
  ++rest.count;
  return rest;
}

}  // namespace annulus
