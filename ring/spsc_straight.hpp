// The stretch of free room in which a lone producer's push makes one check of room: whether its
// record ends there (the fast path of spsc.hpp).
//
// It goes to the end of the data, or of the room, or until it is time to publish the counters.
// Behind short records it ends sooner: the slow path asks for the lines of the next step, and the
// stretch goes on.
#pragma once

#include <algorithm>
#include <cstdint>

#include <annulus/ring/ahead.hpp>
#include <annulus/ring/memory.hpp>

namespace annulus {

template <class Atomics>
class straight_room {
 public:
  using area = typename Atomics::area;

  // None yet.
  explicit straight_room(std::uint64_t pos) noexcept : end_(pos), all_(pos), behind_claim_(pos) {}

  // Whether a record and the terminator behind it, which end here, lie in it.
  [[nodiscard, gnu::always_inline]] bool reaches(std::uint64_t end) const noexcept {
    return !is_before(end_, end);
  }
  [[nodiscard, gnu::always_inline]] std::uint64_t left_behind(std::uint64_t end) const noexcept {
    return end_ - end;
  }
  // The data, by position: up to the end of the stretch it need not be masked. Returned by
  // reference: gcc 12 would copy it through memory.
  [[nodiscard, gnu::always_inline]] const area& lap() const noexcept { return lap_; }

  // A new stretch, up to `limit` at most. With a checksum no record is in reach: goes_on() says
  // whether it fits.
  void begin(const ring_memory<Atomics>& ring, std::uint64_t pos, std::uint64_t limit,
             std::uint64_t record) noexcept {
    const auto index = ring.index_of(pos);
    const auto room = std::min({limit - pos, ring.geometry.capacity - index, longest_chunk});
    all_ = pos + room - header_bytes;
    step_ = step_of_asking<Atomics>(ring.geometry.capacity);
    lap_ = ring.data.starting_at(pos - index);
    go_on(ring, pos, record);
  }

  // Whether a record at pos still fits into the stretch; then asks for the next lines.
  // Requires: no claim is open; the record is one of at most max_message.
  [[nodiscard]] bool goes_on(const ring_memory<Atomics>& ring, std::uint64_t pos,
                             std::uint64_t record) noexcept {
    if (is_before(all_, pos + record)) return false;
    go_on(ring, pos, record);
    return true;
  }

  // While a claim at pos is open nothing else has room.
  [[gnu::always_inline]] void open_claim(std::uint64_t pos) noexcept {
    behind_claim_ = end_;
    end_ = pos;
  }
  [[gnu::always_inline]] void close_claim() noexcept { end_ = behind_claim_; }

 private:
  // The next record is at pos. Asks for lines, and sets where they are asked for again.
  void go_on(const ring_memory<Atomics>& ring, std::uint64_t pos, std::uint64_t record) noexcept {
    const bool is_checked = ring.geometry.trailer_bytes() != 0;
    end_ = is_checked ? pos : all_;
    const auto stride = record + step_;
    if (is_checked || step_ == 0 || record >= shortest_asked || is_before(all_, pos + 2 * stride))
      return;
    end_ = pos + stride;
    for (auto at = end_; is_before(at, end_ + stride); at += Atomics::cache_line_bytes) {
      lap_.prefetch_for_write(at);
    }
  }

  std::uint64_t end_;  // a record may end here: before all_ at a step, in a claim, with checksums
  std::uint64_t all_;  // where the stretch ends
  std::uint64_t step_ = 0;
  area lap_;
  std::uint64_t behind_claim_;
};

}  // namespace annulus
