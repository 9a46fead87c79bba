// An unforced remove never takes a channel away from a role: whoever attaches meanwhile is seen by
// the remover, or finds that the name is gone.
#include "child.hpp"
#include "names.hpp"
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <type_traits>

#include <annulus/channel/file.hpp>
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
};
struct pipe_way {
  using channel = named_pipe;
  using role = pipe_producer;
  static auto open(const std::string& path) {
    return named_pipe::open_or_create(path, {.capacity = 4096});
  }
  static int file_of(const named_pipe& at) { return at.roles_file(); }
  static std::string file_name(const std::string& path) { return path + ".roles"; }
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

}  // namespace
}  // namespace annulus::testing
