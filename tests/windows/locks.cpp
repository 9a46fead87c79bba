// Locks on Windows: who holds one.
#include <gtest/gtest.h>

#include <annulus/channel/file.hpp>
#include <annulus/channel/lock.hpp>

namespace annulus::testing {
namespace {

class WindowsLocks : public ::testing::Test {
 protected:
  descriptor first_ = files::anonymous();
  descriptor second_ = files::reopened(first_.number(), access::read_write, "it").value();
};

TEST_F(WindowsLocks, each_open_file_has_its_own) {
  EXPECT_TRUE(locks::take(first_.number(), 3));
  EXPECT_FALSE(locks::take(second_.number(), 3));
  EXPECT_TRUE(locks::take(second_.number(), 4));
  EXPECT_TRUE(locks::is_held(second_.number(), 3));
  EXPECT_FALSE(locks::is_held(second_.number(), 5));
}

TEST_F(WindowsLocks, the_holder_sees_no_other_and_keeps_it_when_it_asks) {
  ASSERT_TRUE(locks::take(first_.number(), 3));
  EXPECT_FALSE(locks::is_held(first_.number(), 3));
  EXPECT_FALSE(locks::is_held(first_.number(), 3));
  EXPECT_TRUE(locks::is_held(second_.number(), 3));
}

TEST_F(WindowsLocks, what_is_given_back_or_closed_is_free) {
  ASSERT_TRUE(locks::take(first_.number(), 3));
  locks::give_back(first_.number());
  EXPECT_FALSE(locks::is_held(second_.number(), 3));
  ASSERT_TRUE(locks::take(first_.number(), 3));
  { const descriptor closed(first_.release()); }
  EXPECT_FALSE(locks::is_held(second_.number(), 3));
  EXPECT_TRUE(locks::take(second_.number(), 3));
}

TEST_F(WindowsLocks, a_number_that_is_used_anew_holds_nothing_of_the_file_before) {
  const int number = first_.number();
  ASSERT_TRUE(locks::take(number, 3));
  { const descriptor closed(first_.release()); }
  const descriptor other = files::reopened(second_.number(), access::read_write, "it").value();
  ASSERT_TRUE(locks::take(second_.number(), 3));
  EXPECT_TRUE(locks::is_held(other.number(), 3));
}

}  // namespace
}  // namespace annulus::testing
