// A channel's name goes away under its roles: by rm, a cleaner, RemoveIPC, rename. What is in it
// can still be read; then waits say `removed`, and a gateway releases nothing at its source.
#include "bytes.hpp"
#include "child.hpp"
#include "endpoints.hpp"
#include "own_directory.hpp"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <annulus/bus/gateway.hpp>
#include <annulus/channel/place.hpp>

namespace annulus::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

const own_directory all_channels;

enum class loss { unlinked, renamed, replaced, fifo_only, moved };  // moved: a directory above
struct way {
  const char* scheme;
  const char* options;
  loss how;
};

class LostName : public ::testing::TestWithParam<way> {
 protected:
  LostName() {
    std::string pattern = all_channels.path() + "/lost-XXXXXX";
    above = mkdtemp(pattern.data());
    folder = above + "/in/it";
    std::filesystem::create_directories(folder);
  }
  ~LostName() override { std::filesystem::remove_all(above); }

  [[nodiscard]] std::string name() const {
    return std::string(GetParam().scheme) + ":" + folder + "/channel" + GetParam().options;
  }
  [[nodiscard]] std::string path() const { return folder + "/channel"; }
  [[nodiscard]] bool is_pipe() const { return std::string(GetParam().scheme) == "pipe"; }

  void lose() const {
    if (GetParam().how == loss::moved) {
      ASSERT_EQ(rename((above + "/in").c_str(), (above + "/away").c_str()), 0);
      return;
    }
    for (const std::string end : {"", ".roles"}) {
      if (!end.empty() && (!is_pipe() || GetParam().how == loss::fifo_only)) return;
      const auto file = path() + end;
      if (GetParam().how == loss::unlinked || GetParam().how == loss::fifo_only) {
        ASSERT_EQ(unlink(file.c_str()), 0);
      } else {
        ASSERT_EQ(rename(file.c_str(), (file + ".away").c_str()), 0);
      }
      if (GetParam().how == loss::replaced) std::ofstream(file) << "another";
    }
  }

  std::string above, folder;
};

INSTANTIATE_TEST_SUITE_P(Ways, LostName,
                         ::testing::Values(way{"shm", "?capacity=4KiB", loss::unlinked},
                                           way{"shm", "?capacity=4KiB&producers=2", loss::renamed},
                                           way{"shm", "?capacity=4KiB&wait=nap", loss::replaced},
                                           way{"shm", "?capacity=4KiB&wait=spin", loss::unlinked},
                                           way{"pipe", "?capacity=4KiB&producers=2",
                                               loss::unlinked},
                                           way{"pipe", "?capacity=4KiB&wait=yield", loss::renamed},
                                           way{"shm", "?capacity=4KiB", loss::moved},
                                           way{"pipe", "?capacity=4KiB", loss::moved},
                                           way{"pipe", "?capacity=4KiB", loss::fifo_only}));

TEST_P(LostName, is_told_to_a_consumer_when_it_has_read_what_is_there) {
  auto rx = opened(open_consumer(name()));
  auto tx = opened(open_producer(name()));
  ASSERT_EQ(tx.try_push(bytes("one")), status::ok);
  EXPECT_FALSE(rx.has_lost_name());
  EXPECT_EQ(rx.read(within(1ms)).status(), status::ok);
  EXPECT_EQ(rx.read(within(15ms)).status(), status::timed_out);

  ASSERT_EQ(tx.try_push(bytes("two")), status::ok);
  lose();
  EXPECT_TRUE(rx.has_lost_name());
  EXPECT_TRUE(tx.has_lost_name());
  const auto seen = rx.read(no_deadline);
  ASSERT_TRUE(seen);
  EXPECT_EQ(text(seen.bytes()), "two");
  EXPECT_EQ(rx.read(no_deadline).status(), status::removed);
  // It is an answer, no end: who is attached goes on.
  ASSERT_EQ(tx.try_push(bytes("three")), status::ok);
  EXPECT_EQ(rx.read(no_deadline).status(), status::ok);
  tx.close();
  EXPECT_EQ(rx.read(no_deadline).status(), status::closed);
}

TEST_P(LostName, is_told_to_a_producer_that_waits_for_room) {
  auto rx = opened(open_consumer(name()));
  auto tx = opened(open_producer(name()));
  while (tx.try_push(bytes("message")) == status::ok) {
  }
  EXPECT_EQ(tx.push(bytes("late"), within(15ms)), status::timed_out);
  lose();
  EXPECT_EQ(tx.push(bytes("late"), no_deadline), status::removed);
  EXPECT_EQ(tx.claim(4, no_deadline).status(), status::removed);
  const message one = bytes("late");
  EXPECT_EQ(tx.push_batch({&one, 1}, no_deadline).why, status::removed);
}

TEST_P(LostName, is_told_to_short_waits_too) {
  auto rx = opened(open_consumer(name()));
  lose();
  const auto until = within(10s);
  status why = status::timed_out;
  while (why == status::timed_out && std::chrono::steady_clock::now() < until) {
    why = rx.read(within(1ms)).status();
  }
  EXPECT_EQ(why, status::removed);
}

TEST_P(LostName, wakes_a_consumer_that_waits) {
  auto rx = opened(open_consumer(name()));
  std::thread away([&] {
    std::this_thread::sleep_for(20ms);  // most likely it waits by then; if not, all the same
    lose();
  });
  EXPECT_EQ(rx.read(no_deadline).status(), status::removed);
  away.join();
}

TEST_P(LostName, is_no_matter_of_a_child_that_has_only_a_copy) {
  auto rx = opened(open_consumer(name()));
  lose();
  child copy([&] {
    return !rx.has_lost_name() && rx.read(within(20ms)).status() == status::not_permitted ? 0 : 1;
  });
  EXPECT_EQ(copy.exit_status(), 0);
}

TEST_P(LostName, of_a_target_keeps_at_the_source_what_nobody_would_find) {
  const scratch_endpoint source;
  auto tx = opened(open_producer(source.at("shm", "capacity=4KiB")));
  auto passing = opened(
      bus::gateway::open({opened(bus::parse(source.at("shm")))}, opened(bus::parse(name()))));
  lose();
  ASSERT_EQ(tx.try_push(bytes("kept")), status::ok);
  passing.run();  // ends by itself
  const auto lane = passing.report().front();
  EXPECT_EQ(lane.state, bus::lane_state::failed);
  EXPECT_EQ(lane.why, status::removed);
  EXPECT_THAT(lane.error, HasSubstr(path()));
  auto rx = opened(open_consumer(source.at("shm")));
  const auto seen = rx.read(within(1s));
  ASSERT_TRUE(seen);
  EXPECT_EQ(text(seen.bytes()), "kept");
}

TEST_P(LostName, of_a_source_ends_its_lane_when_all_was_passed_on) {
  const scratch_endpoint target;
  auto tx = opened(open_producer(name()));
  auto passing = opened(
      bus::gateway::open({opened(bus::parse(name()))}, opened(bus::parse(target.at("shm")))));
  ASSERT_EQ(tx.try_push(bytes("last")), status::ok);
  lose();
  passing.run();
  const auto lane = passing.report().front();
  EXPECT_EQ(lane.why, status::removed);
  EXPECT_EQ(lane.messages, 1u);
  EXPECT_THAT(lane.error, HasSubstr(path()));
}

TEST(LostNames, are_none_of_memory_that_never_had_one) {
  const auto at = opened(segment::anonymous({.capacity = 4096}));
  auto rx = opened(spsc_consumer::attach(at));
  EXPECT_FALSE(rx.has_lost_name());
  EXPECT_EQ(rx.read(within(20ms)).status(), status::timed_out);
  alignas(128) static std::byte memory[64 << 10];
  const auto plain = opened(segment::format(memory, {.capacity = 4096}));
  auto other = opened(spsc_consumer::attach(plain));
  EXPECT_FALSE(other.has_lost_name());
  EXPECT_EQ(other.read(within(20ms)).status(), status::timed_out);
}

// The name itself, in directories that others change.
class Place : public ::testing::Test {
 protected:
  Place() {
    std::string pattern = all_channels.path() + "/place-XXXXXX";
    above = mkdtemp(pattern.data());
    std::filesystem::create_directories(above + "/a/b/c");
    file = open((above + "/a/b/c/file").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  }
  ~Place() override {
    close(file);
    std::filesystem::remove_all(above);
  }
  void move(const std::string& from, const std::string& to) const {
    ASSERT_EQ(rename((above + from).c_str(), (above + to).c_str()), 0);
  }
  [[nodiscard]] files::place at() const { return files::place(above + "/a/b/c/file"); }

  std::string above;
  int file = -1;
};

TEST_F(Place, is_lost_with_any_directory_above_it_and_found_again) {
  const auto of = at();
  EXPECT_FALSE(of.is_lost_by(file));
  for (const auto* one : {"/a", "/a/b", "/a/b/c"}) {
    move(one, "/away");
    EXPECT_TRUE(of.is_lost_by(file)) << one;
    std::filesystem::create_directories(above + "/a/b/c");
    EXPECT_TRUE(of.is_lost_by(file)) << one << ", another in its place";
    std::ofstream(above + "/a/b/c/file") << "another";
    EXPECT_TRUE(of.is_lost_by(file)) << one << ", another file in its place";
    std::filesystem::remove_all(above + one);
    std::ofstream(above + one) << "no directory";
    EXPECT_TRUE(of.is_lost_by(file)) << one << ", a file in its place";
    std::filesystem::remove_all(above + one);
    move("/away", one);
    EXPECT_FALSE(of.is_lost_by(file)) << one;
  }
}

TEST_F(Place, is_lost_by_a_link_that_leads_elsewhere) {
  ASSERT_EQ(symlink((above + "/a").c_str(), (above + "/link").c_str()), 0);
  const files::place of(above + "/link/b/c/file");
  EXPECT_FALSE(of.is_lost_by(file));
  std::filesystem::create_directories(above + "/other");
  unlink((above + "/link").c_str());
  ASSERT_EQ(symlink((above + "/other").c_str(), (above + "/link").c_str()), 0);
  EXPECT_TRUE(of.is_lost_by(file));
}

// What hides the name from one process alone says nothing of the others.
TEST_F(Place, is_not_lost_in_another_root_or_under_another_mount) {
  if (!may_mount()) return;
  const auto of = at();
  child other_root([&] {
    return chroot(above.c_str()) == 0 && chdir("/") == 0 && !of.is_lost_by(file) ? 0 : 1;
  });
  EXPECT_EQ(other_root.exit_status(), 0);
  for (const auto* over : {"/a", "/a/b", "/a/b/c"}) {
    child hidden([&] {
      const auto where = above + over;
      const bool is_set =
          unshare(CLONE_NEWNS) == 0 && mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
      const files::place here = at();
      if (!is_set || mount("none", where.c_str(), "tmpfs", 0, nullptr) != 0) return 1;
      if (of.is_lost_by(file)) return 2;
      return here.is_lost_by(file) ? 3 : 0;
    });
    EXPECT_EQ(hidden.exit_status(), 0) << over;
    child bound([&] {
      std::filesystem::create_directories(above + "/own/b/c");
      const bool is_set =
          unshare(CLONE_NEWNS) == 0 && mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
      const files::place here = at();
      if (!is_set ||
          mount((above + "/own").c_str(), (above + "/a").c_str(), nullptr, MS_BIND, nullptr) != 0) {
        return 1;
      }
      return of.is_lost_by(file) || here.is_lost_by(file) ? 2 : 0;
    });
    EXPECT_EQ(bound.exit_status(), 0) << "the same file system, and another mount";
  }
}

}  // namespace
}  // namespace annulus::testing
