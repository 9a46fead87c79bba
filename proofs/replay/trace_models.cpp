// Traces of the shipped ring under Relacy: one producer and one consumer that push in every way,
// read, look closer, release, die, close and come again.
//
// trace_models [COUNT] [--weaken FILE:LINE] [--mutant N]    writes COUNT traces (trace.hpp)
#include "relacy_trace.hpp"

#include <annulus/ring/role.hpp>
#include <annulus/ring/spsc.hpp>

namespace annulus::replay {
namespace {

constexpr unsigned lives = 3;  // of each role

// Half of the traces without statistics: fewer accesses, so more of the others.
template <bool Counts>
struct spsc : rl::test_suite<spsc<Counts>, 2> {
  using producer_type = std::conditional_t<Counts, basic_spsc_producer<relacy_atomics>,
                                           basic_spsc_producer<relacy_atomics, uncounted>>;
  using consumer_type = std::conditional_t<Counts, basic_spsc_consumer<relacy_atomics>,
                                           basic_spsc_consumer<relacy_atomics, uncounted>>;

  void before() {
    for (auto& one : models::lives) one.left = one.deaths = 0;
    role_of_thread[0] = "P";
    role_of_thread[1] = "C";
    constexpr std::uint64_t firsts[] = {0, capacity * 6, 0 - capacity};
    const auto first = firsts[rl::rand(3)];
    memory.geometry = small_ring(topology::spsc, 1, first);
    if (rl::rand(4) == 0) memory.geometry.integrity = integrity::crc32c;
    memory.control = &control;
    memory.producers = producers;
    memory.data = relacy_atomics::area(data);
    for_each_word(memory, [](auto& word, const char* name) { word.start(location::of(name), 0); });
    control.write_pos.start(location::of("WP"), first);
    control.consumer.read_pos.start(location::of("RP"), first);
    control.freed.start(location::of("FR"), first);
    for (auto* counters : {&control.consumer.counters, &producers[0].counters}) {
      counters->counted_to.start(location::of("counter"), first);
    }
    std::fprintf(trace, "ring %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
                 capacity, max_message, first, key, trailer());
    for (std::uint64_t i = 0; i < relacy_atomics::words::most; ++i) {
      const auto value = i == 0 ? 0 : disguised(i);
      data.all[i].start(location::data(i), value);
      std::fprintf(trace, "init %" PRIu64 " %" PRIu64 "\n", i, value);
    }
  }

  void thread(unsigned index) {
    for (unsigned life = 0; life < lives; ++life) {
      std::fprintf(trace, "%s enter\n", role_of_thread[index]);
      const auto end = rl::rand(3) != 0 ? 1 + rl::rand(index == 0 ? 60 : 80) : 0;
      const bool lived = models::lived(end, [&] { index == 0 ? produce() : consume(); });
      if (!lived) std::fprintf(trace, "%s dies\n", role_of_thread[index]);
    }
  }

  void after() { std::fprintf(trace, "end\n"); }

 private:
  std::uint64_t disguised(std::uint64_t word) {
    return replay::disguised(word, memory.geometry.first_pos);
  }
  std::uint64_t trailer() const { return memory.geometry.trailer_bytes(); }
  std::uint64_t length() {
    constexpr std::uint64_t all[] = {8, 0, 16, 24, 5};
    return all[rl::rand(trailer() == 0 ? 5 : 4)];  // a checksum has a word of its own
  }

  void produce() {
    (void)enter<relacy_atomics>(producers[0].role, true, holder{});
    producer_type role(memory, 0);
    call_the_roll<relacy_atomics>(control);
    for (unsigned left = 5; left > 0; --left) push(role);
    if (rl::rand(2) == 0)
      close_producer(role);
    else
      role.abort_claim();
    std::fprintf(trace, "P dies\n");  // or ends without closing, which is the same
  }
  void push(producer_type& role) {
    std::uint64_t words[8];
    for (std::uint64_t i = 0; i < 8; ++i) words[i] = disguised(rl::rand(16));
    const auto count = length();
    switch (rl::rand(4)) {
      case 0: (void)role.try_push(relacy_atomics::bytes{nullptr, 0, count, words}); break;
      case 1: {
        const relacy_atomics::bytes many[] = {{nullptr, 0, count, words},
                                              {nullptr, 0, length(), words + 2},
                                              {nullptr, 0, 8, words + 1}};
        (void)role.try_push_batch(std::span<const relacy_atomics::bytes>(many, 2 + rl::rand(2)));
        break;
      }
      default: claim(role, count, words);
    }
  }
  void claim(producer_type& role, std::uint64_t count, const std::uint64_t* words) {
    auto open = role.try_claim(count);
    if (!open) return;
    std::fprintf(trace, "P claim %" PRIu64 "\n", (count + trailer() + 7) / 8);
    const auto used = rl::rand(2) == 0 ? count : count / 16 * 8;
    auto space = open.bytes();
    // More may be written than is committed, but where a checksum would be written over it.
    if (trailer() != 0 || rl::rand(2) == 0) space.count = used;
    space.fill(words, {__FILE__, __LINE__, "claim"});
    if (rl::rand(4) == 0) (void)role.try_push({nullptr, 0, 8, words});  // refused meanwhile
    if (rl::rand(4) != 0) return open.commit(used);
    std::fprintf(trace, "P abort\n");  // it aborts itself
  }

  void consume() {
    (void)enter<relacy_atomics>(control.consumer.role, true, holder{});
    consumer_type role(memory);
    replay::consume(role, 8, 3);
    std::fprintf(trace, "C dies\n");
  }

  relacy_atomics::words data;
  control_words<relacy_atomics> control;
  producer_words<relacy_atomics> producers[1];
  ring_memory<relacy_atomics> memory;
};

}  // namespace
}  // namespace annulus::replay

int main(int argc, char** argv) {
  using namespace annulus::replay;
  const auto count = options_of(argc, argv);
  return write_traces<spsc<false>>(count - count / 2) && write_traces<spsc<true>>(count / 2) ? 0
                                                                                             : 1;
}
