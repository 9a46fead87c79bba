// Roles come and go. Two threads want the role of the only producer, two that of the consumer.
//
// turns   without locks (plain memory): a role is free when its holder has closed, and only its own
//         word says so. The loser of a race goes away; who enters goes on where the other stopped
// locks   with locks: a holder may die at any access, between two steps of coming or going too. The
//         lock then lets the next one in, whatever the word says
#include "roles.hpp"
#include <annulus/ring/roster.hpp>

namespace annulus::models {
namespace {

struct attach : ring_model<attach, 3, basic_spsc_producer, basic_spsc_consumer> {
  using base = ring_model<attach, 3, basic_spsc_producer, basic_spsc_consumer>;

  void before() {
    begin_execution();
    ring.start(topology::spsc, 1);
    book.start(ring, 2);
    next_id = 0;
    for (unsigned i = 0; i < 4; ++i) deaths_left[i] = within.producer_deaths;
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
    drain();
    book.settle(true);
  }

 private:
  static bool has_locks() { return within.producer_deaths > 0; }

  // The kernel's lock: a compare-and-exchange that orders whoever takes it after who gave it back.
  bool take(unsigned role) {
    std::uint32_t free = 0;
    return taken[role]->compare_exchange_strong(free, 1, rl::mo_acq_rel, $, rl::mo_relaxed, $);
  }
  void give_back(unsigned role) { taken[role]->store(0, rl::mo_release, $); }

  void produce(unsigned index) {
    auto& words = ring.producers[0].role;
    if (!enter<model_atomics>(words, has_locks(), index, index)) return;
    producer_type role(ring.memory, 0);
    call_the_roll<model_atomics>(ring.control);
    push(role, index);
    role.abort_claim();
    leave<model_atomics>(words);
    call_the_roll<model_atomics>(ring.control);
  }

  void consume() {
    auto& words = ring.control.consumer.role;
    if (!enter<model_atomics>(words, has_locks(), 2, 2)) return;
    consumer_type role(ring.memory);
    book.consumer_came();
    for (unsigned i = 0; i < within.reads; ++i) {
      const auto seen = role.examine();
      if (seen.status() == status::closed) continue;
      (void)take_message(seen);
      role.release();
    }
    leave<model_atomics>(words);
  }
  bool take_message(const consumer_type::view_type& seen) { return base::take(seen); }

  std::optional<rl::atomic<std::uint32_t>> taken[2];
};

constexpr unsigned every_way = whole | pieces | claims | shorter | aborts | batches;

constexpr model all[] = {
    {"turns",
     "roles change hands without locks",
     {search::random, 100'000, 10'000'000},
     {.pushes = 3, .reads = 2, .ways = every_way}},
    {"locks",
     "roles change hands with locks, and their holders die",
     {search::random, 100'000, 10'000'000},
     {.pushes = 3, .reads = 2, .ways = every_way, .producer_deaths = 2, .life = 20}},
};

}  // namespace
}  // namespace annulus::models

int main(int argc, char** argv) {
  return annulus::models::main_of<annulus::models::attach>(annulus::models::all, argc, argv);
}
