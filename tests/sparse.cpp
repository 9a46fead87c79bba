// Memory of a ring that nobody has written costs its reader nothing.
#include "open_ring.hpp"
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <annulus/ring/ring.hpp>

namespace annulus::testing {
namespace {

std::uint64_t kib_of(const segment& ring) {
  struct stat info {};
  EXPECT_EQ(fstat(ring.file(), &info), 0);
  return static_cast<std::uint64_t>(info.st_blocks) / 2;
}

TEST(SparseRings, are_searched_and_zeroed_without_giving_them_memory) {
  for (const auto kind : {topology::spsc, topology::mpsc}) {
    for (const bool ends_in_a_record : {false, true}) {
      const ring_options shape{.topology = kind,
                               .capacity = std::uint64_t{1} << 30,
                               .max_message = 64,
                               .reserve = false};
      const auto ring = segment::anonymous(shape).value();
      const auto held = attachment::make(ring, access::read_write).value();
      const auto& words = held.memory();
      if (ends_in_a_record) {
        const auto pos = shape.capacity - 16;
        words.header(pos).store<edge::own>(words.committed(3, pos), relaxed);
      }
      words.control->write_pos.store<edge::extent>(shape.capacity, relaxed);
      const auto before = kib_of(ring);
      const auto look = [](auto&& rx) {
        for (int i = 0; i < 4; ++i) (void)rx.examine(), rx.release();
      };
      if (kind == topology::spsc) look(basic_spsc_consumer<std_atomics>(words));
      if (kind == topology::mpsc) look(basic_mpsc_consumer<std_atomics>(words));
      EXPECT_LE(kib_of(ring) - before, 16u) << ends_in_a_record;
    }
  }
}

TEST(SparseRings, that_are_zeroed_after_damage_are_zero_wherever_they_were_written) {
  const ring_options shape{.topology = topology::mpsc,
                           .capacity = std::uint64_t{1} << 30,
                           .max_message = 64,
                           .reserve = false};
  const auto ring = segment::anonymous(shape).value();
  const auto held = attachment::make(ring, access::read_write).value();
  const auto& words = held.memory();
  const std::uint64_t hit[] = {0, 8, 4096, 1 << 20, (1 << 25) + 24, shape.capacity - 4096};
  for (const auto pos : hit) set(words.header(pos), 0x1234567);
  const auto last = shape.capacity - 16;
  set(words.header(last), words.committed(3, last));
  set(words.control->write_pos, shape.capacity);
  const auto before = kib_of(ring);
  basic_mpsc_consumer<std_atomics> rx(words);
  seen all;
  read_into(all, rx);
  EXPECT_EQ(all.corrupt, 1);
  EXPECT_EQ(all.messages.size(), 1u);
  EXPECT_EQ(value(words.control->consumer.read_pos), shape.capacity);
  for (const auto pos : hit) EXPECT_EQ(value(words.header(pos)), 0u) << pos;
  EXPECT_LE(kib_of(ring) - before, 16u);
}

long faults_so_far() {
  rusage used{};
  EXPECT_EQ(getrusage(RUSAGE_THREAD, &used), 0);
  return used.ru_minflt;
}
// How many pages are mapped in the middle of messages, in the first lap of a ring.
long faults_of_the_first_lap(std::uint64_t capacity) {
  const auto ring = segment::anonymous({.capacity = capacity, .max_message = 1024}).value();
  auto tx = spsc_producer::attach(ring).value();
  auto rx = spsc_consumer::attach(ring).value();
  const std::vector<std::byte> one(1000);
  const auto before = faults_so_far();
  for (std::uint64_t sent = 0; sent < capacity; sent += one.size()) {
    EXPECT_EQ(tx.try_push(message(one)), status::ok);
    EXPECT_TRUE(rx.try_read());
    rx.release();
  }
  return faults_so_far() - before;
}

// Some tools keep memory of their own for each page (sanitizers), so not all faults are the ring's.
TEST(MappedRings, of_up_to_4_MiB_have_their_pages_before_the_first_message) {
  constexpr std::uint64_t MiB = 1 << 20;
  EXPECT_LT(faults_of_the_first_lap(1 * MiB), 128);
  EXPECT_GT(faults_of_the_first_lap(8 * MiB), 0);
}

}  // namespace
}  // namespace annulus::testing
