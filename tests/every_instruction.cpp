// Death at every instruction, and life beside a peer that has stopped at any.
//
// A child runs one operation step by step under ptrace. After each instruction its parent looks at
// the segment: what stands there is what a SIGKILL at this point would leave behind. Each different
// state is copied into a file of its own, where nobody holds a lock, so all of its roles are dead;
// others take them up and must find every invariant intact. This sees what no model of the language
// can: the order in which the compiler really stores.
#include "instructions.hpp"
#include "names.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <functional>
#include <vector>

#include <annulus/ring/inspect.hpp>

namespace annulus::processes {
namespace {

constexpr std::uint64_t capacity = 4096;

using image = std::vector<std::byte>;  // a segment's bytes

image copy_of(const segment& from) {
  image bytes(from.geometry().segment_bytes);
  const auto size = static_cast<ssize_t>(bytes.size());
  if (pread(from.file(), bytes.data(), bytes.size(), 0) != size) fail("cannot copy a segment");
  return bytes;
}
// The same segment, with nobody alive in it.
segment revived(const image& bytes) {
  const int file = memfd_create("annulus-test", MFD_CLOEXEC);
  const auto size = static_cast<ssize_t>(bytes.size());
  const bool is_made = file >= 0 && pwrite(file, bytes.data(), bytes.size(), 0) == size;
  require(is_made, "cannot copy a segment");
  auto made = must(segment::from_file(file));
  ::close(file);
  return made;
}

// What a death inside the operation may leave of a segment (instructions.hpp).
struct ring_watch {
  using image = std::vector<std::byte>;
  const segment* memory;

  [[nodiscard]] image copy() const { return copy_of(*memory); }
  [[nodiscard]] bool is(const image& last) const { return copy_of(*memory) == last; }
};
std::vector<image> states_of(const segment& memory, const stepped::body& run) {
  points told;
  auto all = states_of(ring_watch{&memory}, run, told);
  told.first = all.size();
  return all;
}

template <class Producer_, class Consumer_>
struct kind {
  using producer = Producer_;
  using consumer = Consumer_;
};
using spsc = kind<spsc_producer, spsc_consumer>;
using mpsc = kind<mpsc_producer, mpsc_consumer>;

template <class Kind>
constexpr bool is_mpsc = std::is_same_v<Kind, mpsc>;

template <class Kind>
segment new_ring(std::uint64_t first_pos) {
  ring_options all;
  all.topology = is_mpsc<Kind> ? topology::mpsc : topology::spsc;
  all.capacity = capacity;
  all.max_message = 1024;
  all.producers = 2;
  all.first_pos = first_pos;
  return must(segment::anonymous(all));
}

// Where the watched records start: in the middle, into the extension, over 2^64.
constexpr std::uint64_t starts[] = {8, capacity - 200, std::uint64_t{0} - 200};
constexpr std::uint64_t before = 3;  // messages that lie in the ring already: 0, 1, 2

template <class Kind>
void push_some(const segment& to, std::uint64_t from, std::uint64_t count) {
  auto tx = must(Kind::producer::attach(to));
  for (std::uint64_t n = from; n < from + count; ++n) {
    if (tx.try_push(say(n)) != status::ok) fail("no room for the first messages");
  }
}

// What a consumer finds now.
template <class Consumer>
std::vector<std::uint64_t> read_all(Consumer& rx, std::uint64_t below) {
  std::vector<std::uint64_t> numbers;
  for (;;) {
    view seen = rx.try_read();
    if (!seen) seen = rx.examine();
    if (!seen) {
      const bool is_end = seen.status() == status::empty || seen.status() == status::closed;
      EXPECT_TRUE(is_end) << to_string(seen.status());
      return numbers;
    }
    std::uint64_t n = 0;
    while (n < below && !says(seen.bytes(), n)) ++n;
    numbers.push_back(n);  // `below`: it is none of them
  }
}

// Free space is all zero, where the ring rests on that.
template <class Kind>
void expect_clean(const segment& memory) {
  if (!is_mpsc<Kind>) return;
  auto seen = inspect(memory);
  ASSERT_TRUE(seen) << seen.error().message;
  const image bytes = copy_of(memory);
  const auto at = [&](std::uint64_t pos) {
    return bytes[memory.geometry().data_offset + (pos & (capacity - 1))];
  };
  const std::uint64_t end = seen->read_pos + capacity;
  for (std::uint64_t pos = seen->write_pos; pos != end; ++pos) {
    ASSERT_EQ(at(pos), std::byte{0}) << "at " << pos << ", released up to " << seen->read_pos;
  }
}

// The ring works: some laps, in which nothing of what the dead left may show.
template <class Producer, class Consumer>
void run_laps(const segment& memory, Producer& tx, Consumer& rx) {
  std::uint64_t bytes = 0;
  for (std::uint64_t n = 1000; bytes < 3 * capacity; ++n) {
    const auto one = say(n);
    ASSERT_EQ(tx.try_push(one), status::ok);
    const view seen = rx.try_read();
    ASSERT_TRUE(seen && says(seen.bytes(), n)) << to_string(seen.status());
    rx.release();
    bytes += one.size();
  }
  auto seen = inspect(memory);
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_EQ(seen->depth, 0u);
  EXPECT_EQ(seen->consumer.counters.corrupt, 0u);
  const bool may_recover = is_mpsc<kind<Producer, Consumer>>;
  EXPECT_LE(seen->consumer.counters.recovered, may_recover ? 2u : 0u);
  for (const auto& one : seen->producers) EXPECT_EQ(one.counters.corrupt, 0u);
}

// What the ring holds when all of its roles are taken up by others, the consumer first or the
// producer first; message `extra` is pushed by the new producer, again if the old consumer had
// closed. Returns the messages but that one.
template <class Kind>
std::vector<std::uint64_t> recover(const image& state, bool is_consumer_first,
                                   std::uint64_t extra) {
  const segment memory = revived(state);
  std::optional<typename Kind::consumer> rx;
  std::vector<std::uint64_t> found;
  const auto take_consumer_up = [&] {
    rx.emplace(must(Kind::consumer::attach(memory)));
    expect_clean<Kind>(memory);
  };
  if (is_consumer_first) {
    take_consumer_up();
    found = read_all(*rx, extra);
    rx->release();
    expect_clean<Kind>(memory);
  }
  auto tx = must(Kind::producer::attach(memory));
  EXPECT_EQ(tx.try_push(say(extra)), status::ok);
  if (!rx) take_consumer_up();
  for (const auto n : read_all(*rx, extra + 1)) found.push_back(n);
  rx->release();
  expect_clean<Kind>(memory);
  run_laps(memory, tx, *rx);
  if (found.empty() || found.back() != extra) {
    ADD_FAILURE() << "the new producer's message did not come";
  } else {
    found.pop_back();
  }
  return found;
}

// Holds every state of an operation to this: from `old` messages to `done`, at once, never back;
// and which of the two it is, does not depend on who comes first.
template <class Kind>
void expect_atomic(const std::vector<image>& states, const std::vector<std::uint64_t>& old,
                   const std::vector<std::uint64_t>& done, std::uint64_t extra) {
  ASSERT_GT(states.size(), 3u) << "nothing was watched";
  bool is_done = false;
  for (std::size_t i = 0; i < states.size(); ++i) {
    SCOPED_TRACE("state " + std::to_string(i) + " of " + std::to_string(states.size()));
    const auto found = recover<Kind>(states[i], true, extra);
    is_done = is_done || found == done;
    ASSERT_EQ(found, is_done ? done : old) << "consumer first";
    ASSERT_EQ(recover<Kind>(states[i], false, extra), found) << "producer first";
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_TRUE(is_done);
}

// One operation of a producer, at every instruction, at every place.
template <class Kind, class Operation>
void push_at_every_instruction(Operation operation, std::uint64_t pushed) {
  for (const std::uint64_t start : starts) {
    const segment memory = new_ring<Kind>(start);
    push_some<Kind>(memory, 0, before);
    const auto states = states_of(memory, [&](const auto& watched) {
      auto tx = must(Kind::producer::attach(memory));
      watched([&] { operation(tx); });
    });
    expect_atomic<Kind>(states, count_from(0, before), count_from(0, before + pushed), 10);
    if (::testing::Test::HasFailure()) return;
  }
}

template <class Kind>
void one_push() {
  const auto bytes = say(before);
  push_at_every_instruction<Kind>(
      [&](auto& tx) { require(tx.try_push(bytes) == status::ok, "refused"); }, 1);
}
template <class Kind>
void one_batch() {
  const std::array all{say(before), say(before + 1), say(before + 2), say(before + 3)};
  const std::array<message, 4> many{all[0], all[1], all[2], all[3]};
  push_at_every_instruction<Kind>(
      [&](auto& tx) { require(tx.try_push_batch(messages(many)).count == 4, "refused"); }, 4);
}
template <class Kind>
void one_shortened_claim() {
  const auto bytes = say(before);
  push_at_every_instruction<Kind>(
      [&](auto& tx) {
        auto claim = tx.try_claim(bytes.size() + 300);
        require(static_cast<bool>(claim), "refused");
        std::memset(claim.bytes().data(), 0xff, claim.bytes().size());
        std::memcpy(claim.bytes().data(), bytes.data(), bytes.size());
        claim.commit(bytes.size());
      },
      1);
}
template <class Kind>
void one_abort() {
  const segment memory = new_ring<Kind>(capacity - 104);
  push_some<Kind>(memory, 0, before);
  const auto states = states_of(memory, [&](const auto& watched) {
    auto tx = must(Kind::producer::attach(memory));
    watched([&] {
      auto claim = tx.try_claim(300);
      require(static_cast<bool>(claim), "refused");
      std::memset(claim.bytes().data(), 0xff, claim.bytes().size());
    });
  });
  expect_atomic<Kind>(states, count_from(0, before), count_from(0, before), 10);
}

TEST(EveryInstruction, of_a_push_sends_all_or_nothing_spsc) { one_push<spsc>(); }
TEST(EveryInstruction, of_a_push_sends_all_or_nothing_mpsc) { one_push<mpsc>(); }
TEST(EveryInstruction, of_a_batch_sends_all_or_nothing_spsc) { one_batch<spsc>(); }
TEST(EveryInstruction, of_a_batch_sends_all_or_nothing_mpsc) { one_batch<mpsc>(); }
TEST(EveryInstruction, of_a_shortened_claim_sends_all_or_nothing_spsc) {
  one_shortened_claim<spsc>();
}
TEST(EveryInstruction, of_a_shortened_claim_sends_all_or_nothing_mpsc) {
  one_shortened_claim<mpsc>();
}
TEST(EveryInstruction, of_an_aborted_claim_sends_nothing_spsc) { one_abort<spsc>(); }
TEST(EveryInstruction, of_an_aborted_claim_sends_nothing_mpsc) { one_abort<mpsc>(); }

// Reads some and releases them: all of these come again, or none.
template <class Kind>
void one_release() {
  constexpr std::uint64_t all = 8;
  constexpr std::uint64_t read = 5;
  for (const std::uint64_t start : starts) {
    const segment memory = new_ring<Kind>(start);
    push_some<Kind>(memory, 0, all);
    const auto states = states_of(memory, [&](const auto& watched) {
      auto rx = must(Kind::consumer::attach(memory));
      watched([&] {
        for (std::uint64_t n = 0; n < read; ++n) require(bool{rx.try_read()}, "nothing came");
        rx.release();
      });
    });
    expect_atomic<Kind>(states, count_from(0, all), count_from(read, all), 20);
    if (::testing::Test::HasFailure()) return;
  }
}
TEST(EveryInstruction, of_a_release_repeats_all_or_nothing_spsc) { one_release<spsc>(); }
TEST(EveryInstruction, of_a_release_repeats_all_or_nothing_mpsc) { one_release<mpsc>(); }

// The second death: the replacement of the dead dies too, wherever it stands.
using outcomes = std::vector<std::vector<std::uint64_t>>;

template <class Kind, class First, class Second>
void two_deaths(First first, Second second, const outcomes& legal) {
  const segment memory = new_ring<Kind>(capacity - 200);
  push_some<Kind>(memory, 0, before);
  points told;
  const auto states = states_of(
      ring_watch{&memory}, [&](const auto& watched) { first(memory, watched); }, told);
  const std::size_t every = stride(states.size(), 8);
  for (std::size_t i = 0; i < states.size(); i += every) {
    SCOPED_TRACE("first death in state " + std::to_string(i));
    ++told.first;
    const segment again = revived(states[i]);
    const auto next = states_of(
        ring_watch{&again}, [&](const auto& watched) { second(again, watched); }, told);
    for (std::size_t k = 0; k < next.size(); ++k) {
      SCOPED_TRACE("second death in state " + std::to_string(k));
      ++told.second;
      EXPECT_THAT(legal, ::testing::Contains(recover<Kind>(next[k], k % 2 == 0, 20)));
      if (::testing::Test::HasFailure()) return;
    }
  }
}

// Pushes message n, and is watched from there on.
template <class Kind>
auto push_watched(std::uint64_t n) {
  return [n](const segment& memory, const auto& watched) {
    const auto bytes = say(n);
    auto tx = must(Kind::producer::attach(memory));
    watched([&] { require(tx.try_push(bytes) == status::ok, "refused"); });
  };
}
// Is watched from before it attaches until after it has closed.
template <class Kind>
auto attach_watched(std::uint64_t n) {
  return [n](const segment& memory, const auto& watched) {
    const auto bytes = say(n);
    watched([&] {
      auto tx = must(Kind::producer::attach(memory));
      require(tx.try_push(bytes) == status::ok, "refused");
    });
  };
}
template <class Kind>
auto read_watched(std::uint64_t count) {
  return [count](const segment& memory, const auto& watched) {
    auto rx = must(Kind::consumer::attach(memory));
    watched([&] {
      for (std::uint64_t n = 0; n < count; ++n) require(bool{rx.try_read()}, "nothing came");
      rx.release();
    });
  };
}
// Takes up what the first consumer left, at most so many messages.
template <class Kind>
auto take_up_watched(std::uint64_t count) {
  return [count](const segment& memory, const auto& watched) {
    watched([&] {
      auto rx = must(Kind::consumer::attach(memory));
      for (std::uint64_t n = 0; n < count; ++n) (void)rx.try_read();
      rx.release();
    });
  };
}

template <class Kind>
void two_producers_die() {
  two_deaths<Kind>(push_watched<Kind>(3), attach_watched<Kind>(4),
                   {{0, 1, 2}, {0, 1, 2, 3}, {0, 1, 2, 4}, {0, 1, 2, 3, 4}});
}
TEST(EveryInstruction, of_a_producer_and_of_its_replacement_keeps_the_ring_whole_spsc) {
  two_producers_die<spsc>();
}
TEST(EveryInstruction, of_a_producer_and_of_its_replacement_keeps_the_ring_whole_mpsc) {
  two_producers_die<mpsc>();
}

template <class Kind>
void two_consumers_die() {
  two_deaths<Kind>(read_watched<Kind>(2), take_up_watched<Kind>(1), {{0, 1, 2}, {1, 2}, {2}, {}});
}
TEST(EveryInstruction, of_a_consumer_and_of_its_replacement_keeps_the_ring_whole_spsc) {
  two_consumers_die<spsc>();
}
TEST(EveryInstruction, of_a_consumer_and_of_its_replacement_keeps_the_ring_whole_mpsc) {
  two_consumers_die<mpsc>();
}

// Comes and goes, and does nothing else.
template <class Role>
auto come_and_go() {
  return [](const segment& memory, const auto& watched) {
    watched([&] { (void)must(Role::attach(memory)); });
  };
}
template <class Kind>
void attach_at_every_instruction() {
  const outcomes untouched{{0, 1, 2}};
  const auto producer = come_and_go<typename Kind::producer>();
  const auto consumer = come_and_go<typename Kind::consumer>();
  two_deaths<Kind>(producer, producer, untouched);
  two_deaths<Kind>(producer, consumer, untouched);
  two_deaths<Kind>(consumer, producer, untouched);
  two_deaths<Kind>(consumer, consumer, untouched);
}
TEST(EveryInstruction, of_an_attach_and_of_its_successors_changes_no_message_spsc) {
  attach_at_every_instruction<spsc>();
}
TEST(EveryInstruction, of_an_attach_and_of_its_successors_changes_no_message_mpsc) {
  attach_at_every_instruction<mpsc>();
}

// Takes up everything, past what the dead left, and releases it.
template <class Kind>
auto recover_watched() {
  return [](const segment& memory, const auto& watched) {
    watched([&] {
      auto rx = must(Kind::consumer::attach(memory));
      for (int dry = 0; dry < 2;) dry = rx.try_read() || rx.examine() ? 0 : dry + 1;
      rx.release();
    });
  };
}
// A claim that is given up, so that its rest is behind a header of its own.
template <class Kind>
auto claim_watched(std::uint64_t bytes) {
  return [bytes](const segment& memory, const auto& watched) {
    auto tx = must(Kind::producer::attach(memory));
    watched([&] {
      auto claim = tx.try_claim(bytes);
      require(static_cast<bool>(claim), "refused");
      std::memset(claim.bytes().data(), 0xff, claim.bytes().size());
    });
  };
}
template <class Kind>
void recovery_at_every_instruction() {
  two_deaths<Kind>(push_watched<Kind>(3), recover_watched<Kind>(), {{0, 1, 2}, {0, 1, 2, 3}, {}});
  two_deaths<Kind>(claim_watched<Kind>(300), recover_watched<Kind>(), {{0, 1, 2}, {}});
}
TEST(EveryInstruction, of_a_producer_and_of_who_recovers_it_keeps_the_ring_whole_spsc) {
  recovery_at_every_instruction<spsc>();
}
TEST(EveryInstruction, of_a_producer_and_of_who_recovers_it_keeps_the_ring_whole_mpsc) {
  recovery_at_every_instruction<mpsc>();
}

// A stored end that lags must not be taken for the end a lap later, when payload lies there.
template <class Kind>
void second_producer_dies_a_lap_later() {
  const auto a_lap_and_a_push = [](const segment& memory, const auto& watched) {
    auto tx = must(Kind::producer::attach(memory));
    auto rx = must(Kind::consumer::attach(memory));
    for (std::uint64_t n = 0; n < before + 1; ++n) (void)(rx.try_read() || rx.examine());
    rx.release();
    for (std::uint64_t bytes = 0, n = 100; bytes < capacity - 200; ++n) {
      const auto one = say(n);
      require(tx.try_push(one) == status::ok, "refused");
      require(says(rx.try_read().bytes(), n), "not what was pushed");
      rx.release();
      bytes += record_bytes(one.size(), 0);
    }
    const auto last = say(4);
    watched([&] { require(tx.try_push(last) == status::ok, "refused"); });
  };
  two_deaths<Kind>(push_watched<Kind>(3), a_lap_and_a_push, {{}, {4}});
}
TEST(EveryInstruction, of_a_replacement_a_lap_later_keeps_the_ring_whole_spsc) {
  second_producer_dies_a_lap_later<spsc>();
}
TEST(EveryInstruction, of_a_replacement_a_lap_later_keeps_the_ring_whole_mpsc) {
  second_producer_dies_a_lap_later<mpsc>();
}

// A name leads to a whole segment, or to none.
TEST(EveryInstruction, of_a_creation_leaves_a_whole_segment_or_none) {
  const testing::scratch_name name;
  ring_options all;
  all.capacity = capacity;
  points told;
  stepped process([&](const auto& watched) {
    watched([&] { (void)must(segment::create(name.path(), all)); });
  });
  bool is_there = false;
  for (bool goes_on = true; goes_on; goes_on = process.step()) {
    const bool was_there = std::exchange(is_there, ::access(name.path().c_str(), F_OK) == 0);
    if (was_there || !is_there) continue;
    ++told.first;
    const auto seen = segment::open(name.path());
    ASSERT_TRUE(seen) << seen.error().message;
    auto tx = must(spsc_producer::attach(*seen));
    EXPECT_EQ(tx.try_push(say(0)), status::ok);
  }
  told.instructions = process.steps();
  EXPECT_TRUE(is_there);
  EXPECT_EQ(told.first, 1u);
}

// Stopped, not dead: nobody is robbed.

TEST(EveryInstruction, a_producer_that_stops_there_is_waited_for) {
  for (const std::uint64_t start : starts) {
    const segment memory = new_ring<mpsc>(start);
    const auto bytes = say(0);
    stepped slow([&](const auto& watched) {
      auto tx = must(mpsc_producer::attach(memory));
      watched([&] { require(tx.try_push(bytes) == status::ok, "refused"); });
    });
    auto tx = must(mpsc_producer::attach(memory));
    auto rx = must(mpsc_consumer::attach(memory));
    std::vector<std::uint64_t> found;
    bool has_followed = false;
    const auto look = [&] {
      const view seen = rx.examine();
      if (!seen) {
        if (rx.stalled_by()) {
          EXPECT_EQ(rx.stalled_by()->pid, slow.pid());
        }
        return;
      }
      found.push_back(says(seen.bytes(), 0) ? 0 : says(seen.bytes(), 1) ? 1 : 9);
      rx.release();
    };
    for (bool goes_on = true; goes_on; goes_on = slow.step()) {
      look();
      if (!has_followed && inspect(memory)->write_pos != start) {
        EXPECT_EQ(tx.try_push(say(1)), status::ok);
        has_followed = true;
      }
    }
    look();
    look();
    EXPECT_THAT(found, ::testing::ElementsAre(0, 1));
    EXPECT_EQ(inspect(memory)->consumer.counters.recovered, 0u);
    EXPECT_EQ(inspect(memory)->consumer.counters.corrupt, 0u);
    expect_clean<mpsc>(memory);
  }
}

// While a consumer reads and releases, step by step, a producer fills whatever room there is.
template <class Kind>
void a_slow_consumer_keeps_its_messages() {
  constexpr std::uint64_t read = 6;
  const segment memory = new_ring<Kind>(capacity - 200);
  std::array<std::vector<std::byte>, read> expected;
  for (std::uint64_t n = 0; n < read; ++n) expected[n] = say(n);
  std::uint64_t pushed = 0;
  auto tx = must(Kind::producer::attach(memory));
  const auto fill = [&] {
    while (tx.try_push(say(pushed)) == status::ok) ++pushed;
  };
  fill();
  stepped slow([&](const auto& watched) {
    auto rx = must(Kind::consumer::attach(memory));
    watched([&] {
      for (std::uint64_t n = 0; n < read; ++n) {
        const view seen = rx.try_read();
        const bool is_same =
            seen && seen.bytes().size() == expected[n].size() &&
            std::memcmp(seen.bytes().data(), expected[n].data(), seen.bytes().size()) == 0;
        require(is_same, "a message changed while it was read");
        if (n % 2 == 1) rx.release();
      }
    });
  });
  const std::uint64_t at_first = pushed;
  while (slow.step()) fill();
  fill();
  EXPECT_GT(pushed, at_first);
  auto rx = [&] {
    const segment left = revived(copy_of(memory));
    return must(Kind::consumer::attach(left));
  }();
  EXPECT_EQ(read_all(rx, pushed), count_from(read, pushed));
}
TEST(EveryInstruction, a_consumer_that_stops_there_keeps_its_messages_spsc) {
  a_slow_consumer_keeps_its_messages<spsc>();
}
TEST(EveryInstruction, a_consumer_that_stops_there_keeps_its_messages_mpsc) {
  a_slow_consumer_keeps_its_messages<mpsc>();
}

}  // namespace
}  // namespace annulus::processes
