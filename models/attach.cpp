// Roles come and go. Two threads want the same producer's role, two that of the consumer.
//
// turns   without locks (plain memory): a role is free when its holder has closed, and only its own
//         word says so. The loser of a race goes away; who enters goes on where the other stopped
// locks   with locks: a holder may die at any access, between two steps of coming or going too. The
//         lock then lets the next one in, whatever the word says
#include "roles.hpp"

#include <annulus/ring/role.hpp>

namespace annulus::models {
namespace {

template <class Derived, template <class, template <class> class> class Producer,
          template <class, template <class> class> class Consumer>
struct attach : ring_model<Derived, 3, Producer, Consumer> {
  using base = ring_model<Derived, 3, Producer, Consumer>;
  using base::book;
  using base::deaths_left;
  using base::ring;
  using typename base::consumer_type;
  using typename base::producer_type;

  void before() {
    begin_execution();
    ring.start(producer_type::topology, 1);
    book.start(ring, 2);
    base::next_id = 0;
    for (unsigned i = 0; i < 4; ++i) deaths_left[i] = within.producer_deaths;
    // Without locks nobody is ever said to be dead.
    if (!has_locks()) ring.locks.change(producer_role(0));
    taken[0].emplace(0);
    taken[1].emplace(0);
  }

  // Threads 0 and 1 produce, 2 and 3 consume.
  void thread(unsigned index) {
    for (unsigned turn = 0; turn < within.pushes; ++turn) {
      const unsigned role = index < 2 ? 1 : 0;
      if (has_locks() && !take(role)) continue;
      unsigned end = 0;
      if (deaths_left[index] > 0 && rl::rand(2) == 0) end = 1 + rl::rand(within.life);
      const bool is_alive = lived(end, [&] { index < 2 ? produce(index) : consume(); });
      if (!is_alive) {
        --deaths_left[index];
        book.died(index);
      }
      if (has_locks()) give_back(role);
    }
  }

  void after() {
    for (life& one : lives) one.left = 0;
    base::drain();
    book.settle(true);
  }

 private:
  static bool has_locks() { return within.producer_deaths > 0; }

  // The kernel's lock: a compare-and-exchange that orders whoever takes it after who gave it back.
  bool take(unsigned role) {
    std::uint32_t free = 0;
    if (!taken[role]->compare_exchange_strong(free, 1, rl::mo_acq_rel, $, rl::mo_relaxed, $)) {
      return false;
    }
    ring.locks.change(role);
    return true;
  }
  void give_back(unsigned role) {
    ring.locks.change(role);
    taken[role]->store(0, rl::mo_release, $);
  }

  void produce(unsigned index) {
    auto& words = ring.producers[0].role;
    if (!enter<model_atomics>(words, has_locks(), {index, index})) return;
    producer_type role(ring.memory, 0);
    call_the_roll<model_atomics>(ring.control);
    base::push(role, index);
    close_producer(role);
  }

  void consume() {
    auto& words = ring.control.consumer.role;
    if (!enter<model_atomics>(words, has_locks(), {2, 2})) return;
    set_bell<model_atomics>(ring.control.consumer_bell, bell_state::none);
    consumer_type role(ring.memory);
    book.consumer_came();
    for (unsigned i = 0; i < within.reads; ++i) {
      const auto seen = role.examine();
      if (seen.status() == status::closed) continue;
      (void)base::take(seen);
      role.release();
    }
    close_consumer(role);
  }

  std::optional<rl::atomic<std::uint32_t>> taken[2];
};

struct attach_spsc : attach<attach_spsc, basic_spsc_producer, basic_spsc_consumer> {};
struct attach_mpsc : attach<attach_mpsc, basic_mpsc_producer, basic_mpsc_consumer> {};

constexpr unsigned every_way = whole | pieces | claims | shorter | aborts | batches;

constexpr model all[] = {
    {"turns",
     "roles change hands without locks",
     {search::random, 400'000, 40'000'000},
     {.pushes = 3, .reads = 2, .ways = every_way, .closes = true}},
    {"locks",
     "roles change hands with locks, and their holders die",
     {search::random, 400'000, 40'000'000},
     {.pushes = 3,
      .reads = 2,
      .ways = every_way,
      .producer_deaths = 2,
      .life = 20,
      .closes = true}},
    {"turns_mpsc",
     "the same, one of many producers",
     {search::random, 400'000, 40'000'000},
     {.pushes = 3, .reads = 2, .ways = every_way, .closes = true}},
    {"locks_mpsc",
     "the same, one of many producers",
     {search::random, 400'000, 40'000'000},
     {.pushes = 3,
      .reads = 2,
      .ways = every_way,
      .producer_deaths = 2,
      .life = 26,
      .closes = true}},
};

}  // namespace
}  // namespace annulus::models

int main(int argc, char** argv) {
  using namespace annulus::models;
  for (int i = 1; i < argc; ++i) {
    if (std::strstr(argv[i], "_mpsc") != nullptr) return main_of<attach_mpsc>(all, argc, argv);
  }
  return main_of<attach_spsc>(all, argc, argv);
}
