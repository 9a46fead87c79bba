// annulus dump and annulus fsck: what a ring holds that nobody uses, read without touching it.
#include "bytes.hpp"
#include "cli/exit_code.hpp"
#include "command.hpp"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <annulus/channel/lock.hpp>
#include <annulus/pipe/named_pipe.hpp>
#include <annulus/ring/dump.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus {
namespace {

using cli::exit_code;
using nlohmann::json;
using ::testing::HasSubstr;
using namespace annulus::testing;

segment made(const place& at, const ring_options& options) {
  auto out = segment::create(at.ring(), options);
  EXPECT_TRUE(out);
  return std::move(out).value();
}

// The records that are told, and the sum.
struct dumped {
  std::vector<dumped_record> records;
  ring_dump all;
};
dumped dump_of(const segment& memory) {
  dumped out;
  auto all = dump(memory, [&](const dumped_record& one) { out.records.push_back(one); });
  EXPECT_TRUE(all);
  out.all = std::move(all).value();
  return out;
}
std::string head(const dumped_record& one) {
  return text(std::span(one.head).first(one.head_bytes));
}

void overwrite(const segment& memory, std::uint64_t offset, std::uint64_t word) {
  const int file = open(memory.path().c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_EQ(pwrite(file, &word, sizeof word, static_cast<off_t>(offset)), 8);
  close(file);
}
std::uint64_t word_at(const segment& memory, std::uint64_t offset) {
  std::uint64_t word = 0;
  EXPECT_EQ(pread(memory.file(), &word, sizeof word, static_cast<off_t>(offset)), 8);
  return word;
}
std::uint64_t offset_of(const segment& memory, std::uint64_t pos) {
  return memory.geometry().data_offset + (pos & (memory.geometry().capacity - 1));
}
constexpr std::uint64_t read_pos_offset = 4096;
constexpr std::uint64_t write_pos_offset = 4096 + 256;

// "one" is consumed, "two" and "three" are not; nobody is there any more.
void fill_and_leave(const segment& memory) {
  auto tx = spsc_producer::attach(memory);
  auto rx = spsc_consumer::attach(memory);
  ASSERT_TRUE(tx && rx);
  for (const auto* one : {"one", "two", "three"}) ASSERT_EQ(tx->try_push(bytes(one)), status::ok);
  ASSERT_TRUE(rx->try_read());
  rx->release();
}

TEST(Dump, tells_what_is_unread_and_what_was_consumed_and_still_stands) {
  for (const auto mode : {integrity::structure, integrity::crc32c}) {
    const place at;
    const auto memory = made(at, {.capacity = 4096, .integrity = mode});
    fill_and_leave(memory);
    const auto seen = dump_of(memory);
    ASSERT_EQ(seen.records.size(), 3u);
    EXPECT_EQ(head(seen.records[0]), "two");
    EXPECT_EQ(head(seen.records[1]), "three");
    EXPECT_EQ(head(seen.records[2]), "one");
    EXPECT_EQ(seen.records[1].where, dumped_record::place::unread);
    EXPECT_EQ(seen.records[2].where, dumped_record::place::consumed);
    EXPECT_TRUE(seen.all.is_well());
    EXPECT_FALSE(seen.all.is_live);
    EXPECT_EQ(seen.all.unread, 2u);
    EXPECT_EQ(seen.all.consumed, 1u);
  }
}

TEST(Dump, finds_records_of_earlier_laps_at_their_own_positions_only) {
  for (const auto first : {std::uint64_t{0}, ~std::uint64_t{0} - 2047}) {
    const place at;
    const auto memory = made(at, {.capacity = 4096, .first_pos = first & ~std::uint64_t{7}});
    {
      auto tx = spsc_producer::attach(memory);
      auto rx = spsc_consumer::attach(memory);
      for (int i = 0; i < 1000; ++i) {
        ASSERT_EQ(tx->try_push(bytes(std::to_string(i))), status::ok);
        ASSERT_TRUE(rx->try_read());
        rx->release();
      }
    }
    const auto seen = dump_of(memory);
    EXPECT_TRUE(seen.all.is_well());
    EXPECT_EQ(seen.all.unread, 0u);
    ASSERT_EQ(seen.records.size(), 255u) << "of 16 bytes; the word behind the last is zero";
    EXPECT_EQ(head(seen.records.front()), "745");
    EXPECT_EQ(head(seen.records.back()), "999");
  }
}

TEST(Dump, a_record_that_was_committed_and_not_yet_announced_is_told) {
  const place at;
  const auto memory = made(at, {.capacity = 4096});
  fill_and_leave(memory);
  overwrite(memory, write_pos_offset, 16);  // as of a producer killed before it stored its copy
  const auto seen = dump_of(memory);
  ASSERT_EQ(seen.records.size(), 3u);
  EXPECT_EQ(seen.records[0].where, dumped_record::place::unannounced);
  EXPECT_EQ(seen.all.unread, 2u);
  EXPECT_TRUE(seen.all.is_well());
}

TEST(Dump, marks_damage_and_goes_on_behind_it) {
  const place at;
  const auto memory = made(at, {.capacity = 4096, .integrity = integrity::crc32c});
  fill_and_leave(memory);
  const auto two = dump_of(memory).records[0];
  overwrite(memory, offset_of(memory, two.pos) + 8, 0);  // its payload
  auto seen = dump_of(memory);
  EXPECT_FALSE(seen.records[0].is_whole);
  EXPECT_EQ(seen.all.damaged, 1u);
  EXPECT_EQ(seen.all.unread, 1u);
  overwrite(memory, offset_of(memory, two.pos), 1);  // its header
  seen = dump_of(memory);
  ASSERT_EQ(seen.records.size(), 3u);
  EXPECT_EQ(seen.records[0].what, dumped_record::kind::unreadable);
  EXPECT_EQ(seen.records[0].bytes, two.bytes);
  EXPECT_EQ(head(seen.records[1]), "three");
  EXPECT_FALSE(seen.all.is_well());
}

TEST(Dump, positions_that_make_no_sense_are_a_problem_and_their_records_are_found) {
  for (const auto write_pos : {std::uint64_t{1} << 60, std::uint64_t{49}, ~std::uint64_t{7}}) {
    const place at;
    const auto memory = made(at, {.topology = topology::mpsc, .capacity = 4096, .producers = 2});
    {
      auto tx = mpsc_producer::attach(memory);
      for (const auto* one : {"one", "two"}) ASSERT_EQ(tx->try_push(bytes(one)), status::ok);
    }
    overwrite(memory, write_pos_offset, write_pos);
    const auto seen = dump_of(memory);
    EXPECT_FALSE(seen.all.is_well()) << write_pos;
    ASSERT_EQ(seen.all.stray, 2u) << write_pos;
    EXPECT_EQ(head(seen.records[0]), "one");
  }
}

TEST(Dump, claims_of_the_dead_are_told_and_are_no_damage) {
  const place at;
  const auto memory = made(at, {.topology = topology::mpsc, .capacity = 4096, .producers = 2});
  {
    auto tx = mpsc_producer::attach(memory);
    auto claim = tx->try_claim(16);
    claim.abort();
    ASSERT_EQ(tx->try_push(bytes("whole")), status::ok);
  }
  const auto end = word_at(memory, write_pos_offset);
  const auto& shape = memory.geometry();
  overwrite(memory, offset_of(memory, end), record_header::busy(24, end, shape.key, 1));
  overwrite(memory, write_pos_offset, end + 64);
  const auto seen = dump_of(memory);
  ASSERT_EQ(seen.records.size(), 4u);
  EXPECT_EQ(seen.records[0].what, dumped_record::kind::aborted);
  EXPECT_EQ(head(seen.records[1]), "whole");
  EXPECT_EQ(seen.records[2].what, dumped_record::kind::busy);
  EXPECT_EQ(seen.records[2].producer, 1u);
  EXPECT_EQ(seen.records[3].what, dumped_record::kind::nothing);
  EXPECT_EQ(seen.records[3].bytes, 32u);
  EXPECT_TRUE(seen.all.is_well());

  // Of a producer that the ring does not have it is none.
  overwrite(memory, offset_of(memory, end), record_header::busy(24, end, shape.key, 2));
  const auto third = dump_of(memory);
  EXPECT_EQ(third.records[2].what, dumped_record::kind::unreadable);
  EXPECT_FALSE(third.all.is_well());
}

std::uint64_t bytes_on_disk(const segment& memory) {
  struct stat info {};
  EXPECT_EQ(fstat(memory.file(), &info), 0);
  return static_cast<std::uint64_t>(info.st_blocks) * 512;
}

TEST(Dump, a_sparse_ring_of_256_gib_costs_only_what_was_written_of_it) {
  for (const auto mode : {integrity::structure, integrity::crc32c}) {
    const place at;
    const auto memory = made(at, {.capacity = max_capacity, .integrity = mode, .reserve = false});
    fill_and_leave(memory);
    // A header that is valid and tells of a payload that was never written.
    const auto& shape = memory.geometry();
    const auto end = word_at(memory, write_pos_offset);
    overwrite(memory, offset_of(memory, end),
              record_header::committed(shape.max_message, end, shape.key));
    overwrite(memory, write_pos_offset, shape.capacity);
    const auto before = bytes_on_disk(memory);
    const auto began = std::chrono::steady_clock::now();
    const auto seen = dump_of(memory);
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20));
    EXPECT_EQ(bytes_on_disk(memory), before) << "no hole was filled";
    EXPECT_EQ(seen.all.unread, mode == integrity::crc32c ? 2u : 3u);
    EXPECT_FALSE(seen.all.is_well());
  }
}

// The command.

TEST(CliDump, tells_every_record_as_text_and_as_json) {
  const place at;
  const auto memory = made(at, {.capacity = 4096});
  fill_and_leave(memory);
  const auto said = annulus_says(at, {"dump", at.endpoint()});
  EXPECT_EQ(said.code, 0);
  for (const auto* part : {"unread", "two", "three", "consumed", "one", "all is well"}) {
    EXPECT_THAT(said.out, HasSubstr(part));
  }
  for (const auto& name : {at.endpoint(), memory.path(), "shm:" + memory.path()}) {
    const auto told = annulus_says(at, {"dump", name, "--json"});
    ASSERT_EQ(told.code, 0) << told.err;
    const auto all = json::parse(told.out);
    EXPECT_EQ(all["unread"], 2);
    ASSERT_EQ(all["records"].size(), 3u);
    EXPECT_EQ(all["records"][2]["where"], "consumed");
    EXPECT_EQ(all["records"][2]["head"], "one");
    EXPECT_EQ(all["producers"][0]["state"], "closed");
  }
}

TEST(CliDump, what_a_payload_holds_reaches_no_terminal) {
  const place at;
  const auto memory = made(at, {.capacity = 4096});
  {
    auto tx = spsc_producer::attach(memory);
    ASSERT_EQ(tx->try_push(bytes("\033[2J\xff")), status::ok);
  }
  const auto said = annulus_says(at, {"dump", at.endpoint()});
  EXPECT_THAT(said.out, HasSubstr("\\x1b[2J\\xff"));
  EXPECT_EQ(annulus_says(at, {"dump", at.endpoint(), "--json"}).out.find('\033'),
            std::string::npos);
}

TEST(CliDump, fsck_is_0_for_a_whole_ring_and_6_for_a_damaged_one) {
  const place at;
  const auto memory = made(at, {.capacity = 4096});
  fill_and_leave(memory);
  EXPECT_EQ(annulus_says(at, {"fsck", at.endpoint()}).code, 0);
  overwrite(memory, read_pos_offset, 3);
  const auto said = annulus_says(at, {"fsck", at.endpoint()});
  EXPECT_EQ(said.code, code(exit_code::damaged));
  EXPECT_THAT(said.out, HasSubstr("PROBLEM: read_pos 3 is not a multiple of 8"));
  const auto told = annulus_says(at, {"fsck", at.endpoint(), "--json"});
  EXPECT_EQ(told.code, code(exit_code::damaged));
  EXPECT_EQ(json::parse(told.out)["is_well"], false);
}

TEST(CliDump, a_ring_in_use_is_refused_unless_it_is_asked_for) {
  const place at;
  const auto memory = made(at, {.capacity = 4096});
  auto tx = spsc_producer::attach(memory);
  for (const auto* command : {"dump", "fsck"}) {
    EXPECT_EQ(annulus_says(at, {command, at.endpoint()}).code, code(exit_code::refused));
    const auto said = annulus_says(at, {command, at.endpoint(), "--live"});
    EXPECT_EQ(said.code, 0);
    EXPECT_THAT(said.out, HasSubstr("MOVING"));
  }
}

TEST(CliDump, a_channel_whose_role_is_locked_is_in_use_whatever_its_words_say) {
  for (const bool is_pipe : {false, true}) {
    const place at;
    const auto name = is_pipe ? at.pipe() : at.endpoint();
    ASSERT_EQ(annulus_says(at, {"create", name}).code, 0);
    const auto path = is_pipe ? at.left(".pipe.roles") : at.left("");
    for (const std::uint32_t role : {0u, 1u}) {
      EXPECT_EQ(annulus_says(at, {"fsck", name}).code, 0);
      const int held = open(path.c_str(), O_RDWR | O_CLOEXEC);
      ASSERT_TRUE(locks::take(held, role));
      for (const auto* command : {"fsck", "dump"}) {
        EXPECT_EQ(annulus_says(at, {command, name}).code, code(exit_code::refused)) << name << role;
        EXPECT_EQ(annulus_says(at, {command, name, "--live"}).code, 0) << name << role;
      }
      close(held);
    }
  }
}

TEST(CliDump, what_is_missing_or_no_channel_is_said) {
  const place at;
  EXPECT_EQ(annulus_says(at, {"fsck", at.endpoint()}).code, code(exit_code::not_found));
  EXPECT_EQ(annulus_says(at, {"dump", at.path("none")}).code, code(exit_code::not_found));
  EXPECT_EQ(annulus_says(at, {"fsck", at.write("junk", "junk")}).code, code(exit_code::damaged));
}

TEST(CliDump, of_a_pipe_its_roles_and_its_trail_are_told) {
  const place at;
  ASSERT_EQ(annulus_says(at, {"create", at.pipe()}).code, 0);
  for (const auto& name : {at.pipe(), at.left(".pipe"), at.left(".pipe.roles")}) {
    const auto said = annulus_says(at, {"fsck", name});
    EXPECT_EQ(said.code, 0) << name << said.err;
    EXPECT_THAT(said.out, HasSubstr("consumer")) << name;
    EXPECT_EQ(json::parse(annulus_says(at, {"dump", name, "--json"}).out)["consumer"]["state"],
              "never came");
  }
}

}  // namespace
}  // namespace annulus
