// The gateway inside one process: what it refuses, what it makes, its policies and how it ends.
#include "bytes.hpp"
#include "child.hpp"
#include "endpoints.hpp"
#include "own_directory.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <annulus/bus/gateway.hpp>

namespace annulus::testing {
namespace {

using namespace std::chrono_literals;
using bus::gateway;
using bus::gateway_options;
using bus::lane_state;
using ::testing::AllOf;
using ::testing::HasSubstr;

const own_directory all_channels;

bus::endpoint named(const std::string& text) { return opened(bus::parse(text)); }

result<gateway> open_gateway(const std::vector<std::string>& from, const std::string& to,
                             gateway_options how = {}) {
  std::vector<bus::endpoint> sources;
  for (const auto& one : from) sources.push_back(named(one));
  return gateway::open(sources, named(to), how);
}

// Runs on a thread of its own until the end of its scope.
class running {
 public:
  explicit running(gateway passing)
      : passing_(std::move(passing)), thread_([this] { passing_.run(); }) {}
  ~running() { end(); }
  running(const running&) = delete;
  running& operator=(const running&) = delete;

  [[nodiscard]] bus::lane_report report() const { return passing_.report().front(); }
  void await_end() {
    if (thread_.joinable()) thread_.join();
  }
  void end() {
    passing_.stop();
    await_end();
  }
  // Polls until the report is so; half a minute at most.
  template <class Condition>
  [[nodiscard]] bool eventually(Condition is_so) const {
    const auto until = within(30s);
    while (!is_so(report())) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::yield();
    }
    return true;
  }

 private:
  gateway passing_;
  std::thread thread_;
};

std::string read_one(bus_consumer& from) {
  const view seen = from.read(within(30s));
  auto out = seen ? text(seen.bytes()) : "[" + std::string(to_string(seen.status())) + "]";
  from.release();
  return out;
}

// Two channels, by each pair of transports.
struct way {
  const char *from, *to;
};
class GatewayOver : public ::testing::TestWithParam<way> {
 protected:
  [[nodiscard]] std::string from(const char* options = "") const {
    return from_.at(GetParam().from, options);
  }
  [[nodiscard]] std::string to(const char* options = "") const {
    return to_.at(GetParam().to, options);
  }

  scratch_endpoint from_, to_;
};

TEST_P(GatewayOver, messages_arrive_whole_and_in_order_and_it_ends_with_its_source) {
  auto rx = opened(open_consumer(to()));
  gateway_options how;
  how.ends_with_source = true;
  how.batch = 7;
  running passing(opened(open_gateway({from()}, to(), how)));
  auto tx = opened(open_producer(from()));
  std::uint64_t bytes = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const auto one = pattern(i % 300 == 299 ? 100'000 : i % 50, i);
    bytes += one.size();
    ASSERT_EQ(tx.push(message(one), within(30s)), status::ok);
    const view seen = rx.read(within(30s));
    ASSERT_TRUE(seen) << i;
    ASSERT_EQ(copy(seen.bytes()), one) << i;
    rx.release();
  }
  EXPECT_TRUE(passing.eventually([](const auto& r) { return r.state == lane_state::idle; }));
  tx.close();
  passing.await_end();
  EXPECT_EQ(read_one(rx), "[closed]");
  const auto told = passing.report();
  EXPECT_EQ(told.from, from());
  EXPECT_EQ(told.state, lane_state::ended);
  EXPECT_EQ(told.messages, 1000u);
  EXPECT_EQ(told.bytes, bytes);
  EXPECT_GE(told.batches, 1u);
  EXPECT_EQ(told.dropped + told.corrupt, 0u);
}

TEST_P(GatewayOver, with_once_the_next_gateway_repeats_and_the_consumer_does_not_see_it) {
  auto rx = opened(open_consumer(to("once=yes&capacity=4MiB")));
  auto tx = opened(open_producer(from()));
  for (const auto* one : {"a", "b", "c"}) {
    running passing(opened(open_gateway({from()}, to("once=yes"))));
    ASSERT_EQ(tx.try_push(bytes(one)), status::ok);
    EXPECT_EQ(read_one(rx), one);
  }
  // As a gateway that dies before its release would: what it read, passed on with its mark.
  {
    auto dying = opened(open_consumer(from()));
    auto passed = opened(open_producer(to()));
    ASSERT_EQ(tx.try_push(bytes("d")), status::ok);
    const view seen = dying.read(within(30s));
    ASSERT_TRUE(seen);
    const auto head = bus::head_of(dying.mark());
    const message parts[] = {head, seen.bytes()};
    ASSERT_EQ(passed.try_push(pieces(parts)), status::ok);
  }
  EXPECT_EQ(read_one(rx), "d");
  running passing(opened(open_gateway({from()}, to("once=yes"))));
  ASSERT_EQ(tx.try_push(bytes("e")), status::ok);
  EXPECT_EQ(read_one(rx), "e");
  EXPECT_EQ(rx.repeated(), 1u);
}

TEST_P(GatewayOver, a_target_is_made_large_enough_for_the_largest_message_and_its_mark) {
  const auto source = opened(open_producer(from("capacity=4MiB")));
  for (const auto* options : {"", "once=yes"}) {
    { const auto passing = opened(open_gateway({from()}, to(options))); }
    const auto target = opened(open_producer(to()));
    EXPECT_GE(target.max_message(), source.max_message() + (*options == '\0' ? 0 : 32));
    EXPECT_TRUE(bus::remove(named(to()), true));
  }
}

TEST_P(GatewayOver, a_target_that_is_too_small_is_refused) {
  const auto source = opened(open_producer(from("capacity=64KiB")));
  { const auto target = opened(open_producer(to("capacity=64KiB"))); }
  EXPECT_TRUE(open_gateway({from()}, to()));
  const auto refused = refusal_of(open_gateway({from()}, to("once=yes")));
  EXPECT_EQ(refused.kind, fault::incompatible);
  EXPECT_THAT(refused.message, AllOf(HasSubstr("up to 32768 bytes"), HasSubstr("bring 32800"),
                                     HasSubstr("make it with max_message=32800")));
}

TEST_P(GatewayOver, one_that_drops_counts_what_found_no_room_and_goes_on) {
  auto rx = opened(open_consumer(to("capacity=64KiB")));
  gateway_options how;
  how.drops = true;
  how.ends_with_source = true;
  running passing(opened(open_gateway({from("capacity=64KiB")}, to(), how)));
  auto tx = opened(open_producer(from()));
  const auto one = pattern(1000, 1);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(tx.push(message(one), within(30s)), status::ok);
  tx.close();
  passing.await_end();
  std::uint64_t seen = 0;
  while (rx.try_read()) ++seen;
  const auto told = passing.report();
  EXPECT_GT(told.dropped, 0u);
  EXPECT_EQ(told.messages, seen);
  EXPECT_EQ(told.messages + told.dropped, 1000u);
}

TEST_P(GatewayOver, one_that_drops_still_passes_the_largest_message) {
  auto rx = opened(open_consumer(to("capacity=8MiB")));
  gateway_options how;
  how.drops = true;
  how.ends_with_source = true;
  running passing(opened(open_gateway({from("capacity=8MiB")}, to(), how)));
  auto tx = opened(open_producer(from()));
  const auto largest = pattern(tx.max_message(), 3);
  std::thread other([&] {
    EXPECT_EQ(tx.push(message(largest), within(30s)), status::ok);
    tx.close();
  });
  const view seen = rx.read(within(30s));
  other.join();
  ASSERT_TRUE(seen) << to_string(seen.status());
  EXPECT_EQ(copy(seen.bytes()), largest);
  passing.await_end();
  EXPECT_EQ(passing.report().dropped, 0u);
}

TEST_P(GatewayOver, one_that_waits_is_held_up_and_is_stopped_without_a_loss) {
  auto rx = opened(open_consumer(to("capacity=64KiB")));
  auto tx = opened(open_producer(from("capacity=64KiB")));
  std::uint64_t sent = 0;
  const auto one = pattern(1000, 1);
  {
    running passing(opened(open_gateway({from()}, to())));
    while (tx.push(message(one), within(200ms)) == status::ok) ++sent;
    EXPECT_TRUE(passing.eventually([](const auto& r) { return r.state == lane_state::full; }));
  }
  // Its successor passes on the rest; what it had begun is redelivered.
  running passing(opened(open_gateway({from()}, to())));
  std::uint64_t seen = 0;
  while (seen < sent) {
    ASSERT_EQ(rx.read(within(30s)).status(), status::ok) << seen << " of " << sent;
    rx.release();
    ++seen;
  }
}

TEST_P(GatewayOver, without_a_consumer_the_target_fills_up_and_then_the_next_one_is_waited_for) {
  { auto gone = opened(open_consumer(to("capacity=64KiB"))); }
  running passing(opened(open_gateway({from("max_message=1000")}, to())));
  auto tx = opened(open_producer(from()));
  constexpr std::uint64_t count = 300;
  for (std::uint64_t i = 0; i < count; ++i) {
    ASSERT_EQ(tx.push(message(pattern(1000, i)), within(30s)), status::ok);
  }
  EXPECT_TRUE(passing.eventually([](const auto& r) { return r.state == lane_state::no_consumer; }));
  EXPECT_GT(passing.report().messages, 0u);
  auto rx = opened(open_consumer(to()));
  for (std::uint64_t i = 0; i < count; ++i) {
    const view seen = rx.read(within(30s));
    ASSERT_TRUE(seen) << i;
    ASSERT_EQ(copy(seen.bytes()), pattern(1000, i)) << i;
    rx.release();
  }
}

// A pipe is no store: it holds messages only while somebody has it open.
class GatewayWithoutReader : public GatewayOver {
 protected:
  [[nodiscard]] bool is_to_pipe() const { return std::string(GetParam().to) == "pipe"; }
  // A producer of the source; three messages of two bytes are passed on when it closes.
  void give_three() const {
    auto tx = opened(open_producer(from()));
    for (const auto* one : {"m0", "m1", "m2"}) ASSERT_EQ(tx.try_push(bytes(one)), status::ok);
  }
  [[nodiscard]] gateway opened_gateway(bool drops = false) const {
    gateway_options how;
    how.ends_with_source = true;
    how.drops = drops;
    return opened(open_gateway({from()}, to(), how));
  }
  [[nodiscard]] static bool has_passed_on(const bus::lane_report& told) {
    return told.state == lane_state::unread || told.state == lane_state::ended;
  }
};

TEST_P(GatewayWithoutReader, what_was_passed_on_is_there_for_whoever_comes_after_the_source_ended) {
  running passing(opened_gateway());
  give_three();
  ASSERT_TRUE(passing.eventually(has_passed_on));
  EXPECT_EQ(passing.report().state, is_to_pipe() ? lane_state::unread : lane_state::ended);
  {
    auto rx = opened(open_consumer(to()));
    EXPECT_EQ(read_one(rx), "m0");
    ASSERT_TRUE(rx.read(within(30s)));  // and leaves without a release
  }
  auto rx = opened(open_consumer(to()));
  EXPECT_EQ(read_one(rx), "m1");
  EXPECT_EQ(read_one(rx), "m2");
  passing.await_end();
  EXPECT_EQ(read_one(rx), "[closed]");
  EXPECT_EQ(passing.report().state, lane_state::ended);
  EXPECT_EQ(passing.report().unread, 0u);
}

TEST_P(GatewayWithoutReader, one_that_is_stopped_tells_what_it_leaves_unread) {
  running passing(opened_gateway());
  give_three();
  ASSERT_TRUE(passing.eventually(has_passed_on));
  passing.end();
  EXPECT_EQ(passing.report().state, lane_state::ended);
  EXPECT_EQ(passing.report().messages, 3u);
  EXPECT_EQ(passing.report().unread > 0, is_to_pipe());
}

TEST_P(GatewayWithoutReader, one_that_drops_does_not_stay_and_tells_what_it_leaves_unread) {
  running passing(opened_gateway(true));
  give_three();
  passing.await_end();
  EXPECT_EQ(passing.report().state, lane_state::ended);
  EXPECT_EQ(passing.report().unread > 0, is_to_pipe());
}

TEST_P(GatewayWithoutReader, it_stays_too_when_its_source_is_taken_away) {
  auto tx = opened(open_producer(from()));
  running passing(opened_gateway());
  ASSERT_EQ(tx.try_push(bytes("m0")), status::ok);
  ASSERT_TRUE(passing.eventually([](const auto& told) { return told.messages == 1; }));
  ASSERT_TRUE(bus::remove(named(from()), true));
  const auto has_seen_it = [](const auto& told) {
    return told.state == lane_state::unread || told.state == lane_state::failed;
  };
  ASSERT_TRUE(passing.eventually(has_seen_it));
  EXPECT_EQ(passing.report().state, is_to_pipe() ? lane_state::unread : lane_state::failed);
  auto rx = opened(open_consumer(to()));
  EXPECT_EQ(read_one(rx), "m0");
  passing.await_end();
  EXPECT_EQ(passing.report().why, status::removed);
  EXPECT_THAT(passing.report().error, HasSubstr("the source " + from()));
}

TEST_P(GatewayWithoutReader, it_fails_when_its_unread_target_is_taken_away) {
  running passing(opened_gateway());
  give_three();
  ASSERT_TRUE(passing.eventually(has_passed_on));
  ASSERT_TRUE(bus::remove(named(to()), true));
  passing.await_end();
  const auto told = passing.report();
  EXPECT_EQ(told.state, is_to_pipe() ? lane_state::failed : lane_state::ended);
  EXPECT_EQ(told.unread > 0, is_to_pipe());
  EXPECT_THAT(told.error, HasSubstr(is_to_pipe() ? "holds unread" : ""));
}

std::string name_of(const ::testing::TestParamInfo<way>& one) {
  return std::string(one.param.from) + "_to_" + one.param.to;
}
const auto ways = ::testing::Values(way{"shm", "shm"}, way{"shm", "pipe"}, way{"pipe", "shm"},
                                    way{"pipe", "pipe"});
INSTANTIATE_TEST_SUITE_P(Ways, GatewayOver, ways, name_of);
INSTANTIATE_TEST_SUITE_P(Ways, GatewayWithoutReader, ways, name_of);

TEST(Gateway, every_source_has_a_lane_and_a_producer_of_its_own) {
  const scratch_endpoint a, b, c, to;
  running passing(opened(open_gateway({a.at("shm"), b.at("pipe"), c.at("auto")}, to.at("shm"))));
  auto rx = opened(open_consumer(to.at("shm")));
  for (const auto& from : {a.at("shm"), b.at("pipe"), c.at("auto")}) {
    auto tx = opened(open_producer(from));
    ASSERT_EQ(tx.try_push(bytes(from)), status::ok);
    EXPECT_EQ(read_one(rx), from);
  }
  const auto refused = refusal_of(open_producer(to.at("shm")));
  EXPECT_EQ(refused.kind, fault::in_use);
}

TEST(Gateway, what_makes_no_sense_is_refused_in_words) {
  const scratch_endpoint a, b;
  EXPECT_THAT(refusal_of(gateway::open({}, named(a.at("shm")))).message,
              HasSubstr("at least one source"));
  gateway_options none;
  none.batch = 0;
  EXPECT_EQ(refusal_of(open_gateway({a.at("shm")}, b.at("shm"), none)).kind, fault::bad_argument);
  const auto into_itself = [&](const std::string& from, const std::string& to) {
    return refusal_of(open_gateway({from}, to)).message;
  };
  EXPECT_THAT(into_itself(a.at("shm"), a.at("shm")), HasSubstr("the same channel"));
  EXPECT_THAT(into_itself(a.at("auto"), a.at("pipe")), HasSubstr("the same channel"));
  EXPECT_THAT(into_itself("shm:" + files::directory() + "/annulus." + a.str(), a.at("shm")),
              HasSubstr("the same channel"));
  EXPECT_EQ(refusal_of(open_gateway({a.at("shm"), a.at("shm")}, b.at("shm"))).kind,
            fault::bad_argument);
  EXPECT_EQ(refusal_of(open_gateway({a.at("shm")}, b.at("pipe", "create=no"))).kind,
            fault::not_found);
}

TEST(OwnDirectory, goes_with_a_test_that_is_killed_and_all_that_is_in_it) {
  ASSERT_EQ(files::directory(), all_channels.path());
  lingering one([] {
    auto inner = std::make_unique<own_directory>();
    EXPECT_TRUE(segment::create("x", {.capacity = 4096}));
    return inner;
  });
  std::filesystem::path left;
  for (const auto& entry : std::filesystem::directory_iterator(all_channels.path())) {
    if (entry.is_directory()) left = entry.path();
  }
  EXPECT_TRUE(exists(left / "annulus.x"));
  one.kill();
  while (exists(left)) std::this_thread::yield();
}

}  // namespace
}  // namespace annulus::testing
