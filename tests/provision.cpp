// A ring whose memory is given page by page, as far as the system has it.
//
// The kernel is played by a policy of the test's own: a page that nobody asked for may not even be
// read, and asking for more than there is fails. Whoever touches a page too early ends the test.
#include "bytes.hpp"
#include "guarded.hpp"
#include "open_ring.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace annulus::testing {
namespace {

constexpr std::uint64_t page = 4096;

struct supply {
  std::byte* base = nullptr;
  std::vector<bool> given;
  std::uint64_t left = 0;  // pages

  bool give(std::uint64_t from, std::uint64_t to) {
    for (auto i = from / page; i * page < to; ++i) {
      if (i >= given.size()) std::abort();  // past the end of the file
      if (given[i]) continue;
      if (left == 0) return false;
      --left;
      given[i] = true;
      if (mprotect(base + i * page, page, PROT_READ | PROT_WRITE) != 0) std::abort();
    }
    return true;
  }
};
supply pages;

struct scarce : std_atomics {
  class area : public std_atomics::area {
   public:
    area() = default;
    explicit area(std::byte* base) noexcept : std_atomics::area(base) {}
    [[nodiscard]] area starting_at(std::uint64_t start) const noexcept {
      area moved = *this;
      static_cast<std_atomics::area&>(moved) = std_atomics::area::starting_at(start);
      return moved;
    }
    static bool lacks_memory() noexcept { return true; }
    static bool provide(std::uint64_t from, std::uint64_t to) noexcept {
      return pages.give(from, to);
    }
  };
};

template <topology Kind>
struct scarce_ring {
  static constexpr bool is_mpsc = Kind == topology::mpsc;
  using producer =
      std::conditional_t<is_mpsc, basic_mpsc_producer<scarce>, basic_spsc_producer<scarce>>;
  using consumer =
      std::conditional_t<is_mpsc, basic_mpsc_consumer<scarce>, basic_spsc_consumer<scarce>>;

  explicit scarce_ring(ring_options like) : shape(of_this_kind(like)) {
    const auto& from = held.memory();
    words.control = reinterpret_cast<control_words<scarce>*>(from.control);
    words.producers = reinterpret_cast<producer_words<scarce>*>(from.producers);
    words.geometry = from.geometry;
    words.witness = from.witness;
    pages.base = memory.bytes().data() + from.geometry.data_offset;
    words.data = scarce::area(pages.base);
    const auto bytes = from.geometry.segment_bytes - from.geometry.data_offset;
    pages.given.assign((bytes + page - 1) / page, false);
    if (mprotect(pages.base, pages.given.size() * page, PROT_NONE) != 0) std::abort();
    pages.left = 1;
    const auto first = words.index_of(from.geometry.first_pos);
    EXPECT_TRUE(pages.give(first, first + 8)) << "as creation does";
  }

  ring_options shape;
  guarded_memory memory{static_cast<std::size_t>(*segment::bytes_for(shape))};
  segment ring{segment::format(memory.bytes(), shape).value()};
  attachment held{attachment::make(ring, access::read_write).value()};
  ring_memory<scarce> words;

 private:
  static ring_options of_this_kind(ring_options like) {
    like.topology = Kind;
    return like;
  }
};

template <class Kind>
class Provision : public ::testing::Test {};
template <topology Kind>
struct of {
  static constexpr auto kind = Kind;
};
using kinds = ::testing::Types<of<topology::spsc>, of<topology::mpsc>>;
TYPED_TEST_SUITE(Provision, kinds);

message bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

TYPED_TEST(Provision, what_has_no_memory_is_refused_and_what_came_before_is_all_read) {
  scarce_ring<TypeParam::kind> at({.capacity = 1 << 16});
  typename decltype(at)::producer tx(at.words, 0);
  typename decltype(at)::consumer rx(at.words);
  const std::string one(1000, 'x');
  pages.left = 3;
  int sent = 0;
  while (tx.try_push(bytes_of(one)) == status::ok) ++sent;
  EXPECT_EQ(sent, 16) << "four pages of 4096 bytes hold 16 records of 1008 and a header";
  EXPECT_EQ(tx.try_push(bytes_of(one)), status::no_memory);
  EXPECT_EQ(tx.try_claim(1000).status(), status::no_memory);
  const message many[] = {bytes_of(one), bytes_of(one)};
  EXPECT_EQ(tx.try_push_batch(many).why, status::no_memory);
  EXPECT_EQ(tx.try_push(std::span(many)), status::no_memory);
  for (int i = 0; i < sent; ++i) ASSERT_TRUE(rx.try_read()) << i;
  EXPECT_EQ(rx.try_read().status(), status::empty);
  EXPECT_EQ(rx.examine().status(), status::empty) << "no claim without memory stands there";
  rx.release();
  EXPECT_EQ(tx.try_push(bytes_of(one)), status::no_memory) << "room is not memory";
  pages.left = 1;
  EXPECT_EQ(tx.try_push(bytes_of(one)), status::ok) << "it goes on as soon as there is some";
  EXPECT_TRUE(rx.try_read());
}

TYPED_TEST(Provision, a_full_ring_is_full_and_not_without_memory) {
  scarce_ring<TypeParam::kind> at({.capacity = 1 << 14});
  typename decltype(at)::producer tx(at.words, 0);
  pages.left = 1000;
  const std::string one(1000, 'x');
  while (tx.try_push(bytes_of(one)) == status::ok) {
  }
  EXPECT_EQ(tx.try_push(bytes_of(one)), status::full);
  const message many[] = {bytes_of(one)};
  EXPECT_EQ(tx.try_push_batch(many).why, status::full);
}

TYPED_TEST(Provision, a_message_that_found_no_room_tells_nothing_of_memory_for_a_shorter_one) {
  scarce_ring<TypeParam::kind> at({.capacity = 1 << 16});
  typename decltype(at)::producer tx(at.words, 0);
  pages.left = 1000;
  for (int i = 0; i < 13; ++i) ASSERT_EQ(tx.try_push(bytes_of(std::string(4088, 'x'))), status::ok);
  pages.left = 0;
  EXPECT_EQ(tx.try_push(bytes_of(std::string(16000, 'x'))), status::full);
  EXPECT_EQ(tx.try_push(bytes_of(std::string(12000, 'x'))), status::no_memory);
}

TYPED_TEST(Provision, in_any_lap_it_is_full_at_the_last_record_that_fits) {
  constexpr std::uint64_t capacity = 1 << 14;
  scarce_ring<TypeParam::kind> at({.capacity = capacity});
  typename decltype(at)::producer tx(at.words, 0);
  typename decltype(at)::consumer rx(at.words);
  pages.left = 1000;
  const std::string one(8, 'x');  // a record of 16 bytes
  for (const std::uint64_t passed : {1U, 1U, 500U, 1024U}) {
    for (std::uint64_t i = 0; i < passed; ++i) {
      ASSERT_EQ(tx.try_push(bytes_of(one)), status::ok);
      ASSERT_TRUE(rx.try_read());
      rx.release();
    }
    rx.publish_all();
    auto sent = (capacity - (at.is_mpsc ? 0 : header_bytes)) / 16;
    for (auto i = sent; i > 0; --i) ASSERT_EQ(tx.try_push(bytes_of(one)), status::ok) << i;
    if (!at.is_mpsc) sent += tx.try_push(message()) == status::ok;  // 8 bytes, and a terminator
    // The shortest at once: a longer one that is refused first would look for room anew.
    EXPECT_EQ(tx.try_push(message()), status::full);
    EXPECT_EQ(tx.try_push(bytes_of(one)), status::full);
    for (; sent > 0; --sent) ASSERT_TRUE(rx.try_read());
    ASSERT_EQ(rx.try_read().status(), status::empty);
    rx.release();
  }
}

// Of a fresh ring one header has memory, and the next may lie on another page.
TYPED_TEST(Provision, the_first_message_has_memory_for_the_header_behind_it) {
  scarce_ring<TypeParam::kind> at({.capacity = 1 << 14, .first_pos = page - header_bytes});
  typename decltype(at)::producer tx(at.words, 0);
  typename decltype(at)::consumer rx(at.words);
  pages.left = 0;
  EXPECT_EQ(tx.try_push(message()), status::no_memory);
  pages.left = 1;
  EXPECT_EQ(tx.try_push(message()), status::ok);
  EXPECT_TRUE(rx.try_read());
  EXPECT_EQ(rx.try_read().status(), status::empty);
}

// Just below 2^64 the positions wrap on the way.
TYPED_TEST(Provision, a_message_that_fits_exactly_has_memory_up_to_the_last_byte) {
  constexpr std::uint64_t capacity = 1 << 16;
  for (const std::uint64_t first_pos : {std::uint64_t{0}, ~std::uint64_t{0} - 40007}) {
    for (const bool is_batch : {false, true}) {
      scarce_ring<TypeParam::kind> at({.capacity = capacity, .first_pos = first_pos});
      typename decltype(at)::producer tx(at.words, 0);
      typename decltype(at)::consumer rx(at.words);
      pages.left = 1000;
      for (const std::uint64_t bytes : {30000U, 20000U}) {
        ASSERT_EQ(tx.try_push(bytes_of(std::string(bytes, 'x'))), status::ok);
      }
      const std::uint64_t terminator = at.is_mpsc ? 0 : header_bytes;
      const std::uint64_t left = capacity - 30008 - 20008 - terminator;
      const std::string last(left - header_bytes, 'y');
      const message one[] = {bytes_of(last)};
      const auto push = [&] { return is_batch ? tx.try_push_batch(one).why : tx.try_push(one[0]); };
      const auto kept = std::exchange(pages.left, 0);
      EXPECT_EQ(push(), status::no_memory);
      pages.left = kept;
      EXPECT_EQ(push(), status::ok);
      EXPECT_EQ(tx.try_push(message()), status::full);
      for (int i = 0; i < 3; ++i) EXPECT_TRUE(rx.try_read()) << i;
    }
  }
}

// Behind it the front is written, and zeroed from its first byte on.
TYPED_TEST(Provision, a_record_that_crosses_the_end_by_pages_has_memory_at_the_front) {
  constexpr std::uint64_t capacity = 1 << 16;
  for (const std::uint64_t bytes : {12'000U, 12'272U, 12'280U, 12'288U}) {
    scarce_ring<TypeParam::kind> at({.capacity = capacity, .first_pos = capacity - page});
    typename decltype(at)::producer tx(at.words, 0);
    typename decltype(at)::consumer rx(at.words);
    pages.left = 1000;
    for (const std::uint64_t each : {bytes, std::uint64_t{100}}) {
      ASSERT_EQ(tx.try_push(bytes_of(std::string(each, 'x'))), status::ok);
      EXPECT_EQ(rx.try_read().bytes().size(), each);
      rx.release();
    }
  }
}

TYPED_TEST(Provision, what_is_never_written_takes_no_memory) {
  scarce_ring<TypeParam::kind> at({.capacity = 1 << 20, .max_message = 1 << 19});
  typename decltype(at)::producer tx(at.words, 0);
  typename decltype(at)::consumer rx(at.words);
  pages.left = 1000;
  const std::string one(100, 'x');
  std::uint64_t bytes = 0;
  for (; bytes < 3u << 20; bytes += 112) {
    ASSERT_EQ(tx.try_push(bytes_of(one)), status::ok);
    ASSERT_TRUE(rx.try_read());
    rx.release();
  }
  const auto taken = static_cast<std::uint64_t>(std::ranges::count(pages.given, true));
  EXPECT_LE(taken, (1u << 20) / page + 1) << "the extension is half a MiB, and one page was needed";
}

// Every way to push, of every size, in laps, where memory comes and goes; held against a deque.
template <topology Kind>
class scarce_run {
 public:
  explicit scarce_run(std::mt19937& random) : random_(random) {
    for (std::uint32_t i = 0; i < (Kind == topology::mpsc ? 3 : 1); ++i) {
      all_.push_back(std::make_unique<producer>(at_.words, i));
    }
  }

  // What a push was refused with, or ok.
  status push() {
    pages.left = up_to(9) == 0 ? up_to(2) : 0;
    const auto who = static_cast<std::uint32_t>(up_to(all_.size() - 1));
    // It died, and a successor comes.
    if (up_to(20) == 0) all_[who] = std::make_unique<producer>(at_.words, who);
    const std::vector<std::string> texts{some_text(), some_text(), some_text()};
    const auto done = push(*all_[who], texts);
    for (std::uint64_t i = 0; i < done.count; ++i) expected_.push_back(texts[i]);
    return done.why;
  }

  void read(std::uint64_t most) {
    for (; most > 0; --most) {
      const auto seen = up_to(3) != 0 ? rx_.try_read() : rx_.examine();
      if (!seen) {
        ASSERT_EQ(seen.status(), status::empty);
        continue;
      }
      ASSERT_FALSE(expected_.empty());
      ASSERT_EQ(text(seen.bytes()), expected_.front());
      expected_.pop_front();
    }
    if (up_to(1) != 0) rx_.release();
  }

  std::uint64_t up_to(std::uint64_t most) {
    return std::uniform_int_distribution<std::uint64_t>(0, most)(random_);
  }
  [[nodiscard]] std::size_t unread() const { return expected_.size(); }

 private:
  using producer = typename scarce_ring<Kind>::producer;

  ring_options some_shape() {
    ring_options out;
    out.capacity = std::uint64_t{4096} << up_to(4);
    out.max_message = 8 + up_to(out.capacity / 2 - 8);
    out.integrity = up_to(1) != 0 ? integrity::crc32c : integrity::structure;
    out.first_pos = up_to(out.capacity * 2) & ~std::uint64_t{7};
    return out;
  }
  std::string some_text() {
    const auto most = std::min<std::uint64_t>(at_.shape.max_message, 1 + up_to(3000));
    return std::string(up_to(most), static_cast<char>('a' + up_to(25)));
  }

  batch push(producer& tx, const std::vector<std::string>& texts) {
    const message first = bytes_of(texts[0]);
    const auto one = [](status s) { return batch{s == status::ok ? 1u : 0u, s}; };
    switch (up_to(3)) {
      case 0: return one(tx.try_push(first));
      case 1: {
        std::vector<message> many;
        for (const auto& text : texts) many.push_back(bytes_of(text));
        return tx.try_push_batch(many);
      }
      case 2: {
        auto claim = tx.try_claim(first.size());
        if (!claim) return one(claim.status());
        std::ranges::copy(first, claim.bytes().begin());
        claim.commit(first.size());
        return one(status::ok);
      }
      default: return {0, tx.try_claim(first.size()).status()};  // given up
    }
  }

  std::mt19937& random_;
  scarce_ring<Kind> at_{some_shape()};
  typename scarce_ring<Kind>::consumer rx_{at_.words};
  std::vector<std::unique_ptr<producer>> all_;
  std::deque<std::string> expected_;
};

TYPED_TEST(Provision, nothing_is_lost_or_touched_too_early_however_memory_comes) {
  const auto seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::array<int, 16> refused{};
  for (int round = 0; round < 60; ++round) {
    scarce_run<TypeParam::kind> one(random);
    for (int step = 0; step < 400; ++step) {
      ++refused[static_cast<std::size_t>(one.push())];
      one.read(one.up_to(4));
      if (this->HasFatalFailure()) return;
    }
    one.read(2000);
    ASSERT_EQ(one.unread(), 0u);
  }
  EXPECT_GT(refused[static_cast<std::size_t>(status::no_memory)], 0);
  EXPECT_GT(refused[static_cast<std::size_t>(status::full)], 0);
}

}  // namespace
}  // namespace annulus::testing
