// The leg to a NATS server that wants a password, or TLS: who is let in, who is not, and that
// nothing is sent to a server that cannot show who it is.
#include "bytes.hpp"
#include "endpoints.hpp"
#include "nats_server.hpp"
#include "variable.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include <annulus/nats/leg.hpp>

namespace annulus::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

result<nats::target> opened_at(const std::string& name) {
  return nats::target::open(opened(nats::parse(name)));
}
void expect_passes(nats::target& to) {
  EXPECT_TRUE(to.add(bytes("x"), {1, 1}));
  EXPECT_EQ(to.push(within(30s), false).why, status::ok) << to.trouble();
}

TEST(NatsSecurity, the_password_is_asked_for_and_taken_from_the_environment) {
  nats_server server({"--user", "anna", "--pass", "geheim"});
  for (const auto* value : {"", "falsch"}) {
    const variable password("ANNULUS_NATS_PASSWORD", value);
    const auto why = refusal_of(opened_at(server.at("S", "user=anna")));
    EXPECT_EQ(why.kind, fault::no_permission) << why.message;
    EXPECT_THAT(why.message, HasSubstr("Authorization"));
    EXPECT_THAT(why.message, HasSubstr("ANNULUS_NATS_PASSWORD"));
    EXPECT_THAT(why.message, Not(HasSubstr("falsch")));
  }
  const auto unsaid = refusal_of(opened_at(server.at("S")));
  EXPECT_EQ(unsaid.kind, fault::no_permission);
  EXPECT_THAT(unsaid.message, HasSubstr("say user= in the name"));
  const variable password("ANNULUS_NATS_PASSWORD", "geheim");
  auto to = opened(opened_at(server.at("S", "user=anna")));
  expect_passes(to);
  const variable user("ANNULUS_NATS_USER", "anna");
  auto also = opened(opened_at(server.at("S")));
  expect_passes(also);
}

TEST(NatsSecurity, a_token_is_taken_from_the_environment_and_no_other_does) {
  nats_server server({"--auth", "geheim"});
  const auto unsaid = refusal_of(opened_at(server.at("S")));
  EXPECT_EQ(unsaid.kind, fault::no_permission);
  EXPECT_THAT(unsaid.message, HasSubstr("ANNULUS_NATS_TOKEN"));
  {
    const variable token("ANNULUS_NATS_TOKEN", "falsch");
    const auto why = refusal_of(opened_at(server.at("S")));
    EXPECT_EQ(why.kind, fault::no_permission);
    EXPECT_THAT(why.message, HasSubstr("does not take the token in ANNULUS_NATS_TOKEN"));
    EXPECT_THAT(why.message, Not(HasSubstr("falsch")));
  }
  const variable token("ANNULUS_NATS_TOKEN", "geheim");
  auto to = opened(opened_at(server.at("S")));
  expect_passes(to);
}

// An operator, an account and a user of it, and a folder with their files.
class operated {
 public:
  operated() {
    std::string made = (std::filesystem::temp_directory_path() / "annulus.jwt.XXXXXX").string();
    if (mkdtemp(made.data()) == nullptr) std::abort();
    directory_ = made;
    const auto run = "python3 " NATS_CREDENTIALS " " + made;
    if (std::system(run.c_str()) != 0) ADD_FAILURE() << "no credentials were made";
  }
  operated(const operated&) = delete;
  operated& operator=(const operated&) = delete;
  ~operated() { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::string server() const { return (directory_ / "server.conf").string(); }
  [[nodiscard]] std::string user() const { return (directory_ / "user.creds").string(); }

 private:
  std::filesystem::path directory_;
};

TEST(NatsSecurity, a_file_of_credentials_lets_in_the_user_that_the_operator_vouches_for) {
  const operated ours, strangers;
  nats_server server({"-c", ours.server()});
  EXPECT_THAT(refusal_of(opened_at(server.at("S"))).message, HasSubstr("creds="));
  const auto why = refusal_of(opened_at(server.at("S", "creds=" + strangers.user())));
  EXPECT_EQ(why.kind, fault::no_permission) << why.message;
  EXPECT_THAT(why.message, HasSubstr("does not take the credentials in '" + strangers.user()));
  auto to = opened(opened_at(server.at("S", "creds=" + ours.user())));
  expect_passes(to);
  const variable file("ANNULUS_NATS_CREDS", ours.user().c_str());
  auto also = opened(opened_at(server.at("S")));
  expect_passes(also);
}

// A user who may do all but publish into the stream is told so, and is not waited for in silence.
TEST(NatsSecurity, a_missing_right_to_publish_is_said) {
  const scratch_name name;
  const auto file = std::filesystem::temp_directory_path() / (name.str() + ".conf");
  std::ofstream(file) << R"(authorization { users = [ { user: anna, password: geheim,
    permissions: { publish: { deny: "S" } } } ] })";
  nats_server server({"-c", file.string()});
  const variable password("ANNULUS_NATS_PASSWORD", "geheim");
  auto to = opened(opened_at(server.at("S", "user=anna&timeout=200ms&patience=2s")));
  EXPECT_TRUE(to.add(bytes("x"), {1, 1}));
  const auto until = within(30s);
  while (!to.is_away() && std::chrono::steady_clock::now() < until) {
    EXPECT_NE(to.push(within(50ms), false).why, status::ok);
  }
  EXPECT_THAT(to.trouble(), HasSubstr("ermission"));
  while (!to.has_given_up() && std::chrono::steady_clock::now() < until) {
    EXPECT_NE(to.push(within(50ms), false).why, status::ok);
  }
  EXPECT_TRUE(to.has_given_up());
  std::filesystem::remove(file);
}

// A certificate of an authority of its own, for the name localhost.
class certificate {
 public:
  explicit certificate(const std::string& name = "localhost") {
    std::string made = (std::filesystem::temp_directory_path() / "annulus.tls.XXXXXX").string();
    if (mkdtemp(made.data()) == nullptr) std::abort();
    directory_ = made;
    const auto run =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
        "-days 2 -subj /CN=" +
        name + " -addext subjectAltName=DNS:" + name + " -keyout " + key() + " -out " + file() +
        " 2>" + (directory_ / "log").string();
    if (std::system(run.c_str()) != 0) ADD_FAILURE() << "openssl made no certificate";
  }
  certificate(const certificate&) = delete;
  certificate& operator=(const certificate&) = delete;
  ~certificate() { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::string file() const { return (directory_ / "cert.pem").string(); }
  [[nodiscard]] std::string key() const { return (directory_ / "key.pem").string(); }

 private:
  std::filesystem::path directory_;
};

std::string local(const nats_server& server, const std::string& options) {
  return "nats://localhost:" + std::to_string(server.port()) + "/S?" + options;
}

TEST(NatsSecurity, over_tls_only_a_server_with_the_right_certificate_is_taken) {
  const certificate ours, stranger;
  nats_server server({"--tls", "--tlscert", ours.file(), "--tlskey", ours.key()});
  auto to = opened(opened_at(local(server, "tls=yes&ca=" + ours.file())));
  expect_passes(to);
  for (const auto& options : {"tls=yes&ca=" + stranger.file(),  // of another authority
                              std::string("tls=yes"),           // of none that the system knows
                              "tls=yes&tls_name=hub.example&ca=" + ours.file(),  // of another name
                              std::string("create=yes")}) {                      // it wants TLS
    const auto why = refusal_of(opened_at(local(server, options)));
    EXPECT_EQ(why.kind, fault::no_permission) << options << ": " << why.message;
  }
}

TEST(NatsSecurity, a_name_that_says_tls_is_not_served_in_the_clear) {
  nats_server server;
  const auto why = refusal_of(opened_at(local(server, "tls=yes")));
  EXPECT_EQ(why.kind, fault::no_permission) << why.message;
}

TEST(NatsSecurity, a_server_that_verifies_its_clients_takes_only_our_certificate) {
  const certificate ours, stranger;
  nats_server server({"--tlsverify", "--tlscert", ours.file(), "--tlskey", ours.key(),
                      "--tlscacert", ours.file()});
  const auto tls = "tls=yes&ca=" + ours.file();
  EXPECT_FALSE(opened_at(local(server, tls + "&timeout=500ms")));
  EXPECT_FALSE(opened_at(
      local(server, tls + "&timeout=500ms&cert=" + stranger.file() + "&key=" + stranger.key())));
  auto to = opened(opened_at(local(server, tls + "&cert=" + ours.file() + "&key=" + ours.key())));
  expect_passes(to);
}

TEST(NatsSecurity, a_file_that_is_missing_is_named) {
  nats_server server;
  const auto why = refusal_of(opened_at(local(server, "tls=yes&ca=/nowhere/ca.pem")));
  EXPECT_EQ(why.kind, fault::bad_argument);
  EXPECT_THAT(why.message, HasSubstr("/nowhere/ca.pem"));
}

}  // namespace
}  // namespace annulus::testing
