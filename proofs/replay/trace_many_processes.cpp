// Traces of real processes: two producers and a consumer that push, claim, give up, read, look
// closer, release, close, batch and shorten, are killed at any access, and are replaced.
//     trace_many_processes COUNT [SEED [MUTANT]]
#include "process_trace.hpp"
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <random>

#include <annulus/ring/mpsc.hpp>
#include <annulus/ring/role.hpp>

namespace annulus::replay {
namespace {

constexpr std::uint64_t data_bytes = 256;
constexpr unsigned many = 2, roles = many + 1, lives = 3;
constexpr const char* names_of_roles[] = {"C", "P0", "P1"};  // by their locks

using producer_type = basic_mpsc_producer<process_atomics>;
using consumer_type = basic_mpsc_consumer<process_atomics>;

// What the processes of a round share.
struct shared {
  control_words<process_atomics> control;
  producer_words<process_atomics> producers[many];
  alignas(128) std::byte data[data_bytes];
  life_log logs[lives][roles];
};

class round_of_lives {
 public:
  round_of_lives(shared& all, int locks, std::uint64_t seed) : all_(all), random_(seed) {
    first_ = random_() % 2 == 0 ? capacity * 6 : 0 - capacity;
    memory_.geometry = small_ring(topology::mpsc, many, first_);
    if (random_() % 4 == 0) memory_.geometry.integrity = integrity::crc32c;
    memory_.control = &all.control;
    memory_.producers = all.producers;
    memory_.data = process_atomics::area(all.data);
    memory_.witness.file = locks;
    for (unsigned i = 0; i < many; ++i) {
      memory_.witness.words[producer_role(i)] = &all.producers[i].announcement;
    }
    for_each_word(memory_, [&](auto& word, const char* name) {
      word.set(0);
      names_[&word] = location::of(name);
    });
    all.control.write_pos.set(first_);
    all.control.consumer.read_pos.set(first_);
    all.control.consumer.releasing.set(first_);
    all.control.freed.set(first_);
    all.control.consumer.counters.counted_to.set(first_);
    std::fill(std::begin(all.data), std::end(all.data), std::byte{});
    for (std::uint64_t i = 0; i * 8 < data_bytes; ++i) {
      names_[all.data + i * 8] = location::data(i);
    }
    for (auto& life : all.logs) {
      for (auto& log : life) log.is_used = false, log.count = 0;
    }
  }

  // Lives all roles to their ends; tells the trace.
  void run() {
    std::printf("ring %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %u\n", capacity,
                max_message, first_, key, memory_.geometry.trailer_bytes(), many);
    std::printf("unordered\n");
    std::fflush(stdout);
    live_all(roles, lives, random_,
             [&](unsigned role, unsigned life) { return start(role, life); });
    for (const auto& life : all_.logs) {
      for (const auto& log : life) {
        if (log.is_used) write(log, names_);
      }
    }
    std::printf("end\n");
  }

 private:
  std::uint64_t disguised() { return header_like(random_(), first_); }

  pid_t start(unsigned role, unsigned life) {
    return start_life(
        all_.logs[life][role], names_of_roles[role], random_, 90,
        [&] { memory_.witness.take(role); },
        [&] { role == consumer_role ? consume() : produce(role - producer_role(0)); });
  }

  void produce(std::uint32_t number) {
    (void)enter<process_atomics>(all_.producers[number].role, true, holder{});
    producer_type role(memory_, number);
    call_the_roll<process_atomics>(all_.control);
    for (unsigned left = 20; left > 0; --left) push(role);
    if (random_() % 2 == 0) close_producer(role);
  }
  void push(producer_type& role) {
    std::uint64_t words[3] = {disguised(), disguised(), disguised()};
    const auto count = static_cast<std::size_t>(random_() % 4 * 8);
    const auto bytes = [&](std::size_t n) { return std::as_bytes(std::span(words)).first(n); };
    switch (random_() % 4) {
      case 0: (void)role.try_push(bytes(count)); break;
      case 1: {
        const process_atomics::const_bytes batch[] = {bytes(count), bytes(16), bytes(8)};
        (void)role.try_push_batch(std::span(batch).first(1 + random_() % 3));
        break;
      }
      default: {
        auto claim = role.try_claim(count);
        if (!claim) return;
        const bool commits = random_() % 4 != 0;
        const auto used = commits && random_() % 2 == 0 ? count : count / 16 * 8;
        // More may be written than is committed, but where a checksum would be written over it.
        const bool is_exact = memory_.geometry.trailer_bytes() != 0 || random_() % 2 == 0;
        for (std::size_t j = 0; j < (is_exact ? used : count); j += 8) {
          process_atomics::put(claim.bytes().data() + j, words[j / 8], __FILE__, __LINE__);
        }
        if (commits) claim.commit(used);  // else it aborts itself
      }
    }
  }

  void consume() {
    (void)enter<process_atomics>(all_.control.consumer.role, true, holder{});
    consumer_type role(memory_);
    replay::consume(role, random_, 50, 3);
  }

  shared& all_;
  std::mt19937_64 random_;
  std::uint64_t first_ = 0;
  ring_memory<process_atomics> memory_;
  std::map<const void*, location> names_;
};

}  // namespace
}  // namespace annulus::replay

int main(int argc, char** argv) {
  using namespace annulus::replay;
  const auto asked = options_of("trace_many_processes", argc, argv);
  void* memory =
      mmap(nullptr, sizeof(shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const int locks = memfd_create("locks", MFD_CLOEXEC);
  if (memory == MAP_FAILED || locks < 0) return 1;
  auto& all = *new (memory) shared;
  for (unsigned long long i = 0; i < asked.traces; ++i)
    round_of_lives(all, locks, asked.seed + i).run();
}
