// `annulus gateway`, `send`, `recv` and `choose` with another machine, as they are run.
#include "command.hpp"
#include "nats_server.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace annulus::testing {
namespace {

using cli::exit_code;
using ::testing::AllOf;
using ::testing::HasSubstr;

class NatsCommand : public ::testing::Test {
 protected:
  [[nodiscard]] answer says(const std::vector<std::string>& words,
                            const std::string& in = "") const {
    return annulus_says(here_, words, in);
  }

  place here_;
  nats_server server_;
};

TEST_F(NatsCommand, what_is_sent_is_received) {
  const auto text = random_text(1'000'000);
  EXPECT_EQ(says({"send", server_.at("S")}, text).code, 0);
  const auto seen = says({"recv", server_.at("S"), "--count", "31"});  // chunks of 32 KiB
  EXPECT_EQ(seen.code, 0) << seen.err;
  EXPECT_TRUE(seen.out == text);
}

TEST_F(NatsCommand, lines_and_frames_are_messages) {
  EXPECT_EQ(says({"send", server_.at("S"), "--lines"}, "one\ntwo\n\nfour\n").code, 0);
  EXPECT_EQ(says({"recv", server_.at("S"), "--lines", "--count", "3"}).out, "one\ntwo\n\n");
  EXPECT_EQ(says({"send", server_.at("S"), "--frames"}, frame("five") + frame("")).code, 0);
  EXPECT_EQ(says({"recv", server_.at("S"), "--frames", "--count", "3"}).out,
            frame("four") + frame("five") + frame(""));
}

TEST_F(NatsCommand, what_recv_did_not_take_stays_for_the_next_one) {
  EXPECT_EQ(says({"send", server_.at("S"), "--lines"}, "1\n2\n3\n").code, 0);
  EXPECT_EQ(says({"recv", server_.at("S"), "--lines", "--count", "1"}).out, "1\n");
  const auto rest = says({"recv", server_.at("S"), "--lines", "--timeout", "500ms"});
  EXPECT_EQ(rest.out, "2\n3\n");
  EXPECT_EQ(rest.code, code(exit_code::timed_out)) << rest.err;
  EXPECT_THAT(rest.err, HasSubstr("nothing came"));
}

TEST_F(NatsCommand, each_fault_has_its_code_and_its_words) {
  const auto missing = says({"recv", server_.at("S", "create=no")});
  EXPECT_EQ(missing.code, code(exit_code::not_found));
  EXPECT_THAT(missing.err, HasSubstr("there is no such stream"));
  const auto nobody = says({"send", "nats://127.0.0.1:1/S?timeout=100ms"}, "x");
  EXPECT_EQ(nobody.code, code(exit_code::not_found));
  EXPECT_THAT(nobody.err, HasSubstr("there is no connection"));
  const auto large = says({"send", server_.at("S"), "--lines"}, std::string(1 << 20, 'x'));
  EXPECT_EQ(large.code, code(exit_code::failure)) << large.err;
  EXPECT_THAT(large.err, HasSubstr(server_.at("S") + " takes messages up to"));
  EXPECT_THAT(large.err, HasSubstr("max_payload at the server"));
  const auto word = says({"stat", server_.at("S")});
  EXPECT_EQ(word.code, code(exit_code::usage));
  EXPECT_THAT(word.err, HasSubstr("on another machine"));
  for (const auto& flag : std::vector<std::vector<std::string>>{{"--resume"},
                                                                {"--keep"},
                                                                {"--on-full", "drop"},
                                                                {"--topology", "mpsc"},
                                                                {"--wait", "spin"}}) {
    std::vector<std::string> words{"send", server_.at("S")};
    words.insert(words.end(), flag.begin(), flag.end());
    const auto refused = says(words, "x");
    EXPECT_EQ(refused.code, code(exit_code::usage)) << flag[0];
    EXPECT_THAT(refused.err, HasSubstr("no meaning")) << flag[0];
  }
}

TEST_F(NatsCommand, choose_leads_to_a_gateway_where_another_machine_is_to_be_reached) {
  const auto told = says({"choose", "--another-machine"});
  EXPECT_EQ(told.code, 0);
  EXPECT_THAT(told.out, AllOf(HasSubstr("annulus gateway"), HasSubstr("is built in")));
  const auto json = nlohmann::json::parse(says({"choose", "--another-machine", "--json"}).out);
  EXPECT_EQ(json[0]["is_built_in"], true);
  EXPECT_EQ(says({"choose", "--another-machine", "auto:x"}).code, code(exit_code::usage));
}

TEST_F(NatsCommand, a_gateway_tells_when_the_server_is_away_and_when_it_is_there_again) {
  EXPECT_EQ(says({"create", here_.endpoint()}).code, 0);
  run gateway({"gateway", here_.endpoint(), server_.at("S"), "--json", "--health", "50ms"},
              {.out = here_.path("out"), .err = here_.path("err")});
  EXPECT_TRUE(eventually([&] { return !here_.read("out").empty(); }));
  server_.kill();
  EXPECT_EQ(says({"send", here_.endpoint(), "--lines", "--timeout", "30s"}, "one\n").code, 0);
  EXPECT_TRUE(eventually([&] {
    return here_.read("err").find("it is tried again") != std::string::npos &&
           here_.read("out").find("server away") != std::string::npos;
  })) << here_.read("err")
      << here_.read("out");
  server_.start();
  EXPECT_TRUE(eventually([&] {
    return here_.read("err").find("the server is there again") != std::string::npos;
  })) << here_.read("err");
  EXPECT_EQ(says({"recv", server_.at("S"), "--lines", "--count", "1"}).out, "one\n");
  gateway.send_signal(SIGTERM);
  EXPECT_EQ(gateway.wait(), 128 + SIGTERM);
  const auto told = here_.read("out");
  const auto last = nlohmann::json::parse(told.substr(told.rfind('\n', told.size() - 2) + 1));
  EXPECT_EQ(last["final"], true);
  EXPECT_EQ(last["messages"], 1);
}

TEST_F(NatsCommand, a_gateway_whose_patience_ends_has_the_code_of_a_timeout) {
  EXPECT_EQ(says({"create", here_.endpoint()}).code, 0);
  run gateway({"gateway", here_.endpoint(), server_.at("S", "patience=200ms"), "--json", "--health",
               "50ms"},
              {.out = here_.path("out"), .err = here_.path("err")});
  EXPECT_TRUE(eventually([&] { return !here_.read("out").empty(); }));
  server_.kill();
  EXPECT_EQ(says({"send", here_.endpoint(), "--lines", "--timeout", "30s"}, "one\n").code, 0);
  EXPECT_EQ(gateway.wait(), code(exit_code::timed_out)) << here_.read("err");
  EXPECT_THAT(here_.read("err"), HasSubstr("waited for no longer"));
}

}  // namespace
}  // namespace annulus::testing
