// Traces of real processes: a producer and a consumer that push, read, release, close, are killed
// at any access, and are replaced.   trace_processes COUNT [SEED [MUTANT]]
#include "process_trace.hpp"
#include <sys/mman.h>
#include <unistd.h>

#include <new>
#include <random>

#include <annulus/ring/role.hpp>
#include <annulus/ring/spsc.hpp>

namespace annulus::replay {
namespace {

constexpr std::uint64_t data_bytes = 256;
constexpr unsigned lives = 3;

using producer_type = basic_spsc_producer<process_atomics>;
using consumer_type = basic_spsc_consumer<process_atomics>;

// What the processes of a round share.
struct shared {
  control_words<process_atomics> control;
  producer_words<process_atomics> producer;
  alignas(128) std::byte data[data_bytes];
  life_log logs[2 * lives];
};

class round_of_lives {
 public:
  round_of_lives(shared& all, std::uint64_t seed) : all_(all), random_(seed) {
    first_ = random_() % 2 == 0 ? capacity * 6 : 0 - capacity;
    memory_.geometry = small_ring(topology::spsc, 1, first_);
    if (random_() % 4 == 0) memory_.geometry.integrity = integrity::crc32c;
    memory_.control = &all.control;
    memory_.producers = &all.producer;
    memory_.data = process_atomics::area(all.data);
    for_each_word(memory_, [&](auto& word, const char* name) {
      word.set(0);
      names_[&word] = location::of(name);
    });
    all.control.write_pos.set(first_);
    all.control.consumer.read_pos.set(first_);
    all.control.freed.set(first_);
    all.control.consumer.counters.counted_to.set(first_);
    all.producer.counters.counted_to.set(first_);
    for (std::uint64_t i = 0; i * 8 < data_bytes; ++i) {
      const auto value = i == 0 ? 0 : disguised();
      std::memcpy(all.data + i * 8, &value, sizeof value);
      names_[all.data + i * 8] = location::data(i);
    }
    for (auto& log : all.logs) log.is_used = false, log.count = 0;
  }

  // Lives both roles to their ends; tells the trace.
  void run() {
    std::printf("ring %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", capacity,
                max_message, first_, key, trailer());
    std::printf("unordered\n");
    for (std::uint64_t i = 0; i * 8 < data_bytes; ++i) {
      std::uint64_t value;
      std::memcpy(&value, all_.data + i * 8, sizeof value);
      std::printf("init %" PRIu64 " %" PRIu64 "\n", i, value);
    }
    std::fflush(stdout);
    live_all(2, lives, random_, [&](unsigned role, unsigned life) { return start(role, life); });
    for (const auto& log : all_.logs) {
      if (log.is_used) write(log, names_);
    }
    std::printf("end\n");
  }

 private:
  std::uint64_t trailer() const { return memory_.geometry.trailer_bytes(); }
  std::uint64_t disguised() { return header_like(random_(), first_); }

  pid_t start(unsigned role, unsigned life) {
    return start_life(
        all_.logs[life * 2 + role], role == 0 ? "P" : "C", random_, 120, [] {},
        [&] { role == 0 ? produce() : consume(); });
  }

  void say(const char* what, std::uint64_t value) {
    finish(begin(what, "-", "-", nullptr, value, __FILE__, __LINE__));
  }

  void produce() {
    (void)enter<process_atomics>(all_.producer.role, true, holder{});
    producer_type role(memory_, 0);
    call_the_roll<process_atomics>(all_.control);
    for (unsigned left = 30; left > 0; --left) push(role);
    if (random_() % 2 == 0) close_producer(role);
  }
  void push(producer_type& role) {
    std::uint64_t words[3] = {disguised(), disguised(), disguised()};
    const auto bytes = [&](std::uint64_t count) {
      return std::as_bytes(std::span(words)).first(static_cast<std::size_t>(count));
    };
    const auto count = random_() % 4 * 8;
    switch (random_() % 4) {
      case 0: (void)role.try_push(bytes(count)); break;
      case 1: {
        const process_atomics::const_bytes many[] = {bytes(count), bytes(16), bytes(8)};
        (void)role.try_push_batch(std::span(many));
        break;
      }
      default: {
        auto claim = role.try_claim(count);
        if (!claim) return;
        say("claim", (count + trailer() + 7) / 8);
        const auto used = random_() % 2 == 0 ? count : count / 16 * 8;
        // More may be written than is committed, but where a checksum would be written over it.
        const auto written = trailer() != 0 || random_() % 2 == 0 ? used : count;
        for (std::uint64_t j = 0; j < written; j += 8) {
          process_atomics::put(claim.bytes().data() + j, words[j / 8], __FILE__, __LINE__);
        }
        if (random_() % 4 == 0) {
          say("abort", 0);
        } else {
          claim.commit(used);
        }
      }
    }
  }

  void consume() {
    (void)enter<process_atomics>(all_.control.consumer.role, true, holder{});
    consumer_type role(memory_);
    replay::consume(role, random_, 60, 4);
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
  const auto asked = options_of("trace_processes", argc, argv);
  void* memory =
      mmap(nullptr, sizeof(shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  auto& all = *new (memory) shared;
  for (unsigned long long i = 0; i < asked.traces; ++i) round_of_lives(all, asked.seed + i).run();
}
