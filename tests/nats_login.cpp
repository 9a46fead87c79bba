// How we say to a NATS server who we are: what a name tells, what the environment tells, and what
// is said to somebody who was refused. nats_security.cpp tries it on a server.
#include "endpoints.hpp"
#include "refusals.hpp"
#include "variable.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include <annulus/nats/login.hpp>

namespace annulus::testing {
namespace {

using nats::login_by;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

result<nats::login> login_of(const std::string& options) {
  return nats::login_of(opened(nats::parse("nats://hub/S" + options)));
}

TEST(NatsLogin, is_nothing_where_nothing_tells_one) {
  EXPECT_EQ(opened(login_of("")).by, login_by::nothing);
  const variable empty("ANNULUS_NATS_USER", ""), alone("ANNULUS_NATS_PASSWORD", "geheim");
  EXPECT_EQ(opened(login_of("")).by, login_by::nothing);
}

TEST(NatsLogin, of_a_name_goes_before_the_environment) {
  const scratch_name file;
  write_file(file.path(), "credentials");
  const variable token("ANNULUS_NATS_TOKEN", "a token"), user("ANNULUS_NATS_USER", "emma");
  const variable password("ANNULUS_NATS_PASSWORD", "geheim");
  const auto anna = opened(login_of("?user=anna"));
  EXPECT_EQ(anna.by, login_by::user);
  EXPECT_EQ(anna.user, "anna");
  EXPECT_EQ(anna.secret, "geheim");
  const auto by_file = opened(login_of("?creds=" + file.path()));
  EXPECT_EQ(by_file.by, login_by::file);
  EXPECT_EQ(by_file.file, file.path());
}

TEST(NatsLogin, of_the_environment_is_the_only_one_that_it_tells) {
  const scratch_name file;
  write_file(file.path(), "credentials");
  const std::pair<const char*, std::string> words[] = {{"ANNULUS_NATS_USER", "anna"},
                                                       {"ANNULUS_NATS_CREDS", file.path()},
                                                       {"ANNULUS_NATS_TOKEN", "a token"}};
  const login_by ways[] = {login_by::user, login_by::file, login_by::token};
  for (std::size_t i = 0; i < 3; ++i) {
    const variable one(words[i].first, words[i].second.c_str());
    EXPECT_EQ(opened(login_of("")).by, ways[i]);
    const auto& [name, value] = words[(i + 1) % 3];
    const variable another(name, value.c_str());
    const auto why = refusal_of(login_of(""));
    EXPECT_EQ(why.kind, fault::bad_argument);
    EXPECT_THAT(why.message, AllOf(HasSubstr(words[i].first), HasSubstr(name),
                                   HasSubstr("exclude each other"), Not(HasSubstr("a token"))));
  }
}

TEST(NatsLogin, by_a_file_that_cannot_be_read_is_refused_before_any_connection) {
  const auto why = refusal_of(login_of("?creds=/nowhere/user.creds"));
  EXPECT_EQ(why.kind, fault::bad_argument);
  EXPECT_THAT(why.message, HasSubstr("/nowhere/user.creds"));
}

TEST(NatsLogin, that_is_refused_is_told_what_to_set_and_repeats_no_secret) {
  using nats::advice_on;
  EXPECT_THAT(advice_on({}), AllOf(HasSubstr("user="), HasSubstr("ANNULUS_NATS_PASSWORD"),
                                   HasSubstr("creds="), HasSubstr("ANNULUS_NATS_TOKEN")));
  EXPECT_THAT(advice_on({login_by::user, "anna", "", ""}), HasSubstr("set ANNULUS_NATS_PASSWORD"));
  EXPECT_THAT(advice_on({login_by::user, "anna", "geheim", ""}),
              AllOf(HasSubstr("'anna'"), HasSubstr("the password in ANNULUS_NATS_PASSWORD"),
                    Not(HasSubstr("geheim"))));
  EXPECT_THAT(advice_on({login_by::token, "", "geheim", ""}),
              AllOf(HasSubstr("ANNULUS_NATS_TOKEN"), Not(HasSubstr("geheim"))));
  EXPECT_THAT(advice_on({login_by::file, "", "", "/etc/a.creds"}), HasSubstr("'/etc/a.creds'"));
}

}  // namespace
}  // namespace annulus::testing
