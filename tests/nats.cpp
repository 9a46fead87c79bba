// The gateway's leg to a NATS server, against a real one: what it promises, what it refuses, and
// how it goes on when the server was away.
#include "bytes.hpp"
#include "endpoints.hpp"
#include "nats_server.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nats/nats.h>

#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <annulus/channel/typed.hpp>
#include <annulus/nats/gateway.hpp>
#include <annulus/nats/leg.hpp>

namespace annulus::testing {
namespace {

using namespace std::chrono_literals;
using bus::lane_state;
using ::testing::AllOf;
using ::testing::HasSubstr;

nats::target target_at(const std::string& name) {
  return opened(nats::target::open(opened(nats::parse(name))));
}
nats::source source_at(const std::string& name) {
  return opened(nats::source::open(opened(nats::parse(name))));
}

// Pushes one message; until it is taken, half a minute at most.
bus::taken send(nats::target& to, message one, message_mark mark) {
  EXPECT_TRUE(to.add(one, mark));
  bus::taken out;
  for (const auto until = within(30s); std::chrono::steady_clock::now() < until;) {
    const auto got = to.push(within(50ms), false);
    out.messages += got.messages;
    out.bytes += got.bytes;
    out.why = got.why;
    if (out.why != status::timed_out && out.why != status::full) break;
  }
  return out;
}

// What is read next, and its mark; half a minute at most.
struct got {
  std::string text;
  message_mark mark;
};
got read(nats::source& from, std::chrono::nanoseconds longest = 30s) {
  for (const auto until = within(longest); std::chrono::steady_clock::now() < until;) {
    const view seen = from.read(within(50ms));
    if (seen) return {text(seen.bytes()), from.mark()};
    if (seen.status() != status::timed_out) {
      return {"[" + std::string(to_string(seen.status())) + "]", {}};
    }
  }
  return {"[nothing]", {}};
}
std::string take(nats::source& from, std::chrono::nanoseconds longest = 30s) {
  auto out = read(from, longest).text;
  from.release();
  return out;
}

// A gateway on a thread of its own until the end of its scope.
class running {
 public:
  running(const std::vector<std::string>& from, const std::string& to, bool once = false,
          bus::gateway_options how = {})
      : passing_(opened(nats::open_gateway(from, to, once, how))),
        thread_([this] { passing_.run(); }) {}
  ~running() { end(); }
  running(const running&) = delete;
  running& operator=(const running&) = delete;

  [[nodiscard]] bus::lane_report report() const { return passing_.report().front(); }
  void end() {
    passing_.stop();
    if (thread_.joinable()) thread_.join();
  }
  template <class Condition>
  [[nodiscard]] bool eventually(Condition is_so) const {
    for (const auto until = within(30s); !is_so(report()); std::this_thread::sleep_for(1ms)) {
      if (std::chrono::steady_clock::now() > until) return false;
    }
    return true;
  }

 private:
  bus::gateway passing_;
  std::thread thread_;
};

class Nats : public ::testing::Test {
 protected:
  nats_server server_;
};

TEST_F(Nats, a_message_is_taken_when_the_server_has_it_and_comes_with_its_mark) {
  auto to = target_at(server_.at("S"));
  const auto sent = send(to, bytes("hello"), {7, 11});
  EXPECT_EQ(sent.why, status::ok);
  EXPECT_EQ(sent.messages, 1u);
  EXPECT_EQ(sent.bytes, 5u);
  auto from = source_at(server_.at("S"));
  const auto seen = read(from);
  EXPECT_EQ(seen.text, "hello");
  EXPECT_EQ(seen.mark, (message_mark{7, 11}));
}

TEST_F(Nats, what_is_sent_again_is_dropped_by_the_server) {
  auto to = target_at(server_.at("S"));
  EXPECT_EQ(send(to, bytes("one"), {7, 1}).messages, 1u);
  EXPECT_EQ(send(to, bytes("one"), {7, 1}).messages, 1u);
  EXPECT_EQ(to.repeated(), 1u);
  EXPECT_EQ(send(to, bytes("two"), {7, 2}).messages, 1u);
  auto from = source_at(server_.at("S"));
  EXPECT_EQ(take(from), "one");
  EXPECT_EQ(take(from), "two");
}

TEST_F(Nats, every_size_passes_up_to_the_most_that_the_server_takes_and_none_above) {
  auto to = target_at(server_.at("S"));
  const auto most = to.max_message();
  EXPECT_GT(most, (1u << 20) - 200);
  EXPECT_LT(most, 1u << 20);
  std::uint64_t number = 0;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{100'000}, most}) {
    const auto one = pattern(size, size);
    ASSERT_EQ(send(to, one, {1, ++number}).why, status::ok) << size << ": " << to.trouble();
  }
  EXPECT_EQ(send(to, pattern(most + 1, 1), {1, ++number}).why, status::never_fits);
  EXPECT_THAT(to.trouble(),
              AllOf(HasSubstr(std::to_string(most + 1) + " bytes"), HasSubstr("max_payload")));
  auto from = source_at(server_.at("S"));
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{100'000}, most}) {
    ASSERT_EQ(read(from).text, text(pattern(size, size)));
    from.release();
  }
}

TEST_F(Nats, what_was_not_released_comes_again_to_the_next_reader_in_order_and_at_once) {
  auto to = target_at(server_.at("S"));
  for (std::uint64_t i = 1; i <= 10; ++i) {
    ASSERT_EQ(send(to, bytes(std::to_string(i)), {7, i}).why, status::ok);
  }
  {
    auto from = source_at(server_.at("S"));
    EXPECT_EQ(take(from), "1");
    EXPECT_EQ(take(from), "2");
    EXPECT_EQ(read(from).text, "3");
    const view next = from.try_read();  // and all ten were delivered
    EXPECT_TRUE(next || next.status() == status::empty);
  }
  auto from = source_at(server_.at("S"));
  const auto began = std::chrono::steady_clock::now();
  for (int i = 3; i <= 10; ++i) EXPECT_EQ(take(from), std::to_string(i));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 20s) << "redelivery was waited for";
  EXPECT_EQ(take(from, 200ms), "[nothing]");
}

TEST_F(Nats, a_second_reader_of_one_durable_consumer_is_refused_and_one_of_another_is_not) {
  auto from = source_at(server_.at("S"));
  EXPECT_EQ(take(from, 100ms), "[nothing]");  // asks for messages
  std::jthread asks([&](const std::stop_token& ends) {
    while (!ends.stop_requested()) {
      take(from, 50ms);
      std::this_thread::sleep_for(150ms);  // its request may end now, and it asks anew only then
    }
  });
  const auto why = refusal_of(nats::source::open(opened(nats::parse(server_.at("S")))));
  EXPECT_EQ(why.kind, fault::in_use) << why.message;
  EXPECT_THAT(why.message, HasSubstr("durable="));
  EXPECT_TRUE(nats::source::open(opened(nats::parse(server_.at("S", "durable=other")))));
}

TEST_F(Nats, a_stream_that_is_missing_is_made_unless_the_name_forbids_it) {
  const auto why =
      refusal_of(nats::target::open(opened(nats::parse(server_.at("NONE", "create=no")))));
  EXPECT_EQ(why.kind, fault::not_found);
  EXPECT_THAT(why.message, HasSubstr("there is no such stream"));
  EXPECT_FALSE(nats::source::open(opened(nats::parse(server_.at("NONE", "create=no")))));
  EXPECT_TRUE(nats::target::open(opened(nats::parse(server_.at("NONE")))));
  EXPECT_TRUE(nats::target::open(opened(nats::parse(server_.at("NONE", "create=no")))));
}

// As an operator does who gives a subject to another stream.
void remove_stream(const nats_server& server, const char* name) {
  natsConnection* connection = nullptr;
  jsCtx* js = nullptr;
  const auto url = "nats://127.0.0.1:" + std::to_string(server.port());
  ASSERT_EQ(natsConnection_ConnectTo(&connection, url.c_str()), NATS_OK);
  ASSERT_EQ(natsConnection_JetStream(&js, connection, nullptr), NATS_OK);
  EXPECT_EQ(js_DeleteStream(js, name, nullptr, nullptr), NATS_OK);
  jsCtx_Destroy(js);
  natsConnection_Destroy(connection);
}

TEST_F(Nats, what_another_stream_stores_is_not_taken) {
  auto to = target_at(server_.at("S"));
  EXPECT_EQ(send(to, bytes("one"), {7, 1}).messages, 1u);
  remove_stream(server_, "S");
  const auto other = target_at(server_.at("OTHER", "subject=S"));
  const auto sent = send(to, bytes("two"), {7, 2});
  EXPECT_EQ(sent.why, status::not_permitted);
  EXPECT_EQ(sent.messages, 0u);
  EXPECT_THAT(to.trouble(), HasSubstr("the stream 'OTHER' takes what is published to S"));
}

TEST_F(Nats, a_batch_larger_than_what_may_be_unanswered_is_taken_once_and_in_order) {
  constexpr std::uint64_t count = 20'000;
  auto to = target_at(server_.at("S"));
  std::vector<std::string> held;
  for (std::uint64_t i = 0; i < count; ++i) held.push_back(std::to_string(i));
  for (std::uint64_t i = 0; i < count; ++i) ASSERT_TRUE(to.add(bytes(held[i]), {7, i}));
  std::uint64_t taken = 0;
  status last = status::timed_out;
  for (const auto until = within(60s);
       last == status::timed_out && std::chrono::steady_clock::now() < until;) {
    const auto got = to.push(within(1ms), false);
    taken += got.messages;
    last = got.why;
  }
  EXPECT_EQ(last, status::ok);
  EXPECT_EQ(taken, count);
  auto from = source_at(server_.at("S"));
  for (const auto& one : held) ASSERT_EQ(take(from), one);
  EXPECT_EQ(to.repeated(), 0u);
}

TEST_F(Nats, a_server_that_is_killed_and_comes_back_loses_and_repeats_nothing) {
  auto to = target_at(server_.at("S"));
  auto from = source_at(server_.at("S"));
  EXPECT_EQ(send(to, bytes("before"), {7, 1}).why, status::ok);
  EXPECT_EQ(take(from), "before");
  server_.kill();
  EXPECT_TRUE(to.add(bytes("meanwhile"), {7, 2}));
  EXPECT_EQ(to.push(within(50ms), false).why, status::timed_out);
  EXPECT_TRUE(to.is_away());
  EXPECT_THAT(to.trouble(), HasSubstr(server_.at("S")));
  EXPECT_FALSE(to.has_given_up());
  EXPECT_EQ(take(from, 100ms), "[nothing]");
  EXPECT_TRUE(from.is_away());
  server_.start();
  status last = status::timed_out;
  for (const auto until = within(30s);
       last == status::timed_out && std::chrono::steady_clock::now() < until;) {
    last = to.push(within(50ms), false).why;
  }
  EXPECT_EQ(last, status::ok);
  EXPECT_FALSE(to.is_away());
  EXPECT_EQ(take(from), "meanwhile");
  EXPECT_FALSE(from.is_away());
  EXPECT_EQ(take(from, 200ms), "[nothing]");
}

TEST_F(Nats, patience_ends_and_not_before) {
  auto to = target_at(server_.at("S", "patience=1s"));
  server_.kill();
  EXPECT_TRUE(to.add(bytes("x"), {7, 1}));
  const auto began = std::chrono::steady_clock::now();
  while (!to.has_given_up() && std::chrono::steady_clock::now() - began < 30s) {
    EXPECT_EQ(to.push(within(50ms), false).why, status::timed_out);
  }
  EXPECT_TRUE(to.has_given_up());
  EXPECT_GE(std::chrono::steady_clock::now() - began, 1s);
}

TEST_F(Nats, a_server_that_stands_still_is_noticed_and_the_batch_is_sent_again) {
  auto to = target_at(server_.at("S", "timeout=300ms"));
  server_.signal(SIGSTOP);
  EXPECT_TRUE(to.add(bytes("x"), {7, 1}));
  for (const auto until = within(30s); !to.is_away() && std::chrono::steady_clock::now() < until;) {
    EXPECT_EQ(to.push(within(50ms), false).why, status::timed_out);
  }
  EXPECT_TRUE(to.is_away());
  server_.signal(SIGCONT);
  status last = status::timed_out;
  for (const auto until = within(30s);
       last == status::timed_out && std::chrono::steady_clock::now() < until;) {
    last = to.push(within(50ms), false).why;
  }
  EXPECT_EQ(last, status::ok);
  auto from = source_at(server_.at("S"));
  EXPECT_EQ(take(from), "x");
  EXPECT_EQ(take(from, 200ms), "[nothing]");
}

TEST_F(Nats, a_gateway_passes_a_ring_into_a_stream_and_the_stream_into_a_ring) {
  const scratch_endpoint a, b;
  auto tx = opened(open_producer(a.at("shm")));
  running there({a.at("shm")}, server_.at("S"));
  running back({server_.at("S", "max_message=64KiB")}, b.at("shm"), true);
  auto rx = opened(open_consumer(b.at("shm", "once=yes")));
  for (int i = 0; i < 3000; ++i) ASSERT_EQ(annulus::push(tx, i, within(30s)), status::ok);
  for (int i = 0; i < 3000; ++i) {
    const auto seen = annulus::read<int>(rx, within(30s));
    ASSERT_EQ(seen.status, status::ok);
    ASSERT_EQ(seen.value, i);
  }
  EXPECT_TRUE(there.eventually([](const auto& r) { return r.messages == 3000; }));
  EXPECT_EQ(there.report().bytes, 3000 * sizeof(int));
  EXPECT_EQ(rx.repeated(), 0u);
}

TEST_F(Nats, until_closed_ends_when_the_stream_holds_nothing_more) {
  const scratch_endpoint b;
  auto to = target_at(server_.at("S"));
  for (std::uint64_t i = 0; i < 600; ++i) EXPECT_TRUE(to.add(bytes("x"), {7, i}));
  while (to.push(within(50ms), false).why == status::timed_out) {
  }
  bus::gateway_options how;
  how.ends_with_source = true;
  running back({server_.at("S", "max_message=64KiB")}, b.at("shm"), false, how);
  EXPECT_TRUE(back.eventually([](const auto& r) { return r.state == lane_state::ended; }));
  EXPECT_EQ(back.report().messages, 600u);
}

TEST_F(Nats, a_gateway_releases_nothing_at_its_source_while_the_server_is_away_and_says_so) {
  const scratch_endpoint a;
  auto tx = opened(open_producer(a.at("shm")));
  {
    running there({a.at("shm")}, server_.at("S"));
    server_.kill();
    ASSERT_EQ(annulus::push(tx, 1, within(30s)), status::ok);
    EXPECT_TRUE(there.eventually([](const auto& r) { return r.state == lane_state::away; }));
    EXPECT_THAT(there.report().error, HasSubstr(server_.at("S")));
    EXPECT_EQ(there.report().messages, 0u);
  }
  auto rx = opened(open_consumer(a.at("shm")));
  EXPECT_EQ(annulus::read<int>(rx, within(1s)).value, 1);
}

TEST_F(Nats, a_gateway_whose_patience_ends_fails_as_timed_out) {
  const scratch_endpoint a;
  running back({server_.at("S", "max_message=64KiB&patience=100ms")}, a.at("shm"));
  server_.kill();
  EXPECT_TRUE(back.eventually([](const auto& r) { return r.state == lane_state::failed; }));
  EXPECT_EQ(back.report().why, status::timed_out);
}

TEST_F(Nats, an_end_that_cannot_take_every_message_of_the_source_is_refused_at_the_start) {
  const scratch_endpoint a, b;
  const auto large = opened(open_producer(a.at("shm", "capacity=4MiB")));
  const auto into = refusal_of(nats::open_gateway({a.at("shm")}, server_.at("S"), false, {}));
  EXPECT_THAT(into.message, AllOf(HasSubstr("takes messages up to"), HasSubstr("2097152")));
  const auto small = opened(open_consumer(b.at("shm")));
  const auto out = refusal_of(nats::open_gateway({server_.at("S")}, b.at("shm"), false, {}));
  EXPECT_THAT(out.message, HasSubstr("exists and has capacity"));
  EXPECT_TRUE(nats::open_gateway({server_.at("S", "max_message=64KiB")}, b.at("shm"), false, {}));
}

TEST_F(Nats, a_stream_into_itself_is_refused) {
  const auto why = refusal_of(nats::open_gateway({server_.at("S")}, server_.at("S"), false, {}));
  EXPECT_EQ(why.kind, fault::bad_argument);
  EXPECT_THAT(why.message, HasSubstr("the same stream"));
}

}  // namespace
}  // namespace annulus::testing
