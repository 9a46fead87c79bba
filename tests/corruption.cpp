// What damage and a hostile peer can do: lose the records that were hit, and nothing else.
//
// Every ring here lies between two pages that nobody may touch, and ends where its memory ends.
#include <gtest/gtest.h>
// RapidCheck's adapter wants GoogleTest before it.
#include "bytes.hpp"
#include "guarded.hpp"
#include <rapidcheck/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <random>
#include <type_traits>
#include <utility>
#include <vector>

#include <annulus/ring/inspect.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::testing {
namespace {

constexpr std::uint64_t capacity = 8192;

// What may be read through, and what must not be: the last page of the extension ends at the guard.
ring_options shape_of(topology kind, integrity checked) {
  ring_options shape;
  shape.topology = kind;
  shape.integrity = checked;
  shape.capacity = capacity;
  shape.max_message = 4096 - 8 - (checked == integrity::crc32c ? 4 : 0);
  shape.producers = 2;
  shape.first_pos = capacity - 64;  // the third record or so runs into the extension
  return shape;
}

template <topology Kind, integrity Checked>
struct laid_ring {
  static constexpr topology kind = Kind;
  static constexpr bool is_mpsc = Kind == topology::mpsc;
  static constexpr bool has_crc = Checked == integrity::crc32c;
  using producer_type = std::conditional_t<is_mpsc, mpsc_producer, spsc_producer>;
  using consumer_type = std::conditional_t<is_mpsc, mpsc_consumer, spsc_consumer>;

  ring_options shape = shape_of(Kind, Checked);
  guarded_memory memory{static_cast<std::size_t>(*segment::bytes_for(shape))};
  std::optional<segment> ring;
  std::optional<attachment> words;
  std::vector<octets> sent;
  std::vector<std::uint64_t> at;  // where each message's record starts

  // A fresh ring with these messages in it, and for mpsc a claim given up among them.
  void lay(std::span<const std::size_t> counts) {
    words.reset();
    ring.emplace(segment::format(memory.bytes(), shape).value());
    words.emplace(attachment::make(*ring, access::read_write).value());
    sent.clear();
    at.clear();
    auto tx = attach<producer_type>();
    for (const auto count : counts) {
      sent.push_back(pattern(count, count + 1));
      at.push_back(write_pos());
      ASSERT_EQ(tx.try_push(message(sent.back())), status::ok);
      if (is_mpsc && sent.size() == 2) {
        auto given_up = tx.try_claim(20);
      }
    }
  }
  template <class Role>
  Role attach() {
    return Role::attach(*ring).value();
  }
  [[nodiscard]] const ring_memory<std_atomics>& mem() const { return words->memory(); }
  [[nodiscard]] std::uint64_t write_pos() const {
    return mem().control->write_pos.template load<edge::hint>(std::memory_order_relaxed);
  }
  [[nodiscard]] std::byte* record(std::uint64_t pos) const {
    return memory.bytes().data() + ring->geometry().data_offset + mem().index_of(pos);
  }
  void mark_everyone_gone() const {
    leave(mem().control->consumer.role);
    for (std::uint32_t i = 0; i < ring->geometry().producers; ++i) leave(mem().producers[i].role);
  }
  static void leave(role_words<std_atomics>& role) {
    role.owner.template store<edge::roll>(owner_word(1, tenure::closed), std::memory_order_relaxed);
  }
};

template <class T>
class Corruption : public ::testing::Test {};
using rings = ::testing::Types<
    laid_ring<topology::spsc, integrity::structure>, laid_ring<topology::spsc, integrity::crc32c>,
    laid_ring<topology::mpsc, integrity::structure>, laid_ring<topology::mpsc, integrity::crc32c>>;
struct name_of {
  template <class T>
  static std::string GetName(int) {
    return std::string(T::is_mpsc ? "mpsc" : "spsc") + (T::has_crc ? "_crc32c" : "");
  }
};
TYPED_TEST_SUITE(Corruption, rings, name_of);

struct outcome {
  std::vector<octets> read;
  std::vector<damage> lost;
  status why = status::empty;
};

// Reads all there is, in a bounded number of steps.
template <class Consumer>
outcome read_all(Consumer& rx) {
  outcome out;
  for (int step = 0; step < 4000; ++step) {
    view seen = rx.try_read();
    if (seen.status() != status::ok && seen.status() != status::corrupt) seen = rx.examine();
    if (seen) {
      out.read.push_back(copy(seen.bytes()));
    } else if (seen.status() == status::corrupt) {
      out.lost.push_back(*rx.last_damage());
    } else {
      out.why = seen.status();
      rx.release();
      return out;
    }
  }
  ADD_FAILURE() << "reading does not end";
  return out;
}

constexpr std::array<std::size_t, 6> sizes{5, 0, 24, 13, 40, 8};

std::vector<octets> without(std::vector<octets> all, std::size_t one) {
  all.erase(all.begin() + static_cast<std::ptrdiff_t>(one));
  return all;
}

TYPED_TEST(Corruption, any_flipped_bit_of_a_record_loses_that_record_at_most) {
  TypeParam it;
  for (std::size_t hit = 0; hit < sizes.size(); ++hit) {
    const std::uint64_t used = 8 + sizes[hit] + (TypeParam::has_crc ? 4 : 0);
    const std::uint64_t all = (used + 7) / 8 * 8;
    for (std::uint64_t bit = 0; bit < all * 8; ++bit) {
      ASSERT_NO_FATAL_FAILURE(it.lay(sizes));
      it.record(it.at[hit])[bit / 8] ^= std::byte{1} << (bit % 8);
      auto rx = it.template attach<typename TypeParam::consumer_type>();
      auto tx = it.template attach<typename TypeParam::producer_type>();
      ASSERT_EQ(tx.try_push(bytes("after")), status::ok);
      auto got = read_all(rx);
      ASSERT_FALSE(got.read.empty());
      ASSERT_EQ(text(got.read.back()), "after") << hit << " bit " << bit;
      got.read.pop_back();

      const bool is_padding = bit / 8 >= used;
      const bool is_header = bit / 8 < 8;
      const auto counted = inspect(*it.ring)->consumer.counters;
      if (is_padding) {
        ASSERT_EQ(got.read, it.sent) << hit << " bit " << bit;
        ASSERT_EQ(counted.corrupt, 0u) << hit << " bit " << bit;
      } else if (is_header || TypeParam::has_crc) {
        ASSERT_EQ(got.read, without(it.sent, hit)) << hit << " bit " << bit;
        ASSERT_EQ(counted.corrupt, 1u) << hit << " bit " << bit;
        ASSERT_EQ(got.lost.size(), 1u);
        ASSERT_EQ(got.lost[0].pos, it.at[hit]) << hit << " bit " << bit;
        ASSERT_EQ(got.lost[0].bytes, all) << hit << " bit " << bit;
      } else {
        ASSERT_EQ(got.read.size(), it.sent.size()) << hit << " bit " << bit;
        ASSERT_EQ(got.read[hit].size(), sizes[hit]) << hit << " bit " << bit;
        ASSERT_EQ(without(got.read, hit), without(it.sent, hit)) << hit << " bit " << bit;
      }
    }
  }
}

// A busy header's check takes in its producer's number. In a ring of two, no word of a third one's
// is a claim.
TYPED_TEST(Corruption, behind_damage_no_word_is_a_claim_of_a_producer_that_the_ring_does_not_have) {
  constexpr std::size_t hit = 4;
  TypeParam it;
  ASSERT_NO_FATAL_FAILURE(it.lay(sizes));
  const auto pos = it.at[hit] + 16;
  const auto posing = record_header::busy(40, pos, it.ring->geometry().key, it.shape.producers);
  std::memset(it.record(it.at[hit]), 0x55, 8);
  std::memcpy(it.record(pos), &posing, sizeof posing);
  auto rx = it.template attach<typename TypeParam::consumer_type>();
  EXPECT_EQ(read_all(rx).read, without(it.sent, hit));
}

TYPED_TEST(Corruption, any_two_neighbours_overwritten_lose_no_third) {
  TypeParam it;
  for (std::size_t hit = 0; hit + 1 < sizes.size(); ++hit) {
    for (const std::byte junk : {std::byte{0}, std::byte{0xff}, std::byte{0x55}}) {
      ASSERT_NO_FATAL_FAILURE(it.lay(sizes));
      std::memset(it.record(it.at[hit]), static_cast<int>(junk), 8);
      std::memset(it.record(it.at[hit + 1]), static_cast<int>(junk), 8);
      auto rx = it.template attach<typename TypeParam::consumer_type>();
      const auto got = read_all(rx);
      ASSERT_EQ(got.read, without(without(it.sent, hit + 1), hit)) << hit;
      const auto counted = inspect(*it.ring)->consumer.counters;
      ASSERT_GE(counted.corrupt + counted.recovered, 1u) << hit;
    }
  }
}

TYPED_TEST(Corruption, a_flipped_bit_in_free_space_loses_nothing) {
  TypeParam it;
  for (std::uint64_t bit = 0; bit < 64 * 8; ++bit) {
    ASSERT_NO_FATAL_FAILURE(it.lay(sizes));
    it.record(it.write_pos())[bit / 8] ^= std::byte{1} << (bit % 8);
    auto rx = it.template attach<typename TypeParam::consumer_type>();
    ASSERT_EQ(read_all(rx).read, it.sent) << bit;
    auto tx = it.template attach<typename TypeParam::producer_type>();
    for (const char* one : {"a", "bb", "ccc"}) ASSERT_EQ(tx.try_push(bytes(one)), status::ok);
    ASSERT_EQ(read_all(rx).read.size(), 3u) << bit;
    ASSERT_EQ(inspect(*it.ring)->consumer.counters.corrupt, 0u) << bit;
  }
}

TYPED_TEST(Corruption, a_producer_that_attaches_after_damage_loses_nothing_more) {
  TypeParam it;
  for (std::uint64_t bit = 0; bit < 64; ++bit) {
    ASSERT_NO_FATAL_FAILURE(it.lay(sizes));
    it.record(it.at.back())[bit / 8] ^= std::byte{1} << (bit % 8);
    // Its predecessor died between its last commit and the copy of its position.
    if (!TypeParam::is_mpsc) {
      it.mem().control->write_pos.template store<edge::extent>(it.at.back(),
                                                               std::memory_order_relaxed);
    }
    auto tx = it.template attach<typename TypeParam::producer_type>();
    ASSERT_EQ(tx.try_push(bytes("after")), status::ok);
    auto rx = it.template attach<typename TypeParam::consumer_type>();
    auto expected = without(it.sent, sizes.size() - 1);
    expected.push_back(copy(bytes("after")));
    ASSERT_EQ(read_all(rx).read, expected) << bit;
    const auto report = inspect(*it.ring).value();
    ASSERT_EQ(report.consumer.counters.corrupt + report.producers[0].counters.corrupt, 1u) << bit;
  }
}

TYPED_TEST(Corruption, damage_that_fills_the_ring_makes_room_for_who_waits) {
  TypeParam it;
  ASSERT_NO_FATAL_FAILURE(it.lay({}));
  auto tx = it.template attach<typename TypeParam::producer_type>();
  auto rx = it.template attach<typename TypeParam::consumer_type>();
  const auto one = pattern(2000, 1);
  for (const auto first = it.write_pos(); tx.try_push(message(one)) == status::ok;) {
    it.at.push_back(it.at.empty() ? first : it.at.back() + it.mem().record_bytes(one.size()));
  }
  for (const auto pos : it.at) std::memset(it.record(pos), 0x55, 8);
  EXPECT_EQ(rx.read(within(std::chrono::seconds(1))).status(), status::corrupt);
  EXPECT_EQ(rx.read(within(std::chrono::nanoseconds(0))).status(), status::timed_out);
  EXPECT_EQ(tx.try_push(message(one)), status::ok);
}

// Stale bytes that pose as a header where the next one is expected, by one who knows the key.

TYPED_TEST(Corruption, payload_of_the_last_lap_is_never_taken_for_a_record) {
  constexpr std::uint64_t trailer = TypeParam::has_crc ? crc_bytes : 0;
  TypeParam it;
  it.shape.first_pos = 0;
  for (std::uint64_t index = 16; index <= 504; index += 8) {
    ASSERT_NO_FATAL_FAILURE(it.lay({}));
    auto tx = it.template attach<typename TypeParam::producer_type>();
    auto rx = it.template attach<typename TypeParam::consumer_type>();
    const auto pass = [&](message one) {
      ASSERT_EQ(tx.try_push(one), status::ok);
      ASSERT_TRUE(rx.try_read());
      rx.release();
    };
    // One lap: in its first record, at this index, what would be a header in the next lap.
    octets posing(520 - 8 - trailer);
    const auto key = it.ring->geometry().key;
    const auto word = record_header::committed(0, capacity + index, key);
    std::memcpy(posing.data() + index - 8, &word, sizeof word);
    ASSERT_NO_FATAL_FAILURE(pass(posing));
    ASSERT_NO_FATAL_FAILURE(pass(octets(3840 - 8 - trailer)));
    ASSERT_NO_FATAL_FAILURE(pass(octets(3832 - 8 - trailer)));
    ASSERT_EQ(it.write_pos(), capacity);
    // The next ends right before it.
    ASSERT_NO_FATAL_FAILURE(pass(octets(index - 8 - trailer)));
    ASSERT_EQ(rx.try_read().status(), status::empty) << index;
    ASSERT_EQ(rx.examine().status(), status::empty) << index;
  }
}

// Hostile peers. Nothing sensible can be expected of the messages; of us: no touch outside, an end
// to every call, and no message larger than the largest.

template <class Ring>
void use_every_operation(Ring& it, std::uint64_t seed) {
  it.mark_everyone_gone();
  auto tx = it.template attach<typename Ring::producer_type>();
  auto rx = it.template attach<typename Ring::consumer_type>();
  std::mt19937_64 random(seed);
  const auto largest = pattern(tx.max_message(), seed);
  unsigned touched = 0;
  const auto touch = [&](message one) {
    EXPECT_LE(one.size(), rx.max_message());
    for (const auto byte : one) touched += std::to_integer<unsigned>(byte);
  };
  for (int step = 0; step < 40; ++step) {
    const message one = message(largest).first(random() % (largest.size() + 1));
    const std::array<message, 3> many{one, message(largest), one.first(one.size() / 2)};
    switch (random() % 10) {
      case 0: touch(rx.try_read().bytes()); break;
      case 1: touch(rx.examine().bytes()); break;
      case 2: rx.release(); break;
      case 3: rx.drain(touch, random() % 100); break;
      case 4: touch(rx.read(within(std::chrono::nanoseconds(0))).bytes()); break;
      case 5: (void)tx.try_push(one); break;
      case 6: (void)tx.try_push(pieces(many).first(1)); break;
      case 7: (void)tx.try_push_batch(many); break;
      case 8: {
        auto claim = tx.try_claim(one.size());
        if (claim) {
          std::ranges::copy(one, claim.bytes().begin());
          claim.commit(one.size() / 2);
        }
        break;
      }
      default: (void)inspect(*it.ring); break;
    }
  }
  EXPECT_LE(touched, ~0u);
}

enum class aim { data, control, all, forged };

template <class Ring>
void vandalise(Ring& it, aim at, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto& shape = it.ring->geometry();
  const auto all = it.memory.bytes();
  const auto scribble = [&](std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t i = from; i < to; i += 8) {
      const std::uint64_t word = random();
      std::memcpy(all.data() + i, &word, sizeof word);
    }
  };
  if (at == aim::data || at == aim::all) scribble(shape.data_offset, shape.segment_bytes);
  if (at == aim::control || at == aim::all) scribble(shape.control_offset, shape.data_offset);
  if (at == aim::forged) {
    // Every word a valid header, by a peer that knows the key; the positions far apart.
    for (std::uint64_t pos = shape.first_pos; pos != shape.first_pos + capacity; pos += 8) {
      const std::uint64_t count = random() % 3 == 0 ? random() % (capacity + 8) : random() % 64;
      const std::uint64_t words[] = {record_header::committed(count, pos, shape.key),
                                     record_header::aborted(count, pos, shape.key),
                                     record_header::busy(count, pos, shape.key, 1), 0};
      std::memcpy(it.record(pos), &words[random() % 4], 8);
    }
    it.mem().control->write_pos.template store<edge::extent>(shape.first_pos + capacity,
                                                             std::memory_order_relaxed);
  }
}

template <class Ring>
void survive(aim at) {
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  Ring it;
  it.lay(sizes);
  vandalise(it, at, seed);
  use_every_operation(it, seed);
}

RC_GTEST_PROP(HostilePeer, any_data_is_survived_by_spsc, ()) {
  survive<laid_ring<topology::spsc, integrity::structure>>(aim::data);
  survive<laid_ring<topology::spsc, integrity::crc32c>>(aim::data);
}
RC_GTEST_PROP(HostilePeer, any_data_is_survived_by_mpsc, ()) {
  survive<laid_ring<topology::mpsc, integrity::structure>>(aim::data);
  survive<laid_ring<topology::mpsc, integrity::crc32c>>(aim::data);
}
RC_GTEST_PROP(HostilePeer, any_control_words_are_survived_by_spsc, ()) {
  survive<laid_ring<topology::spsc, integrity::structure>>(aim::control);
  survive<laid_ring<topology::spsc, integrity::crc32c>>(aim::all);
}
RC_GTEST_PROP(HostilePeer, any_control_words_are_survived_by_mpsc, ()) {
  survive<laid_ring<topology::mpsc, integrity::structure>>(aim::control);
  survive<laid_ring<topology::mpsc, integrity::crc32c>>(aim::all);
}
RC_GTEST_PROP(HostilePeer, forged_headers_are_survived_by_spsc, ()) {
  survive<laid_ring<topology::spsc, integrity::structure>>(aim::forged);
  survive<laid_ring<topology::spsc, integrity::crc32c>>(aim::forged);
}
RC_GTEST_PROP(HostilePeer, forged_headers_are_survived_by_mpsc, ()) {
  survive<laid_ring<topology::mpsc, integrity::structure>>(aim::forged);
  survive<laid_ring<topology::mpsc, integrity::crc32c>>(aim::forged);
}

// A header that is valid at every position, each of the longest message: a search that checked
// every payload would not end within this test's limit.
TEST(HostilePeer, forged_headers_do_not_hold_a_read_up) {
  ring_options shape;
  shape.integrity = integrity::crc32c;
  shape.capacity = 8 << 20;
  const auto ring = segment::anonymous(shape).value();
  const auto& geometry = ring.geometry();
  const auto held = attachment::make(ring, access::read_write).value();
  const auto& mem = held.memory();
  for (std::uint64_t pos = 8; pos < shape.capacity; pos += 8) {
    mem.header(pos).store<edge::publish>(
        record_header::committed(geometry.max_message, pos, geometry.key),
        std::memory_order_relaxed);
  }
  mem.header(0).store<edge::publish>(1, std::memory_order_relaxed);
  mem.control->write_pos.store<edge::extent>(shape.capacity, std::memory_order_relaxed);
  auto rx = spsc_consumer::attach(ring).value();
  EXPECT_EQ(rx.examine().status(), status::corrupt);
}

TYPED_TEST(Corruption, any_pair_of_positions_is_survived) {
  TypeParam it;
  const std::uint64_t base = capacity - 64;
  const std::uint64_t far[] = {
      0,          1,          7,         8,     4088,     capacity - 8, capacity, capacity + 8,
      1ULL << 40, 1ULL << 63, ~0ULL - 7, ~0ULL, -capacity};
  for (const auto read : far) {
    for (const auto write : far) {
      ASSERT_NO_FATAL_FAILURE(it.lay(sizes));
      auto& control = *it.mem().control;
      control.consumer.read_pos.template store<edge::own>(base + read, std::memory_order_relaxed);
      control.freed.template store<edge::free>(base + (read & write), std::memory_order_relaxed);
      control.write_pos.template store<edge::extent>(base + write, std::memory_order_relaxed);
      control.consumer.releasing.template store<edge::redo>(base + (read ^ write),
                                                            std::memory_order_relaxed);
      use_every_operation(it, read * 31 + write);
    }
  }
}

TYPED_TEST(Corruption, positions_that_jump_under_an_attached_role_are_survived) {
  TypeParam it;
  const std::uint64_t base = capacity - 64;
  const std::uint64_t jumps[] = {3, capacity + 8, 1ULL << 62, 1ULL << 63, ~0ULL};
  for (const auto jump : jumps) {
    ASSERT_NO_FATAL_FAILURE(it.lay(sizes));
    auto tx = it.template attach<typename TypeParam::producer_type>();
    auto rx = it.template attach<typename TypeParam::consumer_type>();
    const auto one = pattern(tx.max_message(), 1);
    auto& control = *it.mem().control;
    for (int step = 0; step < 20; ++step) {
      control.consumer.read_pos.template store<edge::own>(base + jump, std::memory_order_relaxed);
      control.freed.template store<edge::free>(base + static_cast<std::uint64_t>(step % 3) * jump,
                                               std::memory_order_relaxed);
      (void)tx.try_push(message(one));
      control.write_pos.template store<edge::extent>(base - jump, std::memory_order_relaxed);
      (void)rx.try_read();
      (void)rx.examine();
      rx.release();
    }
  }
}

// Geometry.

struct lie {
  const char* about;
  std::function<void(geometry&)> tell;
};

// Why a ring whose geometry tells a lie, with its checksum right, is refused; empty if it is not.
std::string refusal_of_lie(const std::function<void(geometry&)>& tell) {
  laid_ring<topology::mpsc, integrity::structure> it;
  it.lay(sizes);
  geometry shape = it.ring->geometry();
  tell(shape);
  finish_geometry(shape);
  std::memcpy(it.memory.bytes().data(), &shape, sizeof shape);
  const auto found = segment::over(it.memory.bytes());
  return found ? "" : found.error().message;
}

TEST(HostileGeometry, the_truth_is_not_refused) {
  EXPECT_EQ(refusal_of_lie([](geometry&) {}), "");
}

TEST(HostileGeometry, every_field_that_lies_is_refused_even_with_its_checksum_right) {
  const lie lies[] = {
      {"magic", [](geometry& g) { g.magic[0] = 'A'; }},
      {"version", [](geometry& g) { ++g.version; }},
      {"topology", [](geometry& g) { g.topology = topology{7}; }},
      {"capacity doubled", [](geometry& g) { g.capacity *= 2; }},
      {"capacity halved", [](geometry& g) { g.capacity /= 2; }},
      {"capacity 0", [](geometry& g) { g.capacity = 0; }},
      {"capacity odd", [](geometry& g) { g.capacity += 8; }},
      {"max_message 0", [](geometry& g) { g.max_message = 0; }},
      {"max_message large", [](geometry& g) { g.max_message = g.capacity; }},
      {"max_message more", [](geometry& g) { g.max_message += 8; }},
      {"first_pos", [](geometry& g) { g.first_pos += 4; }},
      {"producers 0", [](geometry& g) { g.producers = 0; }},
      {"producers many", [](geometry& g) { g.producers = 1025; }},
      {"producers more", [](geometry& g) { g.producers = 64; }},
      {"integrity", [](geometry& g) { g.integrity = integrity{2}; }},
      {"trailers", [](geometry& g) { g.integrity = integrity::crc32c; }},
      {"control_offset", [](geometry& g) { g.control_offset += 4096; }},
      {"producers_offset", [](geometry& g) { g.producers_offset -= 4096; }},
      {"data_offset", [](geometry& g) { g.data_offset += 8; }},
      {"segment_bytes", [](geometry& g) { g.segment_bytes += 4096; }},
      {"huge_pages", [](geometry& g) { g.huge_pages = 1; }},
  };
  for (const auto& [about, tell] : lies) {
    EXPECT_FALSE(refusal_of_lie(tell).empty()) << about;
  }
}

TEST(HostileGeometry, a_limit_that_it_breaks_is_named) {
  const lie lies[] = {
      {"capacity 4104 is not", [](geometry& g) { g.capacity = 4104; }},
      {"max_message 0 is not", [](geometry& g) { g.max_message = 0; }},
      {"producers 1025 is not", [](geometry& g) { g.producers = 1025; }},
  };
  for (const auto& [says, tell] : lies) {
    const auto why = refusal_of_lie(tell);
    EXPECT_NE(why.find(says), std::string::npos) << says << ": " << why;
  }
}

TEST(HostileGeometry, any_flipped_bit_of_it_is_refused) {
  laid_ring<topology::spsc, integrity::structure> it;
  ASSERT_NO_FATAL_FAILURE(it.lay(sizes));
  for (std::size_t bit = 0; bit < sizeof(geometry) * 8; ++bit) {
    auto& hit = it.memory.bytes()[bit / 8];
    hit ^= std::byte{1} << (bit % 8);
    EXPECT_FALSE(segment::over(it.memory.bytes())) << bit;
    hit ^= std::byte{1} << (bit % 8);
  }
  EXPECT_TRUE(segment::over(it.memory.bytes()));
}

TEST(HostileGeometry, roles_go_by_their_own_copy) {
  laid_ring<topology::mpsc, integrity::crc32c> it;
  ASSERT_NO_FATAL_FAILURE(it.lay(sizes));
  auto tx = it.attach<mpsc_producer>();
  auto rx = it.attach<mpsc_consumer>();
  std::memset(it.memory.bytes().data(), 0xff, page_bytes);
  ASSERT_EQ(tx.try_push(bytes("on")), status::ok);
  const auto got = read_all(rx);
  EXPECT_EQ(got.read.size(), it.sent.size() + 1);
  EXPECT_EQ(text(got.read.back()), "on");
}

}  // namespace
}  // namespace annulus::testing
