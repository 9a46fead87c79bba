// How a role comes and goes, and what is known of it.
#include "open_ring.hpp"
#include <gtest/gtest.h>

#include <cstdint>

#include <annulus/channel/roster.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::testing {
namespace {

using many = open_ring<topology::mpsc>;

TEST(Roster, a_role_says_when_it_came_and_by_which_process_and_user) {
  const many it;
  auto& role = it.words().producers[1].role;
  ASSERT_TRUE(enter<std_atomics>(role, true, {1234567, 4321, 99}));
  EXPECT_EQ(value(role.attached_at), 1234567u);
  EXPECT_EQ(value(role.pid), 4321u);
  EXPECT_EQ(value(role.uid), 99u);
  EXPECT_EQ(incarnation_of(value(role.owner)), 1u);
  EXPECT_EQ(tenure_of(value(role.owner)), tenure::attached);
}

TEST(Roster, a_process_number_is_of_a_pid_namespace_only_beside_the_number_that_it_was_told_with) {
  const many it;
  auto& one = it.words().producers[1];
  const holder who{1234567, 4321, 99, 77};
  ASSERT_TRUE(enter<std_atomics>(one.role, true, who));
  EXPECT_EQ(holder_of(one.role, one.origin).pid_namespace, 0u) << "nothing is told yet";
  tell_origin<std_atomics>(one.origin, who);
  const auto told = holder_of(one.role, one.origin);
  EXPECT_EQ(told.at, 1234567u);
  EXPECT_EQ(told.pid, 4321u);
  EXPECT_EQ(told.uid, 99u);
  EXPECT_EQ(told.pid_namespace, 77u);
  // One that knows of no origin.
  ASSERT_TRUE(enter<std_atomics>(one.role, true, {1234567, 4322, 99}));
  EXPECT_EQ(holder_of(one.role, one.origin).pid_namespace, 0u);
}

TEST(Roster, who_comes_after_a_close_begins_clean_and_who_comes_after_a_death_does_not) {
  const many it;
  auto& role = it.words().producers[1].role;
  ASSERT_TRUE(enter<std_atomics>(role, true, {1, 1}));
  EXPECT_TRUE(began_clean(value(role.owner)));
  leave<std_atomics>(role);
  EXPECT_EQ(tenure_of(value(role.owner)), tenure::closed);
  ASSERT_TRUE(enter<std_atomics>(role, true, {1, 1}));
  EXPECT_TRUE(began_clean(value(role.owner)));
  ASSERT_TRUE(enter<std_atomics>(role, true, {1, 1}));  // whose lock it has is dead
  EXPECT_FALSE(began_clean(value(role.owner)));
  EXPECT_EQ(tenure_of(value(role.owner)), tenure::attached);
  EXPECT_EQ(incarnation_of(value(role.owner)), 3u);
}

TEST(Roster, without_locks_a_role_that_is_attached_is_taken) {
  const many it;
  auto& role = it.words().producers[1].role;
  ASSERT_TRUE(enter<std_atomics>(role, false, {1, 1}));
  EXPECT_FALSE(enter<std_atomics>(role, false, {2, 2}));
  EXPECT_EQ(value(role.pid), 1u);
  leave<std_atomics>(role);
  EXPECT_TRUE(enter<std_atomics>(role, false, {2, 2}));
}

TEST(Roster, of_all_producers_the_most_alive_is_told) {
  const many it;
  EXPECT_EQ(presence_of_producers(it.words()), presence::never_came);
  auto& second = it.words().producers[1].role;
  ASSERT_TRUE(enter<std_atomics>(second, true, {1, 1}));
  leave<std_atomics>(second);
  EXPECT_EQ(presence_of_producers(it.words()), presence::closed);
  auto& first = it.words().producers[0].role;
  ASSERT_TRUE(enter<std_atomics>(first, true, {1, 1}));
  EXPECT_EQ(presence_of_producers(it.words()), presence::attached);
  leave<std_atomics>(first);
  EXPECT_EQ(presence_of_producers(it.words()), presence::closed);
}

}  // namespace
}  // namespace annulus::testing
