#include "cli/resume.hpp"

#include "cli/exit_code.hpp"
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include <annulus/channel/concepts.hpp>
#include <annulus/ring/inspect.hpp>
#include <annulus/ring/record.hpp>

namespace annulus::cli {
namespace {

command_error not_resumable(const bus::channel& at, const std::string& why) {
  return {exit_code::failure,
          fmt::format("cannot go on in {}: {}; was it all sent from this input, with this --chunk? "
                      "If not, remove the ring and send anew",
                      at.name(), why)};
}

// What an earlier, killed run has sent, as the ring tells it: every record of a whole chunk takes
// the same room. Requires: the only producer of the ring, attached, so that the position is exact.
struct sent_before {
  std::uint64_t chunks;  // whole ones
  std::uint64_t rest;    // bytes of the record of a shorter last chunk; 0: there is none
};

sent_before find_sent(const bus::channel& at, std::uint64_t chunk) {
  const auto& shape = at.ring().geometry();
  const auto seen = must(inspect(at.ring()));
  const auto& producer = seen.producers.front();
  const auto each = record_bytes(chunk, shape.trailer_bytes());
  const auto all = seen.write_pos - shape.first_pos;
  const sent_before out{all / each, all % each};

  // A producer counts by the chunk: each death may have cost so many counts, and nothing else may.
  const auto sent = out.chunks + (out.rest != 0 ? 1 : 0);
  const auto counted = producer.counters.messages;
  const auto lost = (producer.incarnation - 1) * (longest_chunk / each + 1);
  if (counted > sent || sent - counted > lost) {
    throw not_resumable(at,
                        fmt::format("{} messages were sent in {} bytes of records, and chunks of "
                                    "{} would be {}",
                                    counted, all, chunk, sent));
  }
  return out;
}

// Whether the last record, of `room` bytes, holds just this. Its bytes stay until the next push.
bool is_last_sent(const bus::channel& at, message bytes, std::uint64_t room) {
  const auto held = must(attachment::make(at.ring(), access::read_only));
  const auto& ring = held.memory();
  const auto pos = must(inspect(at.ring())).write_pos - room;
  const auto payload = ring.payload(pos, bytes.size());
  return ring.record_bytes(bytes.size()) == room && std::ranges::equal(payload, bytes);
}

}  // namespace

bool skip_sent(const bus::channel& at, file& input, std::uint64_t chunk) {
  if (at.topology() != topology::spsc) {
    throw not_resumable(at, "it has many producers, and their records mingle");
  }
  const auto before = find_sent(at, chunk);
  std::vector<std::byte> last(chunk);
  if (before.chunks > 0) {
    const auto skipped = (before.chunks - 1) * chunk;
    if (input.skip(skipped) != skipped || input.read_full(last) != chunk) {
      throw not_resumable(at, fmt::format("the input is shorter than the {} bytes that were sent",
                                          before.chunks * chunk));
    }
    if (before.rest == 0) {
      const auto room = record_bytes(chunk, at.ring().geometry().trailer_bytes());
      if (!is_last_sent(at, last, room)) {
        throw not_resumable(at, "the last chunk that was sent is not what the input has there");
      }
      return false;
    }
  }
  if (before.rest == 0) return false;
  const auto got = input.read_full(last);
  if (got == chunk || !is_last_sent(at, std::span(last).first(got), before.rest)) {
    throw not_resumable(at,
                        "the last, shorter chunk that was sent is not what the input ends with");
  }
  return true;
}

}  // namespace annulus::cli
