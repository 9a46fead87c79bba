// The identity of a message, so that one that comes again can be told from a new one.
#pragma once

#include <cstdint>

namespace annulus {

// A message that comes again, after its consumer died, has the mark that it had. The numbers of a
// stream grow with its messages; they may wrap, and are compared by their distance.
struct message_mark {
  std::uint64_t stream = 0;
  std::uint64_t number = 0;

  friend constexpr bool operator==(const message_mark&, const message_mark&) = default;
};

}  // namespace annulus
