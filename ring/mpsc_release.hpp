// How many producers' consumer hands space back: zeroed, so that the next claim of it without a
// header reads as empty.
//
// Steps    mark `releasing` -> zero -> store read_pos and freed -> store `releasing` at rest
// Edges    free   freed -> claim    the consumer is done with the space, and it is zero
//          redo   `releasing`, ahead of the zeroing in program order
// Crash    a death on the way leaves `releasing` marked, and a successor hands that stretch back
//          again; what was not marked yet is redelivered. A successor stores `freed` anyway: it may
//          be behind read_pos
// Damage   at rest `releasing` equals read_pos, so a flipped bit of either shows
#pragma once

#include <atomic>
#include <cstdint>

#include <annulus/ring/bell.hpp>
#include <annulus/ring/edges.hpp>
#include <annulus/ring/memory.hpp>
#include <annulus/ring/recovery.hpp>

namespace annulus {

// Requires: used by the only consumer of the memory that each call is given.
template <class Atomics>
class zeroed_space {
  using memory = ring_memory<Atomics>;

 public:
  // Released up to here: the producers may claim up to one capacity past it.
  [[nodiscard]] std::uint64_t end() const noexcept { return end_; }

  // Zeroes all up to `to` and hands it back. While it does, `releasing` is marked: a successor
  // zeroes again only what is known to have been begun.
  void zero_and_free(const memory& ring, std::uint64_t to) noexcept {
    begin(ring, to);
    ring.zero(end_, to - end_);
    free(ring, to);
  }

  // The same, where all of it is zero.
  void free_zeros(const memory& ring, std::uint64_t to) noexcept {
    begin(ring, to);
    free(ring, to);
  }

  // Takes back what was handed back past pos. Requires: it was zero, and nobody had claimed it.
  void go_back(const memory& ring, std::uint64_t pos) noexcept {
    if (!is_before(pos, end_)) return;
    end_ = pos;
    auto& own = ring.control->consumer;
    // [redo] relaxed: ahead of read_pos in program order, so a successor has nothing to redo.
    own.releasing.template store<edge::redo>(pos, std::memory_order_relaxed);
    // [redo] fence: before read_pos goes back, should this process die between the two.
    Atomics::compiler_fence();
    store_positions(ring, pos);
  }

  // Goes on where the last incarnation stopped. What it was zeroing when it died had been read. At
  // rest `releasing` is read_pos once more: if they differ, one was damaged. Then the earlier one
  // is taken, unless it is too far from write_pos: what it reads twice is zero.
  void take_up(const memory& ring) noexcept {
    auto& own = ring.control->consumer;
    // [hint] relaxed: not older than what the last incarnation had passed, by the lock's handover.
    const auto claimed =
        ring.control->write_pos.template load<edge::hint>(std::memory_order_relaxed);
    // [own] relaxed: stored by this role's last incarnation, ordered by the lock's handover.
    end_ = whole(own.read_pos.template load<edge::own>(std::memory_order_relaxed));
    // [own] relaxed: stored by this role's last incarnation, ordered by the lock's handover.
    const auto stored = own.releasing.template load<edge::own>(std::memory_order_relaxed);
    const auto releasing = whole(stored);
    const auto capacity = ring.geometry.capacity;
    const bool was_zeroing = (stored & is_zeroing) != 0;
    const bool is_earlier = !was_zeroing && is_before(releasing, end_);
    if (claimed - releasing <= capacity && (is_earlier || claimed - end_ > capacity)) {
      end_ = releasing;
    }
    const bool is_at_rest =
        !was_zeroing || releasing - end_ > capacity || is_before(claimed, releasing);
    zero_and_free(ring, is_at_rest ? end_ : releasing);
  }

  void mend(const memory& ring) const noexcept { mend_positions(ring, end_, end_); }

 private:
  static constexpr std::uint64_t is_zeroing = 1;  // in `releasing`, whose low bits are free

  static void begin(const memory& ring, std::uint64_t to) noexcept {
    // [redo] relaxed: ahead of the zeroing in program order, so a death in it is made good.
    ring.control->consumer.releasing.template store<edge::redo>(to | is_zeroing,
                                                                std::memory_order_relaxed);
    // [redo] fence: before any byte is zeroed, should this process die among them.
    Atomics::compiler_fence();
  }

  void free(const memory& ring, std::uint64_t to) noexcept {
    end_ = to;
    auto& own = ring.control->consumer;
    store_positions(ring, to);
    // [redo] relaxed: behind read_pos or ahead of it, there is nothing left to zero.
    own.releasing.template store<edge::redo>(to, std::memory_order_relaxed);
    wake_if_asleep<Atomics>(ring.control->producers_bell, quiet_);
  }

  static void store_positions(const memory& ring, std::uint64_t to) noexcept {
    // [own] relaxed: for a successor, which comes by the lock.
    ring.control->consumer.read_pos.template store<edge::own>(to, std::memory_order_relaxed);
    // [free] release: all reading and zeroing comes before a producer writes there.
    ring.control->freed.template store<edge::free>(to, std::memory_order_release);
  }

  std::uint64_t end_ = 0;
  std::uint32_t quiet_ = quiet_bell<Atomics>();  // the producers' bell, while none ever slept
};

}  // namespace annulus
