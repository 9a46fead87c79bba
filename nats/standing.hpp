// How a durable consumer stands, by what the server says of it: what a source that attaches to it
// has to do.
#pragma once

#include <nats/nats.h>

#include <algorithm>
#include <cstdint>

namespace annulus::nats {

enum class standing : std::uint8_t {
  unled,    // of a cluster, and no server leads it yet. It must be left alone: one that is made
            // anew meanwhile waits for an election again, and its numbers are not to be believed
  in_turn,  // all that it has delivered was acknowledged
  ahead,    // it has delivered more: that would come again behind newer messages
};

[[nodiscard]] inline standing standing_of(const jsConsumerInfo& found) noexcept {
  const auto* const cluster = found.Cluster;  // null: of no cluster, or it has just heard of it
  if (cluster != nullptr && (cluster->Leader == nullptr || *cluster->Leader == '\0')) {
    return standing::unled;
  }
  return found.NumAckPending == 0 ? standing::in_turn : standing::ahead;
}

// The sequence up to which all was released, by it or by a reader before. A server that has just
// come to lead a consumer says 0 for the floor of one that was made behind the stream's start.
[[nodiscard]] inline std::uint64_t last_released(const jsConsumerInfo& found,
                                                 std::uint64_t released_to) noexcept {
  const auto start = found.Config->OptStartSeq;
  return std::max({found.AckFloor.Stream, start > 0 ? start - 1 : 0, released_to});
}

}  // namespace annulus::nats
