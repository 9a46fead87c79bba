// A process that gives up rights: a role that it has goes on, and one that it comes too late for
// says why, and what to do.
#include "bytes.hpp"
#include "child.hpp"
#include "endpoints.hpp"
#include "refusals.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <iostream>
#include <string>

namespace annulus::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

bool become_nobody() { return setgid(65534) == 0 && setuid(65534) == 0; }

class GivenUpRights : public ::testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] static bool has_rights() {
    if (geteuid() == 0) return true;
    std::cerr << "not tried: only root has rights to give up\n";
    return false;
  }
  [[nodiscard]] bus::channel channel() const {
    return opened(bus::channel::open_or_create(bus::parse(at.at(GetParam())).value()));
  }
  const scratch_endpoint at;
};
INSTANTIATE_TEST_SUITE_P(Transports, GivenUpRights, ::testing::Values("shm", "pipe"));

TEST_P(GivenUpRights, leave_the_roles_that_were_taken_before) {
  if (!has_rights()) return;
  child one([&] {
    auto to = channel();
    auto tx = opened(bus_producer::attach(to));
    auto rx = opened(bus_consumer::attach(to));
    if (!become_nobody()) return 2;
    if (tx.push(bytes("hello"), within(5s)) != status::ok) return 3;
    if (text(rx.read(within(5s)).bytes()) != "hello") return 4;
    rx.release();
    if (tx.peer() != presence::attached || rx.peer() != presence::attached) return 5;
    tx.close();
    return rx.read(within(5s)).status() == status::closed ? 0 : 6;
  });
  EXPECT_EQ(one.exit_status(), 0);
}

TEST_P(GivenUpRights, keep_later_roles_out_with_an_error_that_says_what_to_do) {
  if (!has_rights()) return;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const auto to = channel();
  child one([&] {
    if (!become_nobody()) return 2;
    const auto tx = bus_producer::attach(to);
    if (tx) return 3;
    const auto& [kind, message] = tx.error();
    if (kind != fault::no_permission) return 4;
    return write(ends[1], message.data(), message.size()) == std::ssize(message) ? 0 : 5;
  });
  close(ends[1]);
  EXPECT_EQ(one.exit_status(), 0);
  std::array<char, 1024> said{};
  EXPECT_GT(read(ends[0], said.data(), said.size() - 1), 0);
  close(ends[0]);
  EXPECT_THAT(said.data(), AllOf(HasSubstr(at.str()), HasSubstr("user 65534 may not"),
                                 HasSubstr("of user 0, mode 0600"), HasSubstr("attach before")));
}

// What is told there helps.
TEST_P(GivenUpRights, keep_no_role_out_of_a_channel_that_the_user_may_open) {
  if (!has_rights()) return;
  const auto name = at.at(GetParam(), "mode=0666");
  const auto to = opened(bus::channel::open_or_create(bus::parse(name).value()));
  child one([&] {
    if (!become_nobody()) return 2;
    const auto tx = bus_producer::attach(to);
    return tx ? 0 : 3;
  });
  EXPECT_EQ(one.exit_status(), 0);
}

// A worker: forked from whoever opened the segment, without rights, and not the only one.
TEST(RightsGivenUp, keep_no_worker_out_of_an_anonymous_segment_nor_admit_two_to_one_role) {
  const auto shared = opened(segment::anonymous());
  auto taken = opened(spsc_producer::attach(shared));
  child worker([&] {
    if (geteuid() == 0 && !become_nobody()) return 2;
    if (kind_of(spsc_producer::attach(shared)) != fault::in_use) return 3;
    const auto rx = spsc_consumer::attach(shared);
    if (!rx) return 4;
    child second([&] { return kind_of(spsc_consumer::attach(shared)) == fault::in_use ? 0 : 5; });
    return second.exit_status();
  });
  EXPECT_EQ(worker.exit_status(), 0);
  EXPECT_EQ(taken.peer(), presence::closed);
}

}  // namespace
}  // namespace annulus::testing
