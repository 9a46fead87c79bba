// A ring as a channel, in memory that threads or processes share, and the name of one.
#pragma once

#include "bench/systems/ends.hpp"
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>

#include <annulus/bus/channel.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::bench {

// Rings for one producer and for many.
template <template <class> class Statistics>
struct spsc_roles {
  using producer = ring_producer<basic_spsc_producer<std_atomics, Statistics>>;
  using consumer = ring_consumer<basic_spsc_consumer<std_atomics, Statistics>>;
  static constexpr topology kind = topology::spsc;
};
template <template <class> class Statistics>
struct mpsc_roles {
  using producer = ring_producer<basic_mpsc_producer<std_atomics, Statistics>>;
  using consumer = ring_consumer<basic_mpsc_consumer<std_atomics, Statistics>>;
  static constexpr topology kind = topology::mpsc;
};

template <class Roles, by By, bool Polls, integrity Integrity = integrity::structure>
class ring_channel {
  using producer_role = typename Roles::producer;
  using consumer_role = typename Roles::consumer;

 public:
  explicit ring_channel(const shape& of, const waiting& producer_waits = {},
                        const waiting& consumer_waits = {})
      : memory_(make(of)), producer_waits_(producer_waits), consumer_waits_(consumer_waits) {}

  role_producer<producer_role, By, Polls> producer() {
    return {must(producer_role::attach(memory_, producer_waits_))};
  }
  role_consumer<consumer_role, Polls> consumer() {
    return {must(consumer_role::attach(memory_, consumer_waits_))};
  }
  [[nodiscard]] std::uint64_t memory_bytes() const {
    struct stat seen {};
    fstat(memory_.file(), &seen);
    return static_cast<std::uint64_t>(seen.st_size);
  }

 private:
  static segment make(const shape& of) {
    ring_options how;
    how.topology = Roles::kind;
    how.capacity = std::bit_ceil(std::max(of.capacity, 8 * of.bytes));
    how.max_message = std::max<std::uint64_t>(of.bytes, 64);
    how.producers = of.producers;
    how.integrity = Integrity;
    return must(segment::anonymous(how));
  }

  segment memory_;
  waiting producer_waits_;
  waiting consumer_waits_;
};

// A ring under a name of its own, removed at the end.
class ring_name {
 public:
  explicit ring_name(const shape& of)
      : endpoint_(
            must(bus::parse("shm:" + new_name() + "?capacity=" + std::to_string(of.capacity)))) {
    if (of.producers > 1) endpoint_.producers = of.producers;
  }
  ~ring_name() { static_cast<void>(bus::remove(endpoint_, true)); }
  ring_name(const ring_name&) = delete;
  ring_name& operator=(const ring_name&) = delete;

  [[nodiscard]] const bus::endpoint& operator*() const noexcept { return endpoint_; }

 private:
  bus::endpoint endpoint_;
};

}  // namespace annulus::bench
