// The checksum: the RFC's vectors, and one result by both ways of computing it.
#include "bytes.hpp"
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include <annulus/ring/crc32c.hpp>

namespace annulus::testing {
namespace {

octets counting_up() {
  octets out(32);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(i);
  return out;
}

TEST(Crc32c, the_vectors_of_rfc_3720_appendix_b4) {
  auto falling = counting_up();
  std::ranges::reverse(falling);
  octets read_command(48);
  read_command[0] = std::byte{0x01};
  read_command[1] = std::byte{0xc0};
  read_command[16] = std::byte{0x14};
  read_command[22] = std::byte{0x04};
  read_command[27] = std::byte{0x14};
  read_command[31] = std::byte{0x18};
  read_command[32] = std::byte{0x28};
  read_command[40] = std::byte{0x02};
  for (const auto crc : {crc32c, crc32c_portable}) {
    EXPECT_EQ(crc(0, octets(32, std::byte{0})), 0x8a9136aau);
    EXPECT_EQ(crc(0, octets(32, std::byte{0xff})), 0x62a8ab43u);
    EXPECT_EQ(crc(0, counting_up()), 0x46dd794eu);
    EXPECT_EQ(crc(0, falling), 0x113fdb5cu);
    EXPECT_EQ(crc(0, read_command), 0xd9963a56u);
    EXPECT_EQ(crc(0, bytes("123456789")), 0xe3069283u);
    EXPECT_EQ(crc(0, {}), 0u);
  }
}

TEST(Crc32c, both_ways_agree_on_every_length_and_alignment) {
  const auto all = pattern(300, 1);
  for (std::size_t from = 0; from < 16; ++from) {
    for (std::size_t count = 0; count + from <= all.size(); ++count) {
      const auto part = std::span(all).subspan(from, count);
      ASSERT_EQ(crc32c(7, part), crc32c_portable(7, part)) << from << " " << count;
    }
  }
}

#if defined(__x86_64__) || defined(__aarch64__)
TEST(Crc32c, is_computed_by_instruction_here) { EXPECT_TRUE(crc32c_has_instruction()); }
#endif

TEST(Crc32c, a_checksum_goes_on_where_another_stopped) {
  const auto whole = pattern(200, 2);
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    const auto begun = crc32c(0, std::span(whole).first(cut));
    ASSERT_EQ(crc32c(begun, std::span(whole).subspan(cut)), crc32c_portable(0, whole)) << cut;
  }
}

}  // namespace
}  // namespace annulus::testing
