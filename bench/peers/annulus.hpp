// annulus itself, as its users have it, in the variants that are compared.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <stdexcept>

#include "../message.hpp"
#include "../trial.hpp"

#include <annulus/channel/typed.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::bench {

template <std::size_t Bytes, template <class, template <class> class> class Producer,
          template <class, template <class> class> class Consumer, const traits& About,
          template <class> class Statistics, integrity Integrity>
class ring_system {
  using producer_role = ring_producer<Producer<std_atomics, Statistics>>;
  using consumer_role = ring_consumer<Consumer<std_atomics, Statistics>>;

 public:
  using message = payload<Bytes>;
  static constexpr const traits& about = About;

  struct producer_end {
    producer_role tx;
    bool push(const message& m) noexcept { return try_push(tx, m) == status::ok; }
  };
  struct consumer_end {
    consumer_role rx;
    template <class F>
    std::uint64_t take(F& f) noexcept {
      const auto each = [&](annulus::message m) {
        if (m.size() == Bytes) f(*reinterpret_cast<const message*>(m.data()));
      };
      return rx.drain(each, 1024).count;
    }
  };

  ring_system(std::uint64_t capacity, unsigned producers)
      : segment_(make(options(capacity, producers), memory_)) {}

  producer_end producer() { return {sure(producer_role::attach(segment_))}; }
  consumer_end consumer() { return {sure(consumer_role::attach(segment_))}; }

 private:
  template <class T>
  static T sure(result<T> r) {
    if (!r) throw std::runtime_error(r.error().message);
    return std::move(r).value();
  }

  static ring_options options(std::uint64_t capacity, unsigned producers) {
    ring_options how;
    how.topology = Producer<std_atomics, Statistics>::topology;
    how.capacity = capacity;
    how.max_message = std::max<std::uint64_t>(Bytes, 64);
    how.producers = producers;
    how.integrity = Integrity;
    return how;
  }

  static segment make(const ring_options& how, std::optional<shared_pages>& memory) {
    if (about.sides == where::processes) return sure(segment::anonymous(how));
    memory.emplace(sure(segment::bytes_for(how)));
    return sure(segment::format(memory->bytes(), how));
  }

  std::optional<shared_pages> memory_;  // of threads; processes share a file without a name
  segment segment_;
};

inline constexpr const char* ring_setting = "try_push of a value; drain of at most 1024, in place";

template <std::size_t Bytes, const traits& About, template <class> class Statistics = counted,
          integrity Integrity = integrity::structure>
using spsc_ring = ring_system<Bytes, basic_spsc_producer, basic_spsc_consumer, About, Statistics,
                              Integrity>;
template <std::size_t Bytes, const traits& About, template <class> class Statistics = counted,
          integrity Integrity = integrity::structure>
using mpsc_ring = ring_system<Bytes, basic_mpsc_producer, basic_mpsc_consumer, About, Statistics,
                              Integrity>;

inline constexpr traits spsc{"annulus spsc", ring_setting, true};
inline constexpr traits spsc_uncounted{"annulus spsc, uncounted", ring_setting, true};
inline constexpr traits spsc_crc{"annulus spsc, crc32c", ring_setting, true};
inline constexpr traits spsc_processes{"annulus spsc, processes", ring_setting, true,
                                       where::processes};
inline constexpr traits mpsc{"annulus mpsc", ring_setting, true};
inline constexpr traits mpsc_uncounted{"annulus mpsc, uncounted", ring_setting, true};
inline constexpr traits mpsc_crc{"annulus mpsc, crc32c", ring_setting, true};
inline constexpr traits mpsc_processes{"annulus mpsc, processes", ring_setting, true,
                                       where::processes};

template <std::size_t Bytes>
using annulus_spsc = spsc_ring<Bytes, spsc>;
template <std::size_t Bytes>
using annulus_spsc_uncounted = spsc_ring<Bytes, spsc_uncounted, uncounted>;
template <std::size_t Bytes>
using annulus_spsc_crc = spsc_ring<Bytes, spsc_crc, counted, integrity::crc32c>;
template <std::size_t Bytes>
using annulus_spsc_processes = spsc_ring<Bytes, spsc_processes>;

template <std::size_t Bytes>
using annulus_mpsc = mpsc_ring<Bytes, mpsc>;
template <std::size_t Bytes>
using annulus_mpsc_uncounted = mpsc_ring<Bytes, mpsc_uncounted, uncounted>;
template <std::size_t Bytes>
using annulus_mpsc_crc = mpsc_ring<Bytes, mpsc_crc, counted, integrity::crc32c>;
template <std::size_t Bytes>
using annulus_mpsc_processes = mpsc_ring<Bytes, mpsc_processes>;

}  // namespace annulus::bench
