// A network between two gateways and their server that fails for a while: packets are lost, no
// connection is closed. Nothing is lost, and with once each message comes once.
//
//   ANNULUS_NATS_PARTITION_SECONDS=n   how long it fails; 60 in the nightly run
#include "endpoints.hpp"
#include "nats_server.hpp"
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include <annulus/channel/typed.hpp>
#include <annulus/nats/gateway.hpp>

namespace annulus::testing {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

// A network namespace, reached over a pair of interfaces, until this object ends.
class far_network {
 public:
  far_network() {
    run("ip netns add " + name_);
    run("ip link add " + near_ + " type veth peer name " + far_ + " netns " + name_);
    run("ip addr add " + net_ + "1/30 dev " + near_ + " && ip link set " + near_ + " up");
    run(inside() + "ip addr add " + host() + "/30 dev " + far_);
    heal();
  }
  far_network(const far_network&) = delete;
  far_network& operator=(const far_network&) = delete;
  ~far_network() {
    run("ip link del " + near_);
    run("ip netns del " + name_);
  }

  [[nodiscard]] std::string host() const { return net_ + "2"; }
  [[nodiscard]] std::vector<std::string> wrapper() const { return {"ip", "netns", "exec", name_}; }
  void fail() const { run(inside() + "ip link set " + far_ + " down"); }
  void heal() const { run(inside() + "ip link set " + far_ + " up"); }

 private:
  static void run(const std::string& words) { ASSERT_EQ(std::system(words.c_str()), 0) << words; }
  [[nodiscard]] std::string inside() const { return "ip netns exec " + name_ + " "; }

  std::string id_ = std::to_string(getpid() % 60'000);
  std::string name_ = "annulus-" + id_, near_ = "ann" + id_ + "a", far_ = "ann" + id_ + "b";
  std::string net_ = "10.231." + std::to_string(getpid() % 250) + ".";
};

std::chrono::seconds span() {
  const char* given = std::getenv("ANNULUS_NATS_PARTITION_SECONDS");
  return std::chrono::seconds(given != nullptr ? std::strtol(given, nullptr, 10) : 3);
}

bool is_away(const bus::gateway& one) {
  return one.report().front().state == bus::lane_state::away;
}

TEST(NatsPartition, loses_nothing_and_with_once_repeats_nothing) {
  const far_network network;
  const nats_server server(network.host(), network.wrapper(), {});
  const scratch_endpoint a, b;
  auto tx = opened(open_producer(a.at("shm")));
  auto rx = opened(open_consumer(b.at("shm", "once=yes")));
  auto there = opened(nats::open_gateway({a.at("shm")}, server.at("S", "timeout=500ms"), true, {}));
  auto back = opened(nats::open_gateway({server.at("S", "timeout=500ms&max_message=64KiB")},
                                        b.at("shm"), true, {}));
  std::jthread run_there([&] { there.run(); });
  std::jthread run_back([&] { back.run(); });

  int sent = 0, seen = 0;
  const auto pass_some = [&] {
    for (int i = 0; i < 50; ++i) {
      if (annulus::push(tx, sent, within(1ms)) == status::ok) ++sent;
    }
    for (auto got = annulus::read<int>(rx, within(1ms)); got.status == status::ok;
         got = annulus::read<int>(rx, within(1ms))) {
      ASSERT_EQ(got.value, seen++);
    }
  };
  const auto pass_until = [&](auto is_so, std::chrono::nanoseconds longest) {
    for (const auto until = clock::now() + longest; !is_so();) {
      ASSERT_LT(clock::now(), until) << sent << " sent, " << seen << " seen";
      pass_some();
      if (HasFailure()) return;
    }
  };
  pass_until([&] { return seen > 1000; }, 60s);
  network.fail();
  const auto failed_at = clock::now();
  pass_until([&] { return is_away(there) && is_away(back); }, 60s);
  pass_until([&] { return clock::now() - failed_at > span(); }, span() + 60s);
  network.heal();
  const auto goal = sent + 1000;
  pass_until([&] { return seen > goal; }, 60s);
  while (seen < sent && !HasFailure()) {
    const auto got = annulus::read<int>(rx, within(60s));
    ASSERT_EQ(got.status, status::ok) << sent << " sent, " << seen << " seen";
    ASSERT_EQ(got.value, seen++);
  }
  there.stop();
  back.stop();
}

}  // namespace
}  // namespace annulus::testing
