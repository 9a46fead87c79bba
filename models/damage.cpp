// One bit flips, at any moment, beside producers and consumers that die and are replaced.
//
// Every push that answered ok is delivered, or damage is told. What is pushed after all is quiet
// is delivered in any case: the roles find each other again. With checksums, so that a flipped bit
// of a payload is seen.
#include "roles.hpp"

namespace annulus::models {
namespace {

struct damaged : rl::test_suite<damaged, 3>, observer {
  using producer_type = basic_mpsc_producer<model_atomics, observed>;
  using consumer_type = basic_mpsc_consumer<model_atomics, observed>;
  using lone_producer = basic_spsc_producer<model_atomics, observed>;
  using lone_consumer = basic_spsc_consumer<model_atomics, observed>;

  static constexpr unsigned producer = 0, consumer = 1, spoiler = 2;
  static constexpr unsigned most = 32;

  void before() {
    begin_execution();
    watching = this;
    kind = within.looks == 1 || rl::rand(2) == 0 ? topology::spsc : topology::mpsc;
    ring.start(kind, 1);
    ring.forget_rules();
    count = 0;
    unknown = 0;
    is_told = is_data_hit = false;
    for (bool& one : is_pushed) one = false;
    for (bool& one : is_read) one = false;
    deaths_left[producer] = within.producer_deaths;
    target = rl::rand(within.looks);
    // A lone producer's ring has read_pos once, so a new consumer has to believe it.
    if (target == 1 && kind == topology::spsc) target = 0;
    // A position of many producers that is hit while a consumer dies in a release: two faults.
    const bool is_shared = kind == topology::mpsc && target < 2;
    deaths_left[consumer] = is_shared ? 0 : within.consumer_deaths;
    pushes_left = within.pushes;
    reads_left = within.reads;
  }

  void thread(unsigned index) {
    const bool is_lone = kind == topology::spsc;
    if (index == producer && is_lone) produce<lone_producer>();
    if (index == producer && !is_lone) produce<producer_type>();
    if (index == consumer && is_lone) consume<lone_consumer>();
    if (index == consumer && !is_lone) consume<consumer_type>();
    if (index == spoiler) flip();
  }

  void changed(const void*, std::uint64_t, std::uint64_t) override {}
  // Damage is told by an answer, and by a counter: of the two only the counter outlives a consumer
  // that dies on its way back from the call.
  void corrupt() override { is_told = true; }

  // A quiet end: what is left is read, then one message after another goes through.
  void after() {
    for (life& one : lives) one.left = 0;
    if (kind == topology::spsc) settle<lone_producer, lone_consumer>();
    if (kind == topology::mpsc) settle<producer_type, consumer_type>();
  }

 private:
  template <class Body>
  void play(unsigned index, std::uint32_t role, Body body) {
    for (;;) {
      ring.locks.change(role);
      unsigned end = 0;
      if (deaths_left[index] > 0 && rl::rand(4) != 0) end = 1 + rl::rand(within.life);
      if (lived(end, body)) return;
      --deaths_left[index];
      ring.locks.change(role);
    }
  }

  template <class Producer>
  void produce() {
    play(producer, producer_role(0), [&] {
      Producer role(ring.memory, 0);
      while (pushes_left > 0) {
        --pushes_left;
        (void)push(role);
      }
    });
  }
  template <class Producer>
  status push(Producer& role) {
    const std::uint32_t id = count++;
    const auto why = role.try_push(model_atomics::bytes{nullptr, 0, 8 + 8 * rl::rand(2), id});
    is_pushed[id] = why == status::ok;
    is_told |= why == status::corrupt;
    return why;
  }

  template <class Consumer>
  void consume() {
    play(consumer, consumer_role, [&] {
      Consumer role(ring.memory);
      while (reads_left > 0) {
        --reads_left;
        take(rl::rand(2) == 0 ? role.examine() : role.try_read());
        if (rl::rand(within.releases) == 0) role.release();
      }
    });
  }
  template <class View>
  bool take(const View& seen) {
    is_told |= seen.status() == status::corrupt;
    if (!seen) return false;
    for (std::uint32_t id = 0; id < count; ++id) {
      if (seen.bytes().says(id, {"damage.cpp", __LINE__, "take"})) {
        is_read[id] = true;
        return true;
      }
    }
    // A message that nobody pushed: its payload was hit after it was checked.
    RL_ASSERT(is_told || is_data_hit);
    ++unknown;
    return true;
  }

  void flip() {
    constexpr auto order = std::memory_order_relaxed;
    // A copy of the end that is only a little off may be believed.
    const auto bit = std::uint64_t{1} << (within.looks == 1 ? 3 + rl::rand(4) : rl::rand(64));
    const auto flipped = [&](auto& word) {
      auto value = word.template load<edge::own>(order);
      // Of many producers' positions write_pos only goes up and read_pos only down: the other way
      // they claim what is claimed or not read yet, and records hit each other. DESIGN says so.
      const auto is_whole_story = [&] {
        return target >= 2 || kind == topology::spsc || ((value & bit) != 0) == (target == 1);
      };
      while (is_whole_story() &&
             !word.template compare_exchange<edge::own>(value, value ^ bit, order, order)) {
      }
    };
    switch (target) {
      case 0: flipped(ring.control.write_pos); break;
      case 1: flipped(ring.control.consumer.read_pos); break;
      default:
        is_data_hit = true;
        flipped(ring.data.all[rl::rand(static_cast<unsigned>(within.capacity / 8))]);
        break;
    }
  }

  template <class Producer, class Consumer>
  void settle() {
    Consumer rx(ring.memory);
    const auto drain = [&] {
      for (unsigned i = 0; i < 2 * most; ++i) {
        (void)take(rx.examine());
        rx.release();
      }
    };
    drain();
    Producer tx(ring.memory, 0);
    drain();
    for (unsigned i = 0; i < 3; ++i) {
      const std::uint32_t id = count;
      const auto why = push(tx);
      drain();
      RL_ASSERT(why == status::ok ? is_read[id] : is_told && !is_only_a_copy());
    }
    unsigned missing = 0;
    for (std::uint32_t id = 0; id < count; ++id) missing += is_pushed[id] && !is_read[id];
    RL_ASSERT(missing <= unknown || (is_told && !is_only_a_copy()));
  }

  // What a lone producer tells of its end is a copy: hit, it costs nothing at all.
  [[nodiscard]] bool is_only_a_copy() const { return kind == topology::spsc && target == 0; }

  modelled_ring ring;
  topology kind = topology::spsc;
  std::uint32_t count = 0;
  unsigned target = 0;  // 0: write_pos, 1: read_pos, more: a word of the data
  bool is_pushed[most] = {};
  bool is_read[most] = {};
  bool is_told = false, is_data_hit = false;
  unsigned unknown = 0;  // messages whose payload was hit while they were read
  unsigned deaths_left[2] = {};
  unsigned pushes_left = 0, reads_left = 0;
};

// `looks`: which words may be hit: 1 a lone producer's copy of its end, 2 the positions, more: the
// data, too.
constexpr model all[] = {
    {"flip",
     "a bit of any word flips, while roles die and are replaced",
     {search::random, 700'000, 70'000'000},
     {.capacity = 128,
      .integrity = integrity::crc32c,
      .pushes = 5,
      .reads = 6,
      .producer_deaths = 2,
      .consumer_deaths = 1,
      .life = 30,
      .looks = 12,
      .releases = 3}},
    {"end",
     "a lone producer's copy of its end is a little off: no message is lost",
     {search::random, 200'000, 20'000'000},
     {.capacity = 128,
      .integrity = integrity::crc32c,
      .pushes = 5,
      .reads = 6,
      .looks = 1,
      .releases = 3}},
};

}  // namespace
}  // namespace annulus::models

int main(int argc, char** argv) {
  return annulus::models::main_of<annulus::models::damaged>(annulus::models::all, argc, argv);
}
