// A message's copy: of every length, and no byte beside it is touched.
#include "guarded.hpp"
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <annulus/ring/copy.hpp>

namespace annulus::testing {
namespace {

constexpr std::size_t longest = 1100;  // past every length that copy.hpp tells apart

// The message whose bytes all differ from those that stand where it goes.
void write(std::span<std::byte> to, std::size_t salt) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<std::byte>((i * 7 + salt) % 251);
}
void expect_copied(std::span<const std::byte> from, std::span<std::byte> to, auto count) {
  std::ranges::fill(to, std::byte{0xFF});
  copy_message(to.data(), from.data(), count);
  ASSERT_TRUE(std::ranges::equal(from, to)) << from.size();
}

// From and to the first bytes of memory, and the last: what is beside them may not be touched.
TEST(Copy, of_every_length_is_whole_and_touches_nothing_beside_it) {
  const guarded_memory source(longest), target(longest);
  for (std::size_t count = 0; count <= longest; ++count) {
    for (const auto from : {source.bytes().first(count), source.bytes().last(count)}) {
      write(from, count);
      for (const auto to : {target.bytes().first(count), target.bytes().last(count)}) {
        expect_copied(from, to, count);
      }
    }
  }
}

TEST(Copy, at_every_place_of_a_word_writes_no_byte_beside_it) {
  std::vector<std::byte> from(longest), to(longest + 16);
  for (std::size_t count = 0; count <= longest; ++count) {
    write(std::span(from).first(count), count);
    for (std::size_t at = 0; at < 8; ++at) {
      std::ranges::fill(to, std::byte{0xFF});
      copy_message(to.data() + at, from.data(), count);
      const auto is_untouched = [](std::byte one) { return one == std::byte{0xFF}; };
      ASSERT_TRUE(std::ranges::all_of(std::span(to).first(at), is_untouched)) << count;
      ASSERT_TRUE(std::ranges::all_of(std::span(to).subspan(at + count), is_untouched)) << count;
      ASSERT_TRUE(std::equal(from.begin(), from.begin() + static_cast<long>(count),
                             to.begin() + static_cast<long>(at)))
          << count;
    }
  }
}

template <std::size_t... Counts>
void copy_constant_lengths(std::index_sequence<Counts...>) {
  const guarded_memory source(longest), target(longest);
  write(source.bytes(), 3);
  (expect_copied(source.bytes().last(Counts), target.bytes().last(Counts),
                 std::integral_constant<std::size_t, Counts>()),
   ...);
}

TEST(Copy, of_a_length_that_the_compiler_knows_is_whole) {
  copy_constant_lengths(std::make_index_sequence<140>());
}

// Notes what a copy asks for.
struct asked {
  std::string& what;
  void next_line() const { what += "next"; }
  void each_line() const { what += "each"; }
};

TEST(Copy, asks_once_by_the_length_and_for_nothing_up_to_16_bytes) {
  const std::vector<std::byte> from(longest);
  std::vector<std::byte> to(longest);
  for (std::size_t count = 0; count <= longest; ++count) {
    std::string what;
    copy_message(to.data(), from.data(), count, asked{what});
    ASSERT_EQ(what, count <= 16 ? "" : count <= 64 ? "next" : "each") << count;
  }
}

}  // namespace
}  // namespace annulus::testing
