// What was seen: repeats, restarts, deaths at each step, more streams than are kept, numbers about
// to wrap, and files that hold something else.
#include "bytes.hpp"
#include "child.hpp"
#include "endpoints.hpp"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <annulus/bus/dedup.hpp>

namespace annulus::testing {
namespace {

using bus::seen_list;
using ::testing::HasSubstr;

class scratch_list {
 public:
  scratch_list() = default;
  scratch_list(const scratch_list&) = delete;
  scratch_list& operator=(const scratch_list&) = delete;
  ~scratch_list() {
    unlink(path().c_str());
    rmdir(path().c_str());
  }
  [[nodiscard]] std::string path() const { return name_.path() + ".shm.seen"; }
  // As the channel's next consumer does.
  [[nodiscard]] seen_list open() const {
    auto list = opened(seen_list::open(path()));
    list.take_up();
    return list;
  }
  [[nodiscard]] result<seen_list> tried() const { return seen_list::open(path()); }
  void write(const octets& all) const {
    std::ofstream(path(), std::ios::binary)
        .write(reinterpret_cast<const char*>(all.data()), std::ssize(all));
  }

 private:
  scratch_name name_;
};

// Marks.

TEST(Mark, what_is_put_in_front_is_found_again) {
  for (const message_mark mark : {message_mark{0, 0}, message_mark{1, 2},
                                  message_mark{~std::uint64_t{0}, ~std::uint64_t{0}}}) {
    const auto head = bus::head_of(mark);
    EXPECT_EQ(bus::mark_in(head), mark);
  }
}

TEST(Mark, any_changed_bit_makes_it_none) {
  const auto good = bus::head_of({0x0123456789abcdef, 42});
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    auto bad = good;
    bad[bit / 8] ^= std::byte(1u << bit % 8);
    EXPECT_EQ(bus::mark_in(bad), std::nullopt) << bit;
  }
  EXPECT_EQ(bus::mark_in(message(good).first(good.size() - 1)), std::nullopt);
  EXPECT_EQ(bus::mark_in({}), std::nullopt);
}

// The list.

TEST(SeenList, a_number_is_new_once_and_so_are_all_before_it) {
  const scratch_list at;
  auto list = at.open();
  EXPECT_TRUE(list.is_new({7, 10}));
  EXPECT_FALSE(list.is_new({7, 10}));
  EXPECT_FALSE(list.is_new({7, 9}));
  EXPECT_TRUE(list.is_new({7, 11}));
  EXPECT_TRUE(list.is_new({8, 1}));
  EXPECT_EQ(list.repeated(), 2u);
}

TEST(SeenList, the_first_of_a_stream_is_new_whatever_its_number) {
  const scratch_list at;
  auto list = at.open();
  for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    EXPECT_TRUE(list.is_new({number + 5, number})) << number;
    EXPECT_FALSE(list.is_new({number + 5, number})) << number;
  }
}

TEST(SeenList, numbers_wrap_at_two_to_the_64) {
  const scratch_list at;
  auto list = at.open();
  for (int i = -3; i <= 3; ++i) {
    const auto number = static_cast<std::uint64_t>(i);
    EXPECT_TRUE(list.is_new({1, number})) << i;
    list.note_released();
    EXPECT_FALSE(list.is_new({1, number})) << i;
    EXPECT_FALSE(list.is_new({1, number - 1})) << i;
  }
  auto next = at.open();
  EXPECT_FALSE(next.is_new({1, static_cast<std::uint64_t>(-1)}));
  EXPECT_TRUE(next.is_new({1, 4}));
}

TEST(SeenList, a_successor_drops_what_was_released_and_sees_the_rest_again) {
  const scratch_list at;
  {
    auto list = at.open();
    EXPECT_TRUE(list.is_new({1, 1}));
    EXPECT_TRUE(list.is_new({2, 1}));
    list.note_released();
    EXPECT_TRUE(list.is_new({1, 2}));
  }
  auto next = at.open();
  EXPECT_FALSE(next.is_new({1, 1}));
  EXPECT_FALSE(next.is_new({2, 1}));
  EXPECT_TRUE(next.is_new({1, 2}));
}

TEST(SeenList, what_a_killed_consumer_noted_holds) {
  const scratch_list at;
  child consumer([&] {
    auto list = seen_list::open(at.path()).value();
    list.take_up();
    if (!list.is_new({1, 5})) return 1;
    list.note_released();
    if (!list.is_new({1, 6})) return 1;
    raise(SIGKILL);
    return 1;
  });
  EXPECT_EQ(consumer.exit_status(), -SIGKILL);
  auto next = at.open();
  EXPECT_FALSE(next.is_new({1, 5}));
  EXPECT_TRUE(next.is_new({1, 6}));
}

TEST(SeenList, what_is_forgotten_unreleased_is_never_noted) {
  const scratch_list at;
  {
    auto list = at.open();
    EXPECT_TRUE(list.is_new({1, 1}));
    list.forget_unreleased();
    list.note_released();
  }
  EXPECT_TRUE(at.open().is_new({1, 1}));
}

// Streams.

TEST(SeenList, as_many_streams_as_there_is_room_for_are_all_known) {
  const scratch_list at;
  {
    auto list = at.open();
    for (std::uint64_t s = 1; s <= seen_list::most_streams; ++s) EXPECT_TRUE(list.is_new({s, s}));
    list.note_released();
  }
  auto next = at.open();
  for (std::uint64_t s = 1; s <= seen_list::most_streams; ++s) {
    ASSERT_FALSE(next.is_new({s, s})) << s;
  }
}

constexpr std::uint64_t most = seen_list::most_streams;

// As many streams as are remembered deliver a message each, in turn.
void deliver_one_of_each(seen_list& list) {
  for (std::uint64_t s = 1; s <= most; ++s) {
    EXPECT_TRUE(list.is_new({s, 1}));
    list.note_released();
  }
}

TEST(SeenList, one_stream_more_takes_the_place_of_the_longest_silent) {
  const scratch_list at;
  auto list = at.open();
  deliver_one_of_each(list);
  EXPECT_TRUE(list.is_new({1, 2}));  // stream 2 is now the oldest
  list.note_released();
  EXPECT_TRUE(list.is_new({most + 1, 1}));
  list.note_released();
  EXPECT_FALSE(list.is_new({1, 2}));
  for (std::uint64_t s = 3; s <= most + 1; ++s) ASSERT_FALSE(list.is_new({s, 1})) << s;
  EXPECT_TRUE(list.is_new({2, 1}));  // forgotten
}

TEST(SeenList, a_stream_that_was_delivered_and_not_released_keeps_its_place) {
  const scratch_list at;
  auto list = at.open();
  deliver_one_of_each(list);
  EXPECT_TRUE(list.is_new({1, 2}));  // the longest silent, but out
  EXPECT_TRUE(list.is_new({most + 1, 1}));
  EXPECT_FALSE(list.is_new({1, 2}));
  EXPECT_FALSE(list.is_new({3, 1}));
  EXPECT_TRUE(list.is_new({2, 1}));  // forgotten instead
}

TEST(SeenList, where_all_streams_are_unreleased_no_message_is_ever_taken_for_a_repeat) {
  const scratch_list at;
  auto list = at.open();
  for (std::uint64_t s = 1; s <= 3 * most; ++s) {
    ASSERT_TRUE(list.is_new({s, ~std::uint64_t{0} - s})) << s;  // far behind 0
  }
  list.note_released();
  for (std::uint64_t s = 1; s <= 3 * most; ++s) {
    ASSERT_TRUE(list.is_new({s, ~std::uint64_t{0} - s + 1})) << s;
  }
}

// Against a plain map, with restarts at random.
TEST(SeenList, behaves_as_a_map_of_the_highest_released_numbers_would) {
  std::random_device chance;
  const auto seed = chance();
  std::printf("seed %u\n", seed);
  std::mt19937_64 dice(seed);
  const scratch_list at;
  std::map<std::uint64_t, std::uint64_t> released, delivered;
  auto list = at.open();
  for (int i = 0; i < 100'000; ++i) {
    const auto stream = 1 + dice() % 100;
    const auto number = dice() % 1000 + static_cast<std::uint64_t>(i);
    const auto known = delivered.find(stream);
    const bool is_new = known == delivered.end() || number > known->second;
    ASSERT_EQ(list.is_new({stream, number}), is_new) << "seed " << seed << ", step " << i;
    if (is_new) delivered[stream] = number;
    if (dice() % 10 == 0) {
      list.note_released();
      released = delivered;
    }
    if (dice() % 100 == 0) {
      list = at.open();
      delivered = released;
    }
  }
}

// Files.

TEST(SeenFile, what_is_something_else_is_refused_and_left_alone) {
  const scratch_list at;
  const auto text = pattern(100, 1);
  at.write(text);
  const auto refused = refusal_of(at.tried());
  EXPECT_EQ(refused.kind, fault::not_a_channel);
  EXPECT_THAT(refused.message, HasSubstr("has 100 bytes, not"));
  EXPECT_THAT(refused.message, HasSubstr("remove it"));
  struct stat info {};
  ASSERT_EQ(stat(at.path().c_str(), &info), 0);
  EXPECT_EQ(info.st_size, 100);

  { const auto list = (unlink(at.path().c_str()), at.open()); }
  ASSERT_EQ(stat(at.path().c_str(), &info), 0);
  at.write(pattern(static_cast<std::size_t>(info.st_size), 2));
  EXPECT_THAT(refusal_of(at.tried()).message, HasSubstr("magic word"));
}

TEST(SeenFile, a_new_file_whose_maker_died_early_is_taken_up) {
  const scratch_list at;
  at.write({});
  EXPECT_TRUE(at.open().is_new({1, 1}));
  struct stat info {};
  ASSERT_EQ(stat(at.path().c_str(), &info), 0);
  at.write(octets(static_cast<std::size_t>(info.st_size)));
  EXPECT_TRUE(at.open().is_new({1, 1}));
}

TEST(SeenFile, links_folders_and_fifos_are_refused) {
  const scratch_list at;
  ASSERT_EQ(symlink("/etc/passwd", at.path().c_str()), 0);
  EXPECT_THAT(refusal_of(at.tried()).message, HasSubstr("symbolic link"));
  unlink(at.path().c_str());
  ASSERT_EQ(mkdir(at.path().c_str(), 0700), 0);
  EXPECT_THAT(refusal_of(at.tried()).message, HasSubstr("directory"));
  rmdir(at.path().c_str());
  ASSERT_EQ(mkfifo(at.path().c_str(), 0600), 0);
  EXPECT_THAT(refusal_of(at.tried()).message, HasSubstr("no regular file"));
}

TEST(SeenFile, a_strangers_is_refused) {
  const scratch_list at;
  { const auto list = at.open(); }
  ASSERT_EQ(chown(at.path().c_str(), 65534, 65534), 0);
  const auto refused = refusal_of(at.tried());
  EXPECT_EQ(refused.kind, fault::no_permission);
  EXPECT_THAT(refused.message, HasSubstr("belongs to user 65534"));
}

// Whatever a file of the right form says, nothing is read out of bounds and nothing hangs.
TEST(SeenFile, any_contents_behind_the_magic_word_are_survived) {
  const scratch_list at;
  { const auto list = at.open(); }
  std::vector<std::byte> all;
  {
    std::ifstream in(at.path(), std::ios::binary);
    for (char c = 0; in.get(c);) all.push_back(std::byte(c));
  }
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    auto bad = pattern(all.size(), seed);
    if (seed == 20) bad.assign(all.size(), std::byte{0xff});
    std::copy_n(all.begin(), 8, bad.begin());
    at.write(bad);
    auto list = at.open();
    for (std::uint64_t s = 0; s < 2000; ++s) {
      (void)list.is_new({s % 1500, s});
      if (s % 100 == 0) list.note_released();
    }
    EXPECT_TRUE(list.is_new({77777, 1}));
    EXPECT_FALSE(list.is_new({77777, 1}));
  }
}

// Over a channel.

void push_marked(bus_producer& to, std::uint64_t stream, std::uint64_t number, const char* body) {
  const auto head = bus::head_of({stream, number});
  const message parts[] = {head, bytes(body)};
  ASSERT_EQ(to.try_push(pieces(parts)), status::ok);
}
std::string next(bus_consumer& from) {
  const view seen = from.try_read();
  return seen ? text(seen.bytes()) : "[" + std::string(to_string(seen.status())) + "]";
}

class OnceOver : public ::testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] bus_producer producer() const {
    return opened(open_producer(at_.at(GetParam(), "producers=2")));
  }
  [[nodiscard]] bus_consumer consumer() const {
    return opened(open_consumer(at_.at(GetParam(), "once=yes&producers=2")));
  }

  scratch_endpoint at_;
};

TEST_P(OnceOver, marks_are_taken_off_and_what_comes_again_is_dropped) {
  auto rx = consumer();
  auto tx = producer();
  push_marked(tx, 1, 1, "a");
  push_marked(tx, 1, 1, "a");
  push_marked(tx, 1, 2, "b");
  ASSERT_EQ(tx.try_push(bytes("plain")), status::ok);
  push_marked(tx, 1, 1, "a");
  push_marked(tx, 1, 3, "");
  EXPECT_EQ(next(rx), "a");
  EXPECT_EQ(next(rx), "b");
  EXPECT_EQ(next(rx), "plain");
  EXPECT_EQ(next(rx), "");
  EXPECT_EQ(next(rx), "[empty]");
  EXPECT_EQ(rx.repeated(), 2u);
}

TEST_P(OnceOver, what_was_not_released_comes_again_to_the_next_and_the_rest_does_not) {
  auto keep = consumer();  // a pipe's contents live while somebody has it open
  auto tx = producer();
  push_marked(tx, 1, 1, "a");
  push_marked(tx, 1, 2, "b");
  EXPECT_EQ(next(keep), "a");
  keep.release();
  EXPECT_EQ(next(keep), "b");
  keep.close();
  keep.release();  // too late: it is not ours any more
  EXPECT_EQ(keep.drain([](message) {}, 1).why, status::not_permitted);
  auto rx = consumer();
  push_marked(tx, 1, 1, "a");
  EXPECT_EQ(next(rx), "b");
  EXPECT_EQ(next(rx), "[empty]");
  EXPECT_EQ(rx.repeated(), 1u);
}

TEST_P(OnceOver, any_number_of_repeats_never_fills_the_channel_up) {
  auto rx = consumer();
  auto tx = producer();
  push_marked(tx, 1, 1, "a");
  EXPECT_EQ(next(rx), "a");
  rx.release();
  const auto head = bus::head_of({1, 1});
  for (int i = 0; i < 100'000; ++i) {
    if (tx.try_push(message(head)) != status::ok) {
      ASSERT_EQ(next(rx), "[empty]") << i;
      ASSERT_EQ(tx.try_push(message(head)), status::ok) << i;
    }
  }
}

TEST_P(OnceOver, a_drain_counts_what_was_delivered_only) {
  auto rx = consumer();
  auto tx = producer();
  for (std::uint64_t i = 1; i <= 10; ++i) push_marked(tx, 1, (i + 1) / 2, "x");
  std::uint64_t seen = 0;
  const auto count = [&](message) { ++seen; };
  EXPECT_EQ(rx.drain(count, 3).count, 3u);
  EXPECT_EQ(rx.drain(count, 100, within(std::chrono::seconds(10))).count, 2u);
  EXPECT_EQ(seen, 5u);
}

INSTANTIATE_TEST_SUITE_P(Channels, OnceOver, ::testing::Values("shm", "pipe"),
                         [](const auto& one) { return std::string(one.param); });

TEST(Once, a_refused_list_leaves_no_trace_at_the_channel) {
  const scratch_endpoint at;
  ASSERT_EQ(mkdir(at.seen_path().c_str(), 0700), 0);
  auto tx = opened(open_producer(at.at("shm")));
  EXPECT_EQ(refusal_of(open_consumer(at.at("shm", "once=yes"))).kind, fault::not_a_channel);
  rmdir(at.seen_path().c_str());
  EXPECT_EQ(tx.peer(), presence::never_came);
  EXPECT_EQ(tx.try_push(bytes("x")), status::ok);
}

}  // namespace
}  // namespace annulus::testing
