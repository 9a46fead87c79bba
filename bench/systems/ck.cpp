// ck_ring of Concurrency Kit: a ring of values, for one producer or many.
#include <ck_cc.h>
#include <ck_md.h>
#include <ck_pr.h>
#include <ck_stdbool.h>
#include <ck_string.h>
// One of its functions returns `false` as a null pointer, which C allows and C++ does not.
#define false 0
#include <ck_ring.h>
#undef false

#include "bench/systems/all.hpp"
#include "bench/systems/ends.hpp"

#include <bit>
#include <vector>

namespace annulus::bench {
namespace concurrency_kit {

template <std::size_t Bytes, bool IsForMany>
struct ring {
  struct queue {
    explicit queue(std::size_t count) : values(std::bit_ceil(count)) {
      ck_ring_init(&ring, static_cast<unsigned>(values.size()));
    }
    alignas(64) ck_ring_t ring;
    std::vector<value<Bytes>> values;
  };
  static bool push(queue& to, const value<Bytes>& one) {
    return IsForMany ? _ck_ring_enqueue_mp(&to.ring, to.values.data(), &one, sizeof one, nullptr)
                     : _ck_ring_enqueue_sp(&to.ring, to.values.data(), &one, sizeof one, nullptr);
  }
  template <class F>
  static std::size_t take(queue& from, F&& f, std::size_t limit) {
    const auto next = [&](auto& one) {
      return _ck_ring_dequeue_sc(&from.ring, from.values.data(), &one, sizeof one);
    };
    return take_each<Bytes>(next, f, limit);
  }
};

template <std::size_t Bytes>
using spsc = ring<Bytes, false>;
template <std::size_t Bytes>
using mpsc = ring<Bytes, true>;

}  // namespace concurrency_kit

std::vector<system> ck_systems() {
  return {value_system<concurrency_kit::spsc>("ck_ring spsc", "enqueue; dequeue"),
          value_system<concurrency_kit::mpsc>("ck_ring mpsc", "enqueue; dequeue",
                                              script::most_producers)};
}

}  // namespace annulus::bench
