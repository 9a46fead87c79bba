// The identity of a message, so that one that is redelivered can be told from a new one.
#pragma once

#include <cstdint>

namespace annulus {

// A redelivered message keeps its mark. The sequences of a stream grow with its messages; they may
// wrap, and are compared by their distance.
struct message_mark {
  std::uint64_t stream = 0;    // of one ring, or of one producer of a pipe
  std::uint64_t sequence = 0;  // within the stream

  // Whether both are marks of the same message.
  friend constexpr bool operator==(const message_mark&, const message_mark&) = default;
};

}  // namespace annulus
