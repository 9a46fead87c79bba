// What operations return, and whether the peer is present.
#pragma once

#include <chrono>
#include <cstdint>
#include <ratio>
#include <string_view>
#include <type_traits>

#include <annulus/channel/at_least_cxx20.hpp>

namespace annulus {

// One status for each refusal that a caller must handle differently.
enum class status : std::uint8_t {
  ok,
  full,           // no room now: the consumer has not yet released enough
  empty,          // no message now
  never_fits,     // the message exceeds max_message(): no waiting will help
  closed,         // the other side has closed, and there is no room, or all was read
  peer_gone,      // the other side died without closing, and there is no room, or all was read
  stalled,        // a live producer has claimed and not yet committed: see stalled_by()
  corrupt,        // damaged records were skipped, or the peer's position makes no sense
  not_permitted,  // the role does not allow it now: a claim is open, the role has closed, or it is
                  // another process's
  timed_out,      // the deadline of a waiting form has passed
  interrupted,    // interrupt() ended the wait
  removed,        // the channel's name is gone, so nobody else comes: has_lost_name()
  no_memory,      // the ring has room and the system no memory for it (reserve off): free some
};

// For people and logs.
[[nodiscard]] constexpr std::string_view to_string(status s) noexcept {
  switch (s) {
    case status::ok: return "ok";
    case status::full: return "full";
    case status::empty: return "empty";
    case status::never_fits: return "never fits";
    case status::closed: return "closed";
    case status::peer_gone: return "peer gone";
    case status::stalled: return "stalled";
    case status::corrupt: return "corrupt";
    case status::not_permitted: return "not permitted";
    case status::timed_out: return "timed out";
    case status::interrupted: return "interrupted";
    case status::removed: return "removed";
    case status::no_memory: return "no memory";
  }
  return "unknown status";
}

// A peer's presence; for several producers that of the most alive one.
enum class presence : std::uint8_t {
  never_came,  // nobody has attached yet
  attached,    // alive, as far as the kernel says
  closed,      // left by closing
  died,        // left without closing
};

// For people and logs.
[[nodiscard]] constexpr std::string_view to_string(presence p) noexcept {
  switch (p) {
    case presence::never_came: return "never came";
    case presence::attached: return "attached";
    case presence::closed: return "closed";
    case presence::died: return "died";
  }
  return "unknown presence";
}

// Waiting forms end at a deadline: a point of the steady clock.
using deadline = std::chrono::steady_clock::time_point;
// Never: such a wait ends for other reasons only.
inline constexpr deadline no_deadline = deadline::max();

// That long from now, in any unit. More than 146 years means no_deadline; less than -146 years, or
// NaN, has already passed.
template <class Rep, class Period>
[[nodiscard]] deadline within(std::chrono::duration<Rep, Period> span) noexcept {
  using std::chrono::nanoseconds;
  if constexpr (std::ratio_less_equal_v<std::nano, Period> || std::is_floating_point_v<Rep>) {
    // A span that does not fit into nanoseconds is never converted.
    using wide = std::chrono::duration<std::common_type_t<Rep, std::int64_t>, Period>;
    constexpr auto longest = std::chrono::duration_cast<wide>(nanoseconds::max() / 2);
    if (wide(span) > longest) return no_deadline;
    if (!(span >= span.zero()) && !(wide(span) >= -longest)) return deadline::min();
  }
  return std::chrono::steady_clock::now() + std::chrono::duration_cast<nanoseconds>(span);
}

// The live producer that keeps the consumer waiting between its claim and its commit.
struct stall {
  std::uint32_t producer = 0;  // its number in the ring
  std::int32_t pid = 0;        // as stored when it attached
  std::uint64_t pos = 0;       // the claim's position
  deadline since{};            // when the consumer first noticed
};

// The last damage that the consumer skipped.
struct damage {
  std::uint64_t pos = 0;    // where the damaged records start
  std::uint64_t bytes = 0;  // how much was skipped, headers included
};

// How far a batch got: `count` messages were taken, then `why` stopped it (ok: all were).
struct batch {
  std::uint64_t count = 0;  // messages
  status why = status::ok;  // what stopped it
};

}  // namespace annulus
