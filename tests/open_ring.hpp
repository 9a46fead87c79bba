// A ring whose words a test may read and write, and roles without a lock around them.
#pragma once

#include "bytes.hpp"
#include "guarded.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include <annulus/ring/ring.hpp>

namespace annulus::testing {

inline constexpr std::uint64_t capacity = 4096;
inline constexpr auto relaxed = std::memory_order_relaxed;

template <topology Kind>
struct open_ring {
  static constexpr bool is_mpsc = Kind == topology::mpsc;
  using producer_core = std::conditional_t<is_mpsc, basic_mpsc_producer<std_atomics>,
                                           basic_spsc_producer<std_atomics>>;
  using consumer_core = std::conditional_t<is_mpsc, basic_mpsc_consumer<std_atomics>,
                                           basic_spsc_consumer<std_atomics>>;

  explicit open_ring(const ring_options& like = {.integrity = integrity::crc32c})
      : shape(of_this_kind(like)) {}

  ring_options shape;
  guarded_memory memory{static_cast<std::size_t>(*segment::bytes_for(shape))};
  segment ring{segment::format(memory.bytes(), shape).value()};
  attachment held{attachment::make(ring, access::read_write).value()};

  [[nodiscard]] const ring_memory<std_atomics>& words() const { return held.memory(); }
  [[nodiscard]] auto& write_pos() const { return words().control->write_pos; }
  [[nodiscard]] auto& read_pos() const { return words().control->consumer.read_pos; }
  [[nodiscard]] auto& freed() const { return words().control->freed; }
  [[nodiscard]] auto& releasing() const { return words().control->consumer.releasing; }

 private:
  static ring_options of_this_kind(ring_options like) {
    like.topology = Kind;
    like.capacity = capacity;
    return like;
  }
};

template <class Word>
[[nodiscard]] auto value(const Word& word) {
  return word.template load<edge::own>(relaxed);
}

template <class T>
void set(std_atomics::word<T>& word, std::type_identity_t<T> to) {
  word.template store<edge::own>(to, relaxed);
}

template <class Word>
void flip(Word& word, unsigned bit) {
  set(word, value(word) ^ std::uint64_t{1} << bit);
}

struct seen {
  std::vector<std::string> messages;
  int corrupt = 0;
};

template <class Consumer>
void read_into(seen& all, Consumer& rx, int steps = 20, bool releases = true) {
  for (int i = 0; i < steps; ++i) {
    const auto one = rx.examine();
    if (one) all.messages.push_back(text(one.bytes()));
    all.corrupt += one.status() == status::corrupt;
    if (releases) rx.release();
  }
}

}  // namespace annulus::testing
