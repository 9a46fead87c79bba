// The room that a producer of many knows of: what the consumer has freed and what has memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include <annulus/channel/status.hpp>
#include <annulus/ring/ahead.hpp>
#include <annulus/ring/bell.hpp>
#include <annulus/ring/edges.hpp>
#include <annulus/ring/memory.hpp>
#include <annulus/ring/provision.hpp>

namespace annulus {

// Requires: used by one producer of the memory that each call is given.
template <class Atomics>
class room_of_many {
  using memory = ring_memory<Atomics>;

 public:
  explicit room_of_many(const memory& ring) noexcept : with_memory_(ring) {
    // [free] acquire: the consumer is done with all below.
    freed_ = ring.control->freed.template load<edge::free>(std::memory_order_acquire);
    if (with_memory_.is_partial()) freed_ -= ring.geometry.capacity;  // the first claim asks
  }

  // Also false if pos is invalid: before what was freed, or not a multiple of 8.
  [[nodiscard]] bool has(const memory& ring, std::uint64_t pos, std::uint64_t need) const noexcept {
    const auto depth = pos - freed_;
    return depth <= ring.geometry.capacity && depth + need <= ring.geometry.capacity &&
           pos % record_align == 0;
  }

  // [pos, pos + need) was claimed: asks for lines that will be written later. The place need not
  // be mapped, so the end of the data does not matter. Another's claim since this producer's last
  // means that others write there too: then not for all the lines of a long record.
  [[gnu::always_inline]] void ask_ahead(const memory& ring, std::uint64_t pos, std::uint64_t need,
                                        bool is_alone) const noexcept {
    if (need >= several_lines && !is_alone) return;
    const auto end = pos + need, room = freed_ + ring.geometry.capacity - end;
    annulus::ask_ahead<Atomics>({ring.data.starting_at(pos - ring.index_of(pos)), end, need, room});
  }

  // Takes up what was freed, as far as it has memory. Returns whether that is enough.
  [[nodiscard]] bool take_up(const memory& ring, std::uint64_t freed, std::uint64_t pos,
                             std::uint64_t need) noexcept {
    freed_ = freed;
    const bool fits = has(ring, pos, need);
    if (!with_memory_.is_partial()) [[likely]]
      return fits;
    const auto end = freed + ring.geometry.capacity + header_bytes;
    const auto room = fits ? with_memory_.room(ring, pos, need + header_bytes, end)
                           : freed + header_bytes;  // none that is known
    freed_ = room - header_bytes - ring.geometry.capacity;
    lacks_memory_ = fits && !has(ring, pos, need);
    return fits && !lacks_memory_;
  }

  // How many of them fit into the room there is now, in one claim.
  [[nodiscard]] batch fitting(const memory& ring,
                              std::span<const typename Atomics::const_bytes> many) noexcept {
    batch done;
    // [free] acquire: the consumer is done with all below, and it is zero.
    const auto freed = ring.control->freed.template load<edge::free>(std::memory_order_acquire);
    // [hint] relaxed: the claim decides.
    const auto pos = ring.control->write_pos.template load<edge::hint>(std::memory_order_relaxed);
    std::uint64_t need = 0;
    for (const auto& one : many) {
      if (one.size() > ring.geometry.max_message) return {done.count, status::never_fits};
      need += ring.record_bytes(one.size());
      if (!take_up(ring, freed, pos, need)) return {done.count, refusal(ring)};
      ++done.count;
    }
    return done;
  }

  // Why the last take_up() was not enough.
  [[nodiscard]] status refusal(const memory& ring) const noexcept {
    return lacks_memory_ ? status::no_memory : no_room(*ring.control);
  }

 private:
  std::uint64_t freed_ = 0;  // as of the last look
  bool lacks_memory_ = false;
  provision<Atomics> with_memory_;
};

}  // namespace annulus
