// What fails half way is taken back: whoever makes a channel, or what stands beside it, leaves
// either all of it or nothing, whichever call the kernel refuses.
#include "child.hpp"
#include "endpoints.hpp"
#include "forbidding.hpp"
#include "own_directory.hpp"
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <ostream>
#include <set>
#include <string>

#include <annulus/bus/bus.hpp>
#include <annulus/bus/channel.hpp>
#include <annulus/bus/dedup.hpp>
#include <annulus/bus/rendezvous.hpp>

namespace annulus::testing {
namespace {

const own_directory all_channels;

std::set<std::string> left() {
  std::set<std::string> all;
  for (const auto& one : std::filesystem::directory_iterator(all_channels.path())) {
    all.insert(one.path().filename().string());
  }
  return all;
}

bool allow_files_of(std::uint64_t bytes) {
  const rlimit most{bytes, bytes};
  return setrlimit(RLIMIT_FSIZE, &most) == 0;
}

struct refusal {
  const char* what;
  const char* scheme;
  std::function<bool()> prepare;
  friend void PrintTo(const refusal& r, std::ostream* to) { *to << r.scheme << " " << r.what; }
};

class HalfMade : public ::testing::TestWithParam<refusal> {};

TEST_P(HalfMade, leaves_nothing_and_is_made_by_the_next) {
  const scratch_endpoint name;
  const auto at = opened(bus::parse(name.at(GetParam().scheme)));
  child maker([&] {
    if (!GetParam().prepare()) return 1;
    return bus::channel::create(at) ? 2 : 0;
  });
  ASSERT_EQ(maker.exit_status(), 0);
  EXPECT_EQ(left(), std::set<std::string>{});
  EXPECT_TRUE(bus::channel::create(at));
}

INSTANTIATE_TEST_SUITE_P(
    Refusals, HalfMade,
    ::testing::Values(refusal{"without room", "shm", [] { return allow_files_of(4096); }},
                      refusal{"without room", "pipe", [] { return allow_files_of(4096); }},
                      refusal{"without room under a passing name", "pipe",
                              [] { return forbid_unnamed_files() && allow_files_of(4096); }},
                      refusal{"without a name", "shm", [] { return forbid(SYS_linkat, EACCES); }},
                      refusal{"without a name", "pipe", [] { return forbid(SYS_linkat, EACCES); }},
                      refusal{"without a name but a passing one", "pipe",
                              [] { return forbid_unnamed_files() && forbid(SYS_linkat, EACCES); }},
                      refusal{"without a FIFO", "pipe", [] { return forbid(SYS_mknodat, ENOSPC); }},
                      refusal{"with a FIFO that does not open", "pipe",
                              [] { return forbid(SYS_openat, EMFILE, O_NONBLOCK); }},
                      refusal{"with a FIFO of other rights", "pipe",
                              [] { return forbid(SYS_fchmod, EPERM); }},
                      refusal{"without a lock", "pipe", [] { return forbid(SYS_fcntl, ENOLCK); }}));

TEST(HalfMadeBeside, another_of_the_same_name_leaves_no_passing_name) {
  const scratch_endpoint name;
  const auto at = opened(bus::parse(name.at("pipe")));
  const auto first = opened(bus::channel::create(at));
  const auto before = left();
  child second([&] {
    if (!forbid_unnamed_files()) return 1;
    const auto refused = bus::channel::create(at);
    return !refused && refused.error().kind == fault::already_exists ? 0 : 2;
  });
  EXPECT_EQ(second.exit_status(), 0);
  EXPECT_EQ(left(), before);
}

TEST(HalfMadeBeside, a_list_of_what_was_seen_or_a_decision_without_room_or_memory_leaves_nothing) {
  const scratch_endpoint name;
  auto once = opened(bus::parse(name.at("shm")));
  once.once = true;
  child reader([&] {
    if (!allow_files_of(4096)) return 1;
    return bus::seen_list::open(bus::seen_path_of(once)) ? 2 : 0;
  });
  EXPECT_EQ(reader.exit_status(), 0);
  child unmapped([&] {
    constexpr std::uint32_t flags = 3;  // only what is shared: an allocator's calls go on
    if (!forbid(SYS_mmap, ENOMEM, MAP_SHARED, flags)) return 1;
    return bus::seen_list::open(bus::seen_path_of(once)) ? 2 : 0;
  });
  EXPECT_EQ(unmapped.exit_status(), 0);
  child decider([&] {
    if (!allow_files_of(8)) return 1;
    signal(SIGXFSZ, SIG_IGN);
    return bus::decide(name.automatic()) ? 2 : 0;
  });
  EXPECT_EQ(decider.exit_status(), 0);
  EXPECT_EQ(left(), std::set<std::string>{});
}

}  // namespace
}  // namespace annulus::testing
