// The counters of the shipped statistics, against the ledger.
//
// A message is counted after its commit, so each death costs at most one call's worth: a message,
// or the two of a batch. A lone producer's roles tell by the chunk; what they have not told is
// counted where it stands in the ring, by their successors and, as a report does, here. Only a
// death in the telling costs all that was told just then: here at most the ring.
#include "roles.hpp"

namespace annulus::models {
namespace {

template <class Derived, unsigned ProducerCount,
          template <class, template <class> class> class Producer,
          template <class, template <class> class> class Consumer>
struct counting : ring_model<Derived, ProducerCount, Producer, Consumer, observed_and_counted> {
  using base = ring_model<Derived, ProducerCount, Producer, Consumer, observed_and_counted>;

  void after() {
    for (life& one : lives) one.left = 0;
    const unsigned deaths = deaths_of_producers();
    base::drain();
    base::book.settle(within.consumer_deaths > 0);

    const auto told = base::book.sum();
    const auto& control = base::ring.control;
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    for (unsigned i = 0; i < ProducerCount; ++i) {
      const auto& one = base::ring.producers[i].counters;
      if (!base::is_mpsc) {
        untold past{messages, bytes, one.counted_to.newest()};
        catch_up(base::ring.memory, past, base::book.end());
      }
      messages += one.messages.newest();
      bytes += one.bytes.newest();
      RL_ASSERT(one.high_water.newest() <= within.capacity);
    }
    const std::uint64_t lost_by_death = base::is_mpsc ? 2 : 1 + within.capacity / header_bytes;
    RL_ASSERT(messages <= told.messages && told.messages <= messages + lost_by_death * deaths);
    RL_ASSERT(bytes <= told.bytes);
    RL_ASSERT(deaths > 0 || bytes == told.bytes);

    const auto& reader = control.consumer.counters;
    const unsigned consumer_deaths = lives[base::consumer_thread].deaths;
    RL_ASSERT(reader.high_water.newest() <= within.capacity);
    RL_ASSERT(reader.recovered.newest() + consumer_deaths >= told.recovered);
    RL_ASSERT(reader.recovered.newest() <= told.recovered);
    RL_ASSERT(reader.corrupt.newest() == 0);
    RL_ASSERT(consumer_deaths > 0 || reader.messages.newest() == told.deliveries);
  }

 private:
  struct untold {
    std::uint64_t& messages_out;
    std::uint64_t& bytes_out;
    std::uint64_t from;

    [[nodiscard]] std::uint64_t counted_to(std::uint64_t) const noexcept { return from; }
    void messages(std::uint64_t count, std::uint64_t bytes) noexcept {
      messages_out += count;
      bytes_out += bytes;
    }
  };

  static unsigned deaths_of_producers() {
    unsigned all = 0;
    for (unsigned i = 0; i < ProducerCount; ++i) all += lives[i].deaths;
    return all;
  }
};

struct counting_spsc : counting<counting_spsc, 1, basic_spsc_producer, basic_spsc_consumer> {};
struct counting_mpsc : counting<counting_mpsc, 2, basic_mpsc_producer, basic_mpsc_consumer> {};

constexpr unsigned every_way = whole | pieces | claims | shorter | aborts | batches;

constexpr model all[] = {
    {"spsc",
     "one producer",
     {search::random, 240'000, 24'000'000},
     {.pushes = 4,
      .reads = 5,
      .ways = every_way,
      .producer_deaths = 2,
      .consumer_deaths = 2,
      .life = 40}},
    {"mpsc",
     "two producers",
     {search::random, 240'000, 24'000'000},
     {.pushes = 3,
      .reads = 6,
      .ways = every_way,
      .producer_deaths = 1,
      .consumer_deaths = 1,
      .life = 40}},
};

}  // namespace
}  // namespace annulus::models

int main(int argc, char** argv) {
  using namespace annulus::models;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "mpsc") return main_of<counting_mpsc>(all, argc, argv);
  }
  return main_of<counting_spsc>(all, argc, argv);
}
