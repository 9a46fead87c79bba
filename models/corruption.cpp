// Somebody who may write the segment writes anything anywhere, at any moment.
//
// Nothing is promised about the messages. Promised is: no index, no payload outside the data (the
// area asserts it), no endless loop (the checker's limit on steps), answers out of the list.
#include "roles.hpp"

namespace annulus::models {
namespace {

struct vandal : rl::test_suite<vandal, 3> {
  using producer_type = basic_mpsc_producer<model_atomics, observed>;
  using consumer_type = basic_mpsc_consumer<model_atomics, observed>;
  using lone_producer = basic_spsc_producer<model_atomics, observed>;
  using lone_consumer = basic_spsc_consumer<model_atomics, observed>;

  void before() {
    begin_execution();
    watching = nullptr;
    kind = rl::rand(2) == 0 ? topology::spsc : topology::mpsc;
    ring.start(kind, 1);
    ring.forget_rules();
  }

  void thread(unsigned index) {
    const bool is_lone = kind == topology::spsc;
    if (index == 0 && is_lone) produce<lone_producer>();
    if (index == 0 && !is_lone) produce<producer_type>();
    if (index == 1 && is_lone) consume<lone_consumer>();
    if (index == 1 && !is_lone) consume<consumer_type>();
    if (index == 2) spoil();
  }

 private:
  template <class Producer>
  void produce() {
    ring.locks.change(producer_role(0));
    Producer role(ring.memory, 0);
    for (std::uint32_t id = 0; id < within.pushes; ++id) {
      const auto why = role.try_push(model_atomics::bytes{nullptr, 0, 8 * rl::rand(3), id});
      RL_ASSERT(why == status::ok || why == status::full || why == status::corrupt ||
                why == status::closed);
    }
  }
  template <class Consumer>
  void consume() {
    Consumer role(ring.memory);
    for (unsigned i = 0; i < within.reads; ++i) {
      const auto seen = rl::rand(2) == 0 ? role.examine() : role.try_read();
      if (seen) {
        const auto message = seen.bytes();
        RL_ASSERT(message.size() <= within.max_message);
        for (std::uint64_t j = 0; j * 8 < message.size(); ++j) {
          (void)ring.data.all[message.index / 8 + j].newest();
        }
      } else {
        RL_ASSERT(seen.status() == status::empty || seen.status() == status::corrupt ||
                  seen.status() == status::stalled || seen.status() == status::closed);
      }
      role.release();
    }
  }

  // Any word, any value: nothing, noise, positions that are far off, headers that are good but lie.
  void spoil() {
    constexpr auto order = std::memory_order_relaxed;
    for (unsigned i = 0; i < within.producer_deaths; ++i) {
      const auto value = some_value();
      switch (rl::rand(7)) {
        case 0: ring.control.write_pos.store<edge::own>(value, order); break;
        case 1: ring.control.consumer.read_pos.store<edge::own>(value, order); break;
        case 4: ring.control.freed.store<edge::own>(value, order); break;
        case 2: ring.control.consumer.releasing.store<edge::own>(value, order); break;
        case 3: ring.producers[0].announcement.store<edge::own>(value, order); break;
        default: ring.data.all[rl::rand(8)].store<edge::own>(value, order); break;
      }
    }
  }
  [[nodiscard]] std::uint64_t some_value() const {
    const auto& shape = ring.memory.geometry;
    const auto pos = shape.first_pos + 8 * rl::rand(12);
    switch (rl::rand(7)) {
      case 0: return 0;
      case 1: return ~std::uint64_t{0};
      case 2: return pos;
      case 3: return pos + (std::uint64_t{1} << (8 + rl::rand(56)));
      case 4: return record_header::committed(rl::rand(4) * 8, pos, shape.key);
      case 5: return record_header::aborted(std::uint64_t{8} << rl::rand(38), pos, shape.key);
      default: return record_header::busy(std::uint64_t{8} << rl::rand(38), pos, shape.key, 1);
    }
  }

  modelled_ring ring;
  topology kind = topology::spsc;
};

constexpr model all[] = {
    {"vandal",
     "any word is replaced by any value, while others push and read",
     {search::random, 600'000, 60'000'000},
     {.pushes = 4, .reads = 6, .producer_deaths = 4}},
};

}  // namespace
}  // namespace annulus::models

int main(int argc, char** argv) {
  return annulus::models::main_of<annulus::models::vandal>(annulus::models::all, argc, argv);
}
