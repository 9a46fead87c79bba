// Memory for what a producer is about to write, in a ring that was made with reserve off.
//
// Such a ring takes memory only when it is written first, and a write or a read where none is left
// ends the process by SIGBUS. So a producer asks the kernel before it claims: for the record, and
// for the header behind it, where the consumer looks next. What has no memory is not claimed, and
// the answer is no_memory. Nothing that was committed stands behind it, and the ring goes on as
// soon as there is memory again.
//
// Cost   none on the fast path: a producer's room ends where it has not asked yet. A system call
//        for each chunk of the first lap, later one in a lap
#pragma once

#include <algorithm>
#include <cstdint>

#include <annulus/ring/memory.hpp>

namespace annulus {

// Requires: used by one producer of the memory that each call is given.
template <class Atomics>
class provision {
  using memory = ring_memory<Atomics>;

 public:
  explicit provision(const memory& ring) noexcept : is_partial_(ring.data.lacks_memory()) {}

  // How far the room goes that has memory: up to `end` at most, and to pos + need if there is so
  // much memory. Requires: the header at pos has memory, and pos + need is not past `end`.
  [[nodiscard]] std::uint64_t room(const memory& ring, std::uint64_t pos, std::uint64_t need,
                                   std::uint64_t end) noexcept {
    if (!is_partial_) [[likely]]
      return end;
    if (!has_begun_ || is_before(to_, pos + header_bytes)) begin(pos);
    const auto wanted = pos + need;
    if (is_before(to_, wanted)) {
      const auto lap_end = pos - ring.index_of(pos) + ring.geometry.capacity;
      const auto spare = earlier(earlier(pos + ring.chunk(), lap_end), end);
      for (const auto more : {is_before(wanted, spare) ? spare : wanted, wanted}) {
        if (!has_memory(ring, lap_end, to_, more)) continue;
        to_ = more;
        break;
      }
    }
    return earlier(to_, end);
  }

  // Whether there is anything to ask for.
  [[nodiscard]] bool is_partial() const noexcept { return is_partial_; }

 private:
  static std::uint64_t earlier(std::uint64_t a, std::uint64_t b) noexcept {
    return is_before(a, b) ? a : b;
  }

  // A producer that claimed up to pos has asked for memory up to there.
  void begin(std::uint64_t pos) noexcept {
    to_ = pos + header_bytes;
    if (!has_begun_) first_ = pos;
    has_begun_ = true;
  }

  // A record that crosses the end of the data runs on in the extension, and the next one starts
  // at the front. Behind a whole lap all has memory but some of the extension.
  [[nodiscard]] bool has_memory(const memory& ring, std::uint64_t lap_end, std::uint64_t from,
                                std::uint64_t to) const noexcept {
    const auto& shape = ring.geometry;
    if (is_before(lap_end, to)) {
      const auto extension = shape.segment_bytes - shape.data_offset - shape.capacity;
      const auto crossing = std::min(to - lap_end, extension);
      if (!ring.data.provide(shape.capacity, shape.capacity + crossing)) return false;
    }
    if (from - first_ >= shape.capacity) return true;
    const auto index = ring.index_of(from);
    const auto stop = index + (to - from);
    return ring.data.provide(index, std::min(stop, shape.capacity)) &&
           (stop <= shape.capacity || ring.data.provide(0, stop - shape.capacity));
  }

  bool is_partial_;
  bool has_begun_ = false;
  std::uint64_t first_ = 0;  // where this producer began to ask
  std::uint64_t to_ = 0;     // up to here there is memory
};

}  // namespace annulus
