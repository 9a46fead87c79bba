// An unforced remove never takes a channel away from a role: whoever attaches meanwhile is seen by
// the remover, or finds that the name is gone.
#include "child.hpp"
#include "names.hpp"
#include "remover.hpp"
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include <annulus/channel/file.hpp>
#include <annulus/channel/lock.hpp>
#include <annulus/channel/settled.hpp>
#include <annulus/pipe/pipe.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::testing {
namespace {

struct ring_way {
  using channel = segment;
  using role = mpsc_producer;
  static auto open(const std::string& path) {
    return segment::open_or_create(path, {.topology = topology::mpsc, .capacity = 4096});
  }
  static int file_of(const segment& at) { return at.file(); }
  static std::string file_name(const std::string& path) { return path; }
  static bool take_away(const std::string& path) { return unlink(path.c_str()) == 0; }
};
struct pipe_way {
  using channel = named_pipe;
  using role = pipe_producer;
  static auto open(const std::string& path) {
    return named_pipe::open_or_create(path, {.capacity = 4096});
  }
  static int file_of(const named_pipe& at) { return at.roles_file(); }
  static std::string file_name(const std::string& path) { return path + ".roles"; }
  static bool take_away(const std::string& path) {
    return unlink(path.c_str()) == 0 && unlink(file_name(path).c_str()) == 0;
  }
};

template <class Way>
class Removal : public ::testing::Test {
 protected:
  ~Removal() override { (void)Way::channel::remove(path, true); }

  const scratch_name name;
  const std::string path = name.path();
};
using ways = ::testing::Types<ring_way, pipe_way>;
struct name_of {
  template <class Way>
  static std::string GetName(int) {
    return std::is_same_v<Way, ring_way> ? "ring" : "pipe";
  }
};
TYPED_TEST_SUITE(Removal, ways, name_of);

TYPED_TEST(Removal, in_a_loop_never_takes_a_channel_with_a_live_role) {
  child remover([&] {
    for (;;) (void)TypeParam::channel::remove(this->path);
    return 0;
  });
  int attached = 0, refused = 0, robbed = 0;
  for (int i = 0; i < 1500; ++i) {
    const auto at = TypeParam::open(this->path);
    if (!at) continue;
    const auto role = TypeParam::role::attach(*at);
    if (!role) {
      ++refused;
      continue;
    }
    ++attached;
    robbed += !files::is_still_named(TypeParam::file_of(*at), TypeParam::file_name(this->path));
  }
  std::printf("%d attached, %d refused, %d robbed\n", attached, refused, robbed);
  EXPECT_GT(attached, 0);
  EXPECT_EQ(robbed, 0);
}

TYPED_TEST(Removal, of_a_channel_in_use_is_refused_and_names_the_role) {
  const auto at = TypeParam::open(this->path);
  ASSERT_TRUE(at);
  const auto role = TypeParam::role::attach(*at);
  ASSERT_TRUE(role);
  const auto done = TypeParam::channel::remove(this->path);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, fault::in_use);
  EXPECT_NE(done.error().message.find("producer 0"), std::string::npos);
}

TYPED_TEST(Removal, leaves_whoever_has_opened_it_a_clear_error) {
  const auto at = TypeParam::open(this->path);
  ASSERT_TRUE(at);
  ASSERT_TRUE(TypeParam::channel::remove(this->path));
  const auto role = TypeParam::role::attach(*at);
  ASSERT_FALSE(role);
  EXPECT_EQ(role.error().kind, fault::not_found);
  EXPECT_NE(role.error().message.find("removed"), std::string::npos) << role.error().message;
}

TYPED_TEST(Removal, holds_up_who_attaches_meanwhile_and_leaves_the_role_if_it_is_refused) {
  const auto at = TypeParam::open(this->path);
  ASSERT_TRUE(at);
  { const auto before = TypeParam::role::attach(*at); }  // its number stands in the words
  const remover other(TypeParam::file_of(*at));
  std::optional<result<typename TypeParam::role>> came;
  std::thread attaching([&] { came.emplace(TypeParam::role::attach(*at)); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // most likely it waits by then
  other.done();
  attaching.join();
  EXPECT_TRUE(*came) << came->error().message;
}

TYPED_TEST(Removal, tells_who_attaches_meanwhile_that_the_name_is_gone_and_no_number_of_the_dead) {
  const auto at = TypeParam::open(this->path);
  ASSERT_TRUE(at);
  { const auto before = TypeParam::role::attach(*at); }
  const remover other(TypeParam::file_of(*at));
  std::optional<result<typename TypeParam::role>> came;
  std::thread attaching([&] { came.emplace(TypeParam::role::attach(*at)); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  ASSERT_TRUE(TypeParam::take_away(this->path));
  other.done();
  attaching.join();
  ASSERT_FALSE(*came);
  EXPECT_EQ(came->error().kind, fault::not_found);
}

TYPED_TEST(Removal, ends_in_time_where_somebody_keeps_all_locks) {
  const auto at = TypeParam::open(this->path);
  ASSERT_TRUE(at);
  const remover keeper(TypeParam::file_of(*at));
  const auto began = std::chrono::steady_clock::now();
  const auto role = TypeParam::role::attach(*at);
  ASSERT_FALSE(role);
  EXPECT_EQ(role.error().kind, fault::in_use);
  const auto removed = TypeParam::channel::remove(this->path);
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().kind, fault::in_use);
  EXPECT_NE(removed.error().message.find("fuser"), std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(30));
  keeper.done();
  EXPECT_TRUE(TypeParam::channel::remove(this->path));
}

TYPED_TEST(Removal, of_another_version_takes_force_and_says_so) {
  ASSERT_TRUE(TypeParam::open(this->path));
  {
    std::fstream file(TypeParam::file_name(this->path), std::ios::in | std::ios::out);
    file.seekp(8).put(99);  // the version, behind the magic word
  }
  const auto refused = TypeParam::channel::remove(this->path);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, fault::incompatible);
  EXPECT_NE(refused.error().message.find("force"), std::string::npos);
  EXPECT_TRUE(TypeParam::channel::remove(this->path, true));
  EXPECT_FALSE(TypeParam::channel::remove(this->path, true));
}

TYPED_TEST(Removal, of_anothers_channel_is_done_where_that_is_meant) {
  ASSERT_TRUE(TypeParam::open(this->path));
  if (geteuid() != 0) return;  // only root has files of others
  for (const auto& file : {this->path, TypeParam::file_name(this->path)}) {
    ASSERT_EQ(chown(file.c_str(), 12345, 12345), 0);
  }
  const auto refused = TypeParam::channel::remove(this->path);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, fault::no_permission);
  EXPECT_TRUE(TypeParam::channel::remove(this->path, false, ownership::any));
}

// Such a namespace shows every user as 65534, us and the strangers.
TYPED_TEST(Removal, is_of_nobodys_channel_in_a_user_namespace_that_maps_nobody) {
  constexpr int forbidden = 77;
  ASSERT_TRUE(TypeParam::open(this->path));
  child inside([&] {
    if (unshare(CLONE_NEWUSER) != 0) return errno == EPERM || errno == ENOSPC ? forbidden : 1;
    const auto refused = TypeParam::channel::remove(this->path);
    if (refused || refused.error().kind != fault::no_permission) return 2;
    if (refused.error().message.find("user namespace") == std::string::npos) return 3;
    return TypeParam::channel::remove(this->path, false, ownership::any) ? 0 : 4;
  });
  const int status = inside.exit_status();
  if (status == forbidden) {
    std::cerr << "not tried: this system allows no user namespaces\n";
    return;
  }
  EXPECT_EQ(status, 0);
}

TEST(Settled, a_name_that_never_comes_to_rest_is_refused_in_time) {
  const auto began = std::chrono::steady_clock::now();
  const auto got = files::settled<int>("orders", [] { return std::optional<result<int>>(); });
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, fault::in_use);
  EXPECT_NE(got.error().message.find("'orders'"), std::string::npos);
  EXPECT_GE(std::chrono::steady_clock::now() - began, files::patience);
  int left = 3;
  const auto settled = files::settled<int>("orders", [&] {
    return --left > 0 ? std::optional<result<int>>() : std::optional<result<int>>(7);
  });
  ASSERT_TRUE(settled);
  EXPECT_EQ(*settled, 7);
}

}  // namespace
}  // namespace annulus::testing
