// ck_ring of Concurrency Kit: a ring of fixed-size values, for one producer or many.
#pragma once

#include <ck_cc.h>
#include <ck_md.h>
#include <ck_pr.h>
#include <ck_stdbool.h>
#include <ck_string.h>
// One of its functions returns `false` as a null pointer, which C lets pass and C++ does not.
#define false 0
#include <ck_ring.h>
#undef false

#include <bit>
#include <memory>
#include <vector>

#include "../message.hpp"
#include "../trial.hpp"

namespace annulus::bench {

template <std::size_t Bytes, bool Many>
class ck {
 public:
  using message = payload<Bytes>;

  struct state {
    alignas(64) ck_ring_t ring;
    std::vector<message> values;
  };
  struct producer_end {
    state* of;
    bool push(const message& m) {
      return Many ? _ck_ring_enqueue_mp(&of->ring, of->values.data(), &m, sizeof m, nullptr)
                  : _ck_ring_enqueue_sp(&of->ring, of->values.data(), &m, sizeof m, nullptr);
    }
  };
  struct consumer_end {
    state* of;
    message next{};
    template <class F>
    std::uint64_t take(F& f) {
      std::uint64_t taken = 0;
      while (taken < 1024 &&
             _ck_ring_dequeue_sc(&of->ring, of->values.data(), &next, sizeof next)) {
        f(next);
        ++taken;
      }
      return taken;
    }
  };

  ck(std::uint64_t capacity, unsigned) {
    const auto count = std::bit_ceil(capacity / Bytes);
    state_.values.resize(count);
    ck_ring_init(&state_.ring, static_cast<unsigned>(count));
  }
  producer_end producer() { return {&state_}; }
  consumer_end consumer() { return {&state_}; }

 private:
  state state_;
};

template <std::size_t Bytes>
struct ck_spsc : ck<Bytes, false> {
  static constexpr traits about{"ck_ring spsc", "enqueue; dequeue, up to 1024 in a row"};
  using ck<Bytes, false>::ck;
};
template <std::size_t Bytes>
struct ck_mpsc : ck<Bytes, true> {
  static constexpr traits about{"ck_ring mpsc", "enqueue; dequeue, up to 1024 in a row"};
  using ck<Bytes, true>::ck;
};

}  // namespace annulus::bench
