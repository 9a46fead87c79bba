// Rings, a gateway into a stream, a NATS server, a gateway out of it and a ring: producers, the
// consumer, both gateways and the server are killed and replaced at random, every message counted.
// Without once nothing is lost, and the order of each source is kept; what comes again is counted.
// With once each comes exactly once, and a consumer that dies sees again only what it had not
// released.
//
//   ANNULUS_SEED=n                     replays the random choices
//   ANNULUS_NATS_PROCESSES_SECONDS=n   how long the random kills of each test run
#include "channels.hpp"
#include "child.hpp"
#include "killing.hpp"
#include "nats_server.hpp"
#include "passing.hpp"
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <annulus/channel/typed.hpp>
#include <annulus/nats/gateway.hpp>
#include <annulus/nats/leg.hpp>

namespace annulus::processes {
namespace {

class nats_place {
 public:
  using producer_type = bus_producer;
  using consumer_type = bus_consumer;

  nats_place(std::uint64_t sources, bool once) : once_(once) {
    for (std::uint64_t i = 0; i < sources; ++i) {
      from_.push_back(std::make_unique<standing_channel>("shm", "capacity=16KiB&producers=2"));
    }
    to_ = std::make_unique<standing_channel>("shm", "capacity=64KiB");
    // Before any server dies: what is just being made when its server dies may be gone, and who has
    // seen it says so. In a process of its own, which leaves no thread of libnats here.
    const auto made = [&] { return nats::target::open(*nats::parse(server_.at("CHAOS"))) ? 0 : 1; };
    EXPECT_EQ(testing::child(made).exit_status(), 0);
  }

  [[nodiscard]] bus_producer producer(std::uint64_t lane) {
    return take_up<bus_producer>(from_[lane % from_.size()]->endpoint());
  }
  [[nodiscard]] bus_consumer consumer() {
    auto at = to_->endpoint();
    at.once = once_;
    return take_up<bus_consumer>(at);
  }
  [[nodiscard]] std::uint64_t max_message() { return from_[0]->max_message(); }
  [[nodiscard]] repeats& again() { return *repeats_; }
  static void settle(bus_producer&) {}

  void strike(dice& luck) {
    switch (luck.below(8)) {
      case 0: server_.kill(); return;
      case 1: hold(luck, [&](int number) { server_.signal(number); }); return;
      case 2: hold(luck, [&](int number) { there_.signal(number); }); return;
      case 3: hold(luck, [&](int number) { back_.signal(number); }); return;
      case 4:
      case 5: there_.end(); return;
      default: back_.end(); return;
    }
  }
  void mend() {
    mend_server();
    if (is_to_be_made(there_)) there_ = child([&] { pass_there(); });
    if (is_to_be_made(back_)) back_ = child([&] { pass_back(false); });
  }
  // First the gateway into the stream stops, then the one out of it ends with the stream.
  bool has_passed_all() {
    mend_server();
    const auto is_empty = [](const auto& one) { return one->is_empty(); };
    if (std::all_of(from_.begin(), from_.end(), is_empty)) stops_->store(true);
    EXPECT_FALSE(there_.has_failed()) << there_.fate();
    if (!there_.is_gone()) return false;
    if (!is_last_) {
      back_.end();
      back_ = child([&] { pass_back(true); });
      is_last_ = true;
    }
    EXPECT_FALSE(back_.has_failed()) << back_.fate();
    return back_.is_gone();
  }

  void add_up(const toll&) {
    EXPECT_TRUE(there_.is_content()) << there_.fate();
    EXPECT_TRUE(back_.is_content()) << back_.fate();
    EXPECT_TRUE(to_->is_empty());
    EXPECT_GE(deaths_, is_sanitized ? 1u : 5u) << "the gateways died too rarely to show anything";
    EXPECT_GE(server_deaths_, 1u) << "the server did not die";
    std::printf("the gateways died %llu times, the server %llu times\n",
                static_cast<unsigned long long>(deaths_),
                static_cast<unsigned long long>(server_deaths_));
  }

 private:
  template <class Signal>
  static void hold(dice& luck, Signal signal) {
    signal(SIGSTOP);
    child::nap(std::chrono::microseconds(luck.below(20'000)));
    signal(SIGCONT);
  }
  void mend_server() {
    if (server_.is_running()) return;
    server_.start();
    ++server_deaths_;
  }
  bool is_to_be_made(child& one) {
    if (one.pid() != 0 && !one.is_gone()) return false;
    EXPECT_FALSE(one.has_failed()) << "a gateway " << one.fate();
    if (one.pid() != 0) ++deaths_;
    return true;
  }

  // In a process of its own. The server may be away just now, and a dead gateway still be known.
  [[nodiscard]] bus::gateway opened(const std::vector<std::string>& from, const std::string& to,
                                    bus::gateway_options how) const {
    for (;;) {
      auto made = nats::open_gateway(from, to, once_, how);
      if (made) return std::move(*made);
      const auto kind = made.error().kind;
      if (kind != fault::not_found && kind != fault::in_use && kind != fault::system) {
        fail(made.error().message);
      }
      child::nap(10ms);
    }
  }
  static void finish(const bus::gateway& passed) {
    for (const auto& one : passed.report()) {
      if (one.state != bus::lane_state::ended) fail(one.from + ": " + one.error);
      require(one.dropped == 0 && one.corrupt == 0, "a gateway dropped or met damage");
    }
  }
  void pass_there() {
    std::vector<std::string> from;
    for (const auto& one : from_) from.push_back(to_string(one->endpoint()));
    bus::gateway_options how;
    how.batch = 64;
    auto passing = opened(from, server_.at("CHAOS", "timeout=1s"), how);
    std::jthread watch([&] {
      while (!stops_->load() && !passing.is_over()) std::this_thread::sleep_for(1ms);
      passing.stop();
    });
    passing.run();
    finish(passing);
  }
  void pass_back(bool is_last) {
    bus::gateway_options how;
    how.batch = 64;
    how.ends_with_source = is_last;
    auto passing = opened({server_.at("CHAOS", "timeout=1s&max_message=16KiB")},
                          to_string(to_->endpoint()), how);
    passing.run();
    finish(passing);
  }

  bool once_;
  std::vector<std::unique_ptr<standing_channel>> from_;
  std::unique_ptr<standing_channel> to_;
  testing::nats_server server_;
  shared<repeats> repeats_;
  shared<std::atomic<bool>> stops_;
  child there_, back_;
  bool is_last_ = false;
  std::uint64_t deaths_ = 0, server_deaths_ = 0;
};

std::chrono::seconds span() {
  const char* given = std::getenv("ANNULUS_NATS_PROCESSES_SECONDS");
  return std::chrono::seconds(given != nullptr ? std::strtol(given, nullptr, 10)
                                               : (is_sanitized ? 4 : 8));
}

TEST(NatsKills, two_rings_through_a_stream_into_a_ring_with_once_are_exactly_once) {
  nats_place place(2, true);
  plan p;
  p.lanes = 4;
  killing(p, place).run(span());
}

TEST(NatsKills, two_rings_through_a_stream_into_a_ring_lose_nothing) {
  nats_place place(2, false);
  plan p;
  p.lanes = 4;
  p.first_lane = 1;
  killing<nats_place, reading_again>(p, place).run(span());
  std::printf("lanes went back %llu times, by %llu messages at most\n",
              static_cast<unsigned long long>(place.again().starts),
              static_cast<unsigned long long>(place.again().farthest));
}

// Between what a gateway has read and what its target has taken. The target is full, so it stands
// there; what it had acknowledged already would be lost with it.
class full_target {
 public:
  static constexpr std::uint64_t messages = 1000;

  [[nodiscard]] std::string stream() const { return server_.at("FULL", "max_message=1KiB"); }

  // In a process of its own, as all that has libnats's threads.
  void fill() const {
    auto to = must(nats::target::open(must(nats::parse(stream()))));
    std::vector<std::uint64_t> numbers(messages);
    for (std::uint64_t i = 0; i < messages; ++i) {
      numbers[i] = i + 1;
      require(to.add(std::as_bytes(std::span(&numbers[i], 1)), {7, i + 1}), "no room in a batch");
    }
    status last = status::timed_out;
    while (last == status::timed_out) last = to.push(within(50ms), false).why;
    require(last == status::ok, "the stream was not filled");
  }
  void pass() const {
    bus::gateway_options how;
    how.ends_with_source = true;
    auto passing = must(nats::open_gateway({stream()}, to_string(to_.endpoint()), true, how));
    std::jthread watch([&] {
      while (!passing.is_over() && passing.report()[0].state != bus::lane_state::full) {
        std::this_thread::sleep_for(1ms);
      }
      is_full_->store(true);
    });
    passing.run();
  }
  [[nodiscard]] bool is_full() const { return is_full_->load(); }
  [[nodiscard]] bus_consumer consumer() const {
    auto at = to_.endpoint();
    at.once = true;
    return take_up<bus_consumer>(at);
  }

 private:
  testing::nats_server server_;
  standing_channel to_{"shm", "capacity=4KiB"};
  shared<std::atomic<bool>> is_full_;
};

TEST(NatsKills, what_a_killed_gateway_had_read_for_a_full_target_comes_from_the_next_one) {
  const full_target place;
  EXPECT_TRUE(child([&] { place.fill(); }).is_content());
  auto rx = place.consumer();
  std::vector<std::uint64_t> seen;
  const auto take = [&](deadline until) {
    auto one = annulus::read<std::uint64_t>(rx, until);
    // The first has died, and the second is not there yet.
    while (one.status == status::peer_gone && std::chrono::steady_clock::now() < until) {
      child::nap(1ms);
      one = annulus::read<std::uint64_t>(rx, until);
    }
    if (one.status == status::ok) seen.push_back(one.value);
    return one.status == status::ok;
  };
  {
    child first([&] { place.pass(); });
    const auto until = within(patience);
    while (!place.is_full() && std::chrono::steady_clock::now() < until) child::nap(1ms);
    EXPECT_TRUE(place.is_full()) << first.fate();
    first.end();
  }
  while (take(within(0ns))) {
  }
  EXPECT_FALSE(seen.empty());
  EXPECT_LT(seen.size(), 256u) << "the batch fits into the target: nothing was held";
  child second([&] { place.pass(); });
  while (seen.size() < full_target::messages && take(within(patience))) {
  }
  EXPECT_TRUE(second.is_content()) << second.fate();
  EXPECT_FALSE(take(within(0ns)));
  std::vector<std::uint64_t> sent(full_target::messages);
  std::iota(sent.begin(), sent.end(), 1);
  EXPECT_EQ(seen, sent);
}

}  // namespace
}  // namespace annulus::processes
