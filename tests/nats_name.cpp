// nats:// names: what is read, what is refused, and that no secret is taken or repeated. They are
// read in every build; without libnats the leg says plainly that it is not built in.
#include "endpoints.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <annulus/nats/gateway.hpp>
#include <annulus/nats/headers.hpp>
#include <annulus/nats/leg.hpp>

namespace annulus::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string refusal(const std::string& name) {
  const auto got = nats::parse(name);
  return got ? "" : got.error().message;
}

TEST(NatsName, has_a_host_a_port_a_stream_and_options) {
  const auto plain = opened(nats::parse("nats://hub/ORDERS"));
  EXPECT_EQ(plain.hosts, (std::vector<nats::host>{{"hub", 4222}}));
  EXPECT_EQ(plain.stream, "ORDERS");
  EXPECT_EQ(plain.durable, "annulus");
  EXPECT_TRUE(plain.creates);
  EXPECT_EQ(to_string(plain), "nats://hub:4222/ORDERS");
  const auto full = opened(nats::parse(
      "nats://[::1]:65535/S?subject=a.b&durable=d&create=no&window=100ms&max_message=64KiB&"
      "timeout=1ms&patience=1m&tls=yes&tls_name=n&ca=/c&cert=/e&key=/k&user=u"));
  EXPECT_EQ(full.hosts, (std::vector<nats::host>{{"::1", 65535}}));
  EXPECT_EQ(full.subject, "a.b");
  EXPECT_FALSE(full.creates);
  EXPECT_EQ(full.max_message, 65536u);
  EXPECT_EQ(full.patience, std::chrono::minutes(1));
  EXPECT_TRUE(full.tls);
  EXPECT_EQ(to_string(full), "nats://[::1]:65535/S");
}

TEST(NatsName, may_have_several_hosts) {
  const auto three = opened(nats::parse("nats://a,[::1]:1,b:65535/S?tls=yes"));
  EXPECT_EQ(three.hosts, (std::vector<nats::host>{{"a", 4222}, {"::1", 1}, {"b", 65535}}));
  EXPECT_EQ(to_string(three), "nats://a:4222,[::1]:1,b:65535/S");
  for (const auto* hosts : {"a,", ",a", "a,,b", "a:1,:2"}) {
    EXPECT_THAT(refusal("nats://" + std::string(hosts) + "/S"), HasSubstr("lacks a host"));
  }
  EXPECT_THAT(refusal("nats://a,b:0/S"), HasSubstr("a number from 1"));
  EXPECT_THAT(refusal("nats://a,u:geheim@b/S"),
              AllOf(HasSubstr("ANNULUS_NATS_PASSWORD"), Not(HasSubstr("geheim"))));
}

TEST(NatsName, says_what_is_wrong_with_it) {
  EXPECT_THAT(refusal("nats://hub"), HasSubstr("lacks a stream"));
  EXPECT_THAT(refusal("nats://hub/"), HasSubstr("lacks a stream"));
  EXPECT_THAT(refusal("nats:///S"), HasSubstr("lacks a host"));
  EXPECT_THAT(refusal("nats://:4222/S"), HasSubstr("lacks a host"));
  EXPECT_THAT(refusal("nats://[::1/S"), HasSubstr("lacks its ]"));
  for (const auto* port : {"0", "65536", "x", "1x", ""}) {
    EXPECT_THAT(refusal("nats://hub:" + std::string(port) + "/S"), HasSubstr("a number from 1"));
  }
  for (const auto* stream : {"a.b", "a*", ">", "a/b", "a b"}) {
    EXPECT_THAT(refusal("nats://hub/" + std::string(stream)), HasSubstr("the name of a stream"));
  }
  for (const auto* option :
       {"subject=a.*", "subject=a..b", "subject=", "durable=a.b", "create=1", "window=99ms",
        "max_message=x", "timeout=0", "patience=9000000h", "tls=on", "ca=", "user="}) {
    EXPECT_THAT(refusal("nats://hub/S?" + std::string(option)), HasSubstr("takes")) << option;
  }
  EXPECT_THAT(refusal("nats://hub/S?capacity=1"), HasSubstr("there is no option 'capacity'"));
  EXPECT_THAT(refusal("nats://hub/S?tls=no&tls=no"), HasSubstr("is there twice"));
  EXPECT_THAT(refusal("nats://hub/S?ca=/x"), HasSubstr("add tls=yes"));
  EXPECT_THAT(refusal("nats://hub/S?tls=yes&cert=/x"), HasSubstr("belong together"));
  EXPECT_THAT(refusal("nats://hub/S?user=u&creds=/x"), HasSubstr("exclude each other"));
}

TEST(NatsName, takes_no_password_and_repeats_none) {
  EXPECT_THAT(refusal("nats://user:ge?heim@hub:1/S"),
              AllOf(HasSubstr("ANNULUS_NATS_PASSWORD"), Not(HasSubstr("heim"))));
  EXPECT_THAT(refusal("nats://user:geheim@hub:1/S"),
              AllOf(HasSubstr("ANNULUS_NATS_PASSWORD"), Not(HasSubstr("geheim"))));
}

TEST(NatsName, an_id_is_the_mark_and_nothing_else_is_taken_for_one) {
  for (const message_mark mark : {message_mark{0, 0}, message_mark{~0ull, 1}, {1ull << 63, 77}}) {
    EXPECT_EQ(nats::mark_of(nats::id_of(mark).data()), mark);
  }
  const std::string good = nats::id_of({1, 2}).data();
  EXPECT_EQ(good, "annulus-0000000000000001-0000000000000002");
  EXPECT_FALSE(nats::mark_of(""));
  EXPECT_FALSE(nats::mark_of(good + "0"));
  EXPECT_FALSE(nats::mark_of(good.substr(1)));
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto bad = good;
    bad[i] = 'G';
    EXPECT_FALSE(nats::mark_of(bad)) << bad;
  }
}

TEST(NatsLeg, an_end_that_cannot_be_opened_says_whether_it_is_built_in) {
  const scratch_endpoint from;
  const auto why = refusal_of(
      nats::open_gateway({from.at("shm")}, "nats://127.0.0.1:1/S?timeout=1ms", false, {}));
  if (nats::is_built_in()) {
    EXPECT_EQ(why.kind, fault::not_found);
    EXPECT_THAT(why.message, HasSubstr("there is no connection"));
  } else {
    EXPECT_EQ(why.kind, fault::incompatible);
    EXPECT_THAT(why.message, HasSubstr("not built in"));
  }
  // And what was made for it is gone again.
  EXPECT_FALSE(bus::channel::open(opened(bus::parse(from.at("shm")))));
}

}  // namespace
}  // namespace annulus::testing
