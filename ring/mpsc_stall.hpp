// Which producer stalls an mpsc consumer, and since when.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include <annulus/channel/status.hpp>
#include <annulus/ring/edges.hpp>
#include <annulus/ring/memory.hpp>

namespace annulus {

template <class Atomics>
class stall_watch {
  using memory = ring_memory<Atomics>;

 public:
  // A live producer has not committed the claim at pos. Returns whether that was so before.
  [[nodiscard]] bool held_up(const memory& ring, std::uint32_t producer,
                             std::uint64_t pos) noexcept {
    if (stall_ && stall_->pos == pos && stall_->producer == producer) return true;
    // [hint] relaxed: diagnostic only.
    const auto pid =
        ring.producers[producer].role.pid.template load<edge::hint>(std::memory_order_relaxed);
    stall_ = stall{producer, static_cast<std::int32_t>(pid), pos, Atomics::now()};
    publish(ring, static_cast<std::uint64_t>(stall_->since.time_since_epoch().count()));
    return false;
  }

  void moved_on(const memory& ring) noexcept {
    if (!stall_) return;
    stall_.reset();
    publish(ring, 0);
  }
  // The same, if the consumer now stands elsewhere.
  void stands_at(const memory& ring, std::uint64_t pos) noexcept {
    if (stall_ && stall_->pos != pos) moved_on(ring);
  }

  // The stall at pos, if there is one.
  [[nodiscard]] std::optional<stall> at(std::uint64_t pos) const noexcept {
    return stall_ && stall_->pos == pos ? stall_ : std::nullopt;
  }

 private:
  static void publish(const memory& ring, std::uint64_t since) noexcept {
    // [own] relaxed: diagnostic only.
    ring.control->consumer.stalled_since.template store<edge::own>(since,
                                                                   std::memory_order_relaxed);
  }

  std::optional<stall> stall_;
};

}  // namespace annulus
