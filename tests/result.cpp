// A result: what it holds can be had from a constant one too, and asking for the other ends.
#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <utility>

#include <annulus/channel/result.hpp>

namespace annulus::testing {
namespace {

TEST(Result, a_constant_one_shows_its_value) {
  const result<std::string> made(std::string("value"));
  ASSERT_TRUE(made);
  EXPECT_EQ(*made, "value");
  EXPECT_EQ(made->size(), 5u);
  EXPECT_EQ(made.value(), "value");
  static_assert(std::is_same_v<decltype(*made), const std::string&>);
  static_assert(std::is_same_v<decltype(made.value()), const std::string&>);
}

TEST(Result, one_that_goes_hands_its_value_over) {
  result<std::string> made(std::string("value"));
  made->push_back('s');
  static_assert(std::is_same_v<decltype(*std::move(made)), std::string&&>);
  const std::string taken = std::move(made).value();
  EXPECT_EQ(taken, "values");
}

TEST(Result, without_a_value_asking_for_it_ends_the_program) {
  const result<int> none(failure{fault::system, "no"});
  EXPECT_FALSE(none);
  EXPECT_EQ(none.error().message, "no");
  EXPECT_DEATH((void)*none, "");
  EXPECT_DEATH((void)none.value(), "");
  EXPECT_DEATH((void)result<int>(1).error(), "");
}

}  // namespace
}  // namespace annulus::testing
