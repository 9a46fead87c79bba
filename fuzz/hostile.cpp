// A valid segment that somebody goes on changing while both honest roles work.
//
// Two ways. A peer that acts between any two accesses of a role, by the input, so that a case is
// the same each time: the cores over atomics.hpp, whose steps are counted, so that every call is
// held to work bounded by the capacity. And a thread that changes words and payload all the time
// while the product's roles work over the same memory, between guard pages: what the compiler made
// of the code. What is returned lies in the data, is no larger than a message may be, and every
// answer is one that the interface has.
//
//     u8 how   1: the thread   shape (image.hpp)   u8 changes, then {u16 place, u8 what, u64 value,
//     u8 after so many accesses}; then steps
#include "atomics.hpp"
#include "guarded.hpp"
#include "image.hpp"
#include "target.hpp"
#include <pthread.h>

#include <array>
#include <atomic>
#include <optional>
#include <vector>

#include <annulus/ring/mpsc.hpp>
#include <annulus/ring/ring.hpp>
#include <annulus/ring/role.hpp>
#include <annulus/ring/spsc.hpp>

namespace annulus::fuzz {
namespace {

struct change {
  std::uint32_t place;  // a word of the segment, behind its geometry
  std::uint8_t what;
  std::uint64_t value;
  std::uint8_t after;
};

class vandal final : public meddler {
 public:
  vandal(std::span<std::byte> segment, const geometry& shape, input& in)
      : segment_(segment), shape_(shape) {
    const std::size_t count = in.below(33);
    for (std::size_t i = 0; i < count; ++i) {
      change one{in.take<std::uint16_t>(), in.take<std::uint8_t>(), 0, 0};
      one.value = (one.what & 0x10) != 0 ? in.take<std::uint64_t>() : in.take<std::uint8_t>();
      one.after = in.take<std::uint8_t>();
      changes_.push_back(one);
    }
  }

  void act() override {
    if (changes_.empty() || ++waited_ <= changes_[next_].after) return;
    apply(changes_[next_]);
    next_ = (next_ + 1) % changes_.size();
    waited_ = 0;
  }
  void run_until(const std::atomic<bool>& is_over) {
    while (!is_over.load(std::memory_order_relaxed)) {
      for (const auto& one : changes_) apply(one);
      if (changes_.empty()) return;
    }
  }

 private:
  // Words are changed as words; half of the places are words that steer.
  void apply(const change& one) {
    std::uint64_t at = shape_.control_offset + one.place % 96 * 8;
    if ((one.what & 1) != 0) at = shape_.producers_offset + one.place % 64 * 8;
    if ((one.what & 2) != 0) {
      const std::uint64_t data = shape_.segment_bytes - shape_.data_offset;
      at = shape_.data_offset + one.place * 8u % (data & ~std::uint64_t{7});
    }
    std::atomic_ref<std::uint64_t> word(*reinterpret_cast<std::uint64_t*>(segment_.data() + at));
    const auto now = word.load(std::memory_order_relaxed);
    std::uint64_t then = one.value;
    switch (one.what >> 2 & 3) {
      case 1: then = now + (one.value - 128) * 8; break;
      case 2: then = now ^ one.value << (one.place & 63); break;
      case 3: then = good_header(one, now); break;
    }
    word.store(then, std::memory_order_relaxed);
  }
  // A header that is good where the consumer or the producer is now.
  [[nodiscard]] std::uint64_t good_header(const change& one, std::uint64_t now) const {
    const auto* const words =
        reinterpret_cast<const std::uint64_t*>(segment_.data() + shape_.control_offset);
    const std::uint64_t pos = std::atomic_ref<const std::uint64_t>(words[0]).load() + one.place;
    return (one.what & 0x20) != 0 ? now
                                  : record_header::committed(one.value, pos & ~7ull, shape_.key);
  }

  std::span<std::byte> segment_;
  geometry shape_;
  std::vector<change> changes_;
  std::size_t next_ = 0;
  unsigned waited_ = 0;
};

void touch(std::span<const std::byte> seen) {
  unsigned sum = 0;
  for (const auto one : seen) sum += static_cast<unsigned>(one);
  [[maybe_unused]] volatile unsigned kept = sum;
}

// Both roles, and what they may be given.
class honest {
 public:
  honest(std::span<std::byte> segment, const geometry& shape)
      : data_(segment.subspan(static_cast<std::size_t>(shape.data_offset))), shape_(shape) {}

  void check(status s) const { demand(s <= status::timed_out, "an answer that does not exist"); }
  void check_view(status s, message seen) {
    check(s);
    if (s != status::ok) return;
    demand(seen.size() <= shape_.max_message, "a message is larger than any may be");
    demand(lies_in_data(seen), "a message lies outside of the data");
    if (has_canary() && seen.size() > 100 && seen[0] != std::byte{'m'}) {
      planted();  // a message that no honest producer sent: it is taken for a longer one
      touch({seen.data(), seen.size() + (1 << 20)});
    }
    touch(seen);
  }
  void check_claim(std::size_t asked, std::span<std::byte> given) const {
    demand(given.size() == asked, "a claim is not as large as was asked");
    demand(lies_in_data(given), "a claim lies outside of the data");
    std::fill(given.begin(), given.end(), std::byte{'m'});
  }

 private:
  [[nodiscard]] bool lies_in_data(std::span<const std::byte> some) const {
    return some.empty() || (some.data() >= data_.data() &&
                            some.data() + some.size() <= data_.data() + data_.size());
  }

  std::span<std::byte> data_;
  geometry shape_;
};

// One call of either side, whatever its type.
template <class Producer, class Consumer>
void step(unsigned what, Producer& tx, Consumer& rx, honest& both) {
  static constexpr std::array<std::byte, 256> bytes{};
  const std::size_t size = what / 8 * 8;
  switch (what % 8) {
    case 0: {
      auto claim = tx.try_claim(size);
      both.check(claim.status());
      if (claim) {
        both.check_claim(size, claim.bytes());
        claim.commit(size / 2);
      }
      break;
    }
    case 1:
    case 2: both.check(tx.try_push(message(bytes).first(size))); break;
    case 3: {
      const std::array<message, 4> many{message(bytes).first(size), bytes, bytes, bytes};
      const auto done = tx.try_push_batch(messages(many));
      both.check(done.why);
      demand(done.count <= many.size(), "more was pushed than there was");
      break;
    }
    case 4:
    case 5: {
      const auto seen = rx.try_read();
      both.check_view(seen.status(), seen.bytes());
      break;
    }
    case 6: {
      const auto seen = rx.examine();
      both.check_view(seen.status(), seen.bytes());
      break;
    }
    case 7: rx.release(); break;
  }
}

// Every word may be looked at a few times, and its payload be summed once. A claim may lose its
// word to the peer 4,096 times, and look for room each time.
std::uint64_t most_steps_of(const geometry& shape) { return 64 * (shape.capacity / 8) + 100'000; }

template <class Producer, class Consumer>
void by_steps(std::span<std::byte> segment, const geometry& shape, vandal& peer, input& in) {
  now_running = {};
  now_running.most = most_steps_of(shape);
  now_running.is_held.fill(true);
  now_running.between = &peer;
  const auto ring = ring_at(segment.data(), shape);
  honest both(segment, shape);
  std::optional<Producer> tx;
  std::optional<Consumer> rx;
  for (unsigned steps = 0; !in.is_over() && steps < 200; ++steps) {
    now_running.accesses = 0;
    const auto what = in.take<std::uint8_t>();
    if (!tx || what == 255) tx.emplace(ring, 0);
    now_running.accesses = 0;
    if (!rx || what == 254) rx.emplace(ring);
    now_running.accesses = 0;
    if (what % 16 == 13) now_running.is_held[what / 16u] ^= true;
    step(what, *tx, *rx, both);
  }
  now_running = {};
}

template <class Producer, class Consumer>
void by_thread(const segment& of, std::span<std::byte> memory, vandal& peer, input& in) {
  struct work {
    vandal* peer;
    std::atomic<bool> is_over{false};
  } shared{&peer};
  pthread_t thread{};
  const auto run = [](void* given) -> void* {
    auto* const all = static_cast<work*>(given);
    all->peer->run_until(all->is_over);
    return nullptr;
  };
  auto tx = Producer::attach(of);
  auto rx = Consumer::attach(of);
  if (!tx || !rx) return;
  demand(pthread_create(&thread, nullptr, run, &shared) == 0, "no thread");
  honest both(memory, of.geometry());
  for (unsigned steps = 0; !in.is_over() && steps < 200; ++steps) {
    const bounded limit("a call beside a hostile thread does not end");
    step(in.take<std::uint8_t>(), *tx, *rx, both);
  }
  shared.is_over = true;
  pthread_join(thread, nullptr);
}

void run(input& in) {
  const bool has_thread = in.take<std::uint8_t>() % 8 == 1;
  const auto shape = options_from(in);
  auto bytes = segment::bytes_for(shape);
  if (!bytes) return;
  testing::guarded_memory memory(static_cast<std::size_t>(*bytes));
  auto made = segment::format(memory.bytes(), shape);
  demand(static_cast<bool>(made), "a planned ring cannot be made");
  auto fixed = made->geometry();
  if (!has_thread) fixed.key = 0x5ea1'5ea1'5ea1'5ea0;  // a case is the same each time
  vandal peer(memory.bytes(), fixed, in);
  const bool is_spsc = shape.topology == topology::spsc;
  if (has_thread) {
    is_spsc ? by_thread<spsc_producer, spsc_consumer>(*made, memory.bytes(), peer, in)
            : by_thread<mpsc_producer, mpsc_consumer>(*made, memory.bytes(), peer, in);
  } else if (is_spsc) {
    by_steps<basic_spsc_producer<fuzz_atomics>, basic_spsc_consumer<fuzz_atomics>>(memory.bytes(),
                                                                                   fixed, peer, in);
  } else {
    by_steps<basic_mpsc_producer<fuzz_atomics>, basic_mpsc_consumer<fuzz_atomics>>(memory.bytes(),
                                                                                   fixed, peer, in);
  }
}

}  // namespace
}  // namespace annulus::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t count) {
  annulus::fuzz::input in(data, count);
  annulus::fuzz::run(in);
  return 0;
}
