// Traces of the shipped ring of many producers under Relacy: two producers and one consumer that
// push, batch, claim, shorten, give up, read, look closer, release, die, close and come again.
//
// trace_many_models [COUNT] [--weaken FILE:LINE] [--mutant N]    writes COUNT traces (trace.hpp)
#include "relacy_trace.hpp"

#include <annulus/ring/mpsc.hpp>
#include <annulus/ring/role.hpp>

namespace annulus::replay {
namespace {

constexpr unsigned many = 2, lives = 3;  // of each role

// Half of the traces without statistics: fewer accesses, so more of the others.
template <bool Counts>
struct mpsc : rl::test_suite<mpsc<Counts>, many + 1> {
  using producer_type = std::conditional_t<Counts, basic_mpsc_producer<relacy_atomics>,
                                           basic_mpsc_producer<relacy_atomics, uncounted>>;
  using consumer_type = std::conditional_t<Counts, basic_mpsc_consumer<relacy_atomics>,
                                           basic_mpsc_consumer<relacy_atomics, uncounted>>;

  void before() {
    for (auto& one : models::lives) one.left = one.deaths = 0;
    role_of_thread[0] = "P0";
    role_of_thread[1] = "P1";
    role_of_thread[many] = "C";
    constexpr std::uint64_t firsts[] = {0, capacity * 6, 0 - capacity};
    const auto first = firsts[rl::rand(3)];
    memory.geometry = small_ring(topology::mpsc, many, first);
    if (rl::rand(4) == 0) memory.geometry.integrity = integrity::crc32c;
    memory.control = &control;
    memory.producers = producers;
    memory.data = relacy_atomics::area(data);
    held.start();
    memory.witness = relacy_atomics::witness(held);
    for_each_word(memory, [](auto& word, const char* name) { word.start(location::of(name), 0); });
    control.write_pos.start(location::of("WP"), first);
    control.consumer.read_pos.start(location::of("RP"), first);
    control.consumer.releasing.start(location::of("RM"), first);
    control.freed.start(location::of("FR"), first);
    control.consumer.counters.counted_to.start(location::of("counter"), first);
    std::fprintf(trace, "ring %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %u\n",
                 capacity, max_message, first, key, memory.geometry.trailer_bytes(), many);
    for (std::uint64_t i = 0; i < relacy_atomics::words::most; ++i) {
      data.all[i].start(location::data(i), 0);
    }
  }

  void thread(unsigned index) {
    const auto role = index == many ? consumer_role : producer_role(index);
    for (unsigned life = 0; life < lives; ++life) {
      held.change(role);
      std::fprintf(trace, "%s enter\n", role_of_thread[index]);
      const auto end = rl::rand(3) != 0 ? 1 + rl::rand(index == many ? 120 : 40) : 0;
      (void)models::lived(end, [&] { index == many ? consume() : produce(index); });
      held.change(role);
      std::fprintf(trace, "%s dies\n", role_of_thread[index]);
    }
  }

  void after() { std::fprintf(trace, "end\n"); }

 private:
  std::uint64_t disguised(std::uint64_t word) {
    return replay::disguised(word, memory.geometry.first_pos);
  }

  void produce(unsigned index) {
    (void)enter<relacy_atomics>(producers[index].role, true, holder{});
    producer_type role(memory, index);
    call_the_roll<relacy_atomics>(control);
    for (unsigned left = 3; left > 0; --left) push(role);
    if (rl::rand(2) == 0) close_producer(role);
  }
  std::uint64_t length() {
    constexpr std::uint64_t all[] = {8, 0, 16, 24, 5};
    return all[rl::rand(memory.geometry.trailer_bytes() == 0 ? 5 : 4)];  // a checksum: its own word
  }
  void push(producer_type& role) {
    std::uint64_t words[8];
    for (auto& word : words) word = disguised(rl::rand(16));
    const auto count = length();
    switch (rl::rand(4)) {
      case 0: (void)role.try_push(relacy_atomics::bytes{nullptr, 0, count, words}); break;
      case 1: {
        const relacy_atomics::bytes batch[] = {{nullptr, 0, count, words},
                                               {nullptr, 0, length(), words + 2},
                                               {nullptr, 0, 8, words + 1}};
        (void)role.try_push_batch(std::span<const relacy_atomics::bytes>(batch, 1 + rl::rand(3)));
        break;
      }
      default: claim(role, count, words);
    }
  }
  void claim(producer_type& role, std::uint64_t count, const std::uint64_t* words) {
    auto open = role.try_claim(count);
    if (!open) return;
    const bool commits = rl::rand(3) != 0;
    const auto used = commits && rl::rand(2) == 0 ? count : count / 16 * 8;
    auto space = open.bytes();
    // More may be written than is committed, but where a checksum would be written over it.
    if (memory.geometry.trailer_bytes() != 0 || rl::rand(2) == 0) space.count = used;
    space.fill(words, {__FILE__, __LINE__, "claim"});
    if (rl::rand(4) == 0) (void)role.try_push({nullptr, 0, 8, words});  // refused meanwhile
    if (commits) open.commit(used);                                     // else it aborts itself
  }

  void consume() {
    (void)enter<relacy_atomics>(control.consumer.role, true, holder{});
    consumer_type role(memory);
    replay::consume(role, 10, 2);
  }

  relacy_atomics::words data;
  relacy_atomics::locks held;
  control_words<relacy_atomics> control;
  producer_words<relacy_atomics> producers[many];
  ring_memory<relacy_atomics> memory;
};

}  // namespace
}  // namespace annulus::replay

int main(int argc, char** argv) {
  using namespace annulus::replay;
  const auto count = options_of(argc, argv);
  return write_traces<mpsc<false>>(count - count / 2) && write_traces<mpsc<true>>(count / 2) ? 0
                                                                                             : 1;
}
