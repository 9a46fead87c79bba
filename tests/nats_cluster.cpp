// Three servers of a cluster, a stream that all of them keep, and two gateways that know all three.
// The server that the gateways are connected to is killed, and comes back; then the one that leads
// the stream. Nothing is lost, and with once each message comes once.
#include "endpoints.hpp"
#include "nats_server.hpp"
#include <gtest/gtest.h>
#include <nats/nats.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <annulus/channel/typed.hpp>
#include <annulus/nats/gateway.hpp>

namespace annulus::testing {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr int size = 3;

// Servers on addresses of this machine that no other test has.
class cluster {
 public:
  cluster() {
    for (int i = 0; i < size; ++i) routes_ += (i > 0 ? "," : "") + route(i);
    for (int i = 0; i < size; ++i) {
      servers_.push_back(std::make_unique<nats_server>(
          host(i), std::vector<std::string>{},
          std::vector<std::string>{"-n", name(i), "--cluster_name", "annulus", "-cluster", route(i),
                                   "-routes", routes_}));
    }
  }

  [[nodiscard]] nats_server& server(int i) { return *servers_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] std::string at(const std::string& stream, const std::string& options) const {
    std::string out = "nats://";
    for (int i = 0; i < size; ++i) {
      out += (i > 0 ? "," : "") + host(i) + ":" +
             std::to_string(servers_[static_cast<std::size_t>(i)]->port());
    }
    return out + "/" + stream + "?" + options;
  }
  // Makes a stream that all servers keep.
  void make_stream(const char* stream) {
    const char* subjects[] = {stream};
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    config.Name = stream;
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.Storage = js_FileStorage;
    config.Replicas = size;
    ask([&](jsCtx* js) {
      jsStreamInfo* made = nullptr;
      const auto s = js_AddStream(&made, js, &config, nullptr, nullptr);
      jsStreamInfo_Destroy(made);
      return s == NATS_OK;
    });
  }
  // Which server leads the stream, once all of them have all of the stream and of its consumer: of
  // three, two suffice only then.
  [[nodiscard]] int leader_of_whole(const char* stream, const char* consumer) {
    int leader = -1;
    ask([&](jsCtx* js) {
      jsStreamInfo* found = nullptr;
      jsConsumerInfo* reader = nullptr;
      const bool is_whole =
          js_GetStreamInfo(&found, js, stream, nullptr, nullptr) == NATS_OK &&
          js_GetConsumerInfo(&reader, js, stream, consumer, nullptr, nullptr) == NATS_OK &&
          is_current(found->Cluster) && is_current(reader->Cluster);
      if (is_whole) {
        for (int i = 0; i < size; ++i) leader = name(i) == found->Cluster->Leader ? i : leader;
      }
      jsConsumerInfo_Destroy(reader);
      jsStreamInfo_Destroy(found);
      return leader >= 0;
    });
    return leader;
  }

 private:
  static std::string name(int i) { return "server" + std::to_string(i); }
  static std::string host(int i) {
    const int unique = getpid() % 60'000;
    return "127." + std::to_string(1 + unique / 250) + "." + std::to_string(unique % 250) + "." +
           std::to_string(1 + i);
  }
  static std::string route(int i) { return "nats://" + host(i) + ":6222"; }

  static bool is_current(const jsClusterInfo* of) {
    if (of == nullptr || of->Leader == nullptr || of->ReplicasLen != size - 1) return false;
    return std::all_of(of->Replicas, of->Replicas + of->ReplicasLen,
                       [](const jsPeerInfo* one) { return one->Current && !one->Offline; });
  }

  // Asks each server in turn, until one answers as it should.
  template <class Question>
  void ask(Question question) {
    for (const auto until = clock::now() + 60s; clock::now() < until;) {
      for (const auto& one : servers_) {
        if (one->is_running() && ask(*one, question)) return;
      }
      std::this_thread::sleep_for(20ms);
    }
    ADD_FAILURE() << "the cluster does not answer";
  }
  template <class Question>
  static bool ask(const nats_server& server, Question question) {
    const auto url = server.at("").substr(0, server.at("").rfind('/'));
    natsConnection* connection = nullptr;
    jsCtx* js = nullptr;
    bool is_so = natsConnection_ConnectTo(&connection, url.c_str()) == NATS_OK &&
                 natsConnection_JetStream(&js, connection, nullptr) == NATS_OK;
    is_so = is_so && question(js);
    jsCtx_Destroy(js);
    natsConnection_Destroy(connection);
    return is_so;
  }

  std::string routes_;
  std::vector<std::unique_ptr<nats_server>> servers_;
};

TEST(NatsCluster,
     that_loses_a_server_and_then_its_leader_loses_nothing_and_with_once_repeats_nothing) {
  cluster servers;
  servers.make_stream("S");
  const scratch_endpoint a, b;
  auto tx = opened(open_producer(a.at("shm", "capacity=4KiB")));
  auto rx = opened(open_consumer(b.at("shm", "once=yes")));
  auto there = opened(nats::open_gateway({a.at("shm")}, servers.at("S", "timeout=1s"), true, {}));
  auto back = opened(
      nats::open_gateway({servers.at("S", "timeout=1s&max_message=64KiB")}, b.at("shm"), true, {}));
  std::jthread run_there([&] { there.run(); });
  std::jthread run_back([&] { back.run(); });
  // Also where the test fails: else the threads would be waited for in vain.
  struct stopping {
    bus::gateway &one, &other;
    ~stopping() {
      one.stop();
      other.stop();
    }
  } const at_the_end{there, back};

  int sent = 0, seen = 0;
  const auto take = [&](deadline until) {
    const auto got = annulus::read<int>(rx, until);
    if (got.status != status::ok) return false;
    EXPECT_EQ(got.value, seen);
    ++seen;
    return true;
  };
  const auto pass_on = [&](int more) {
    const auto goal = seen + more;
    for (const auto until = clock::now() + 60s; seen < goal && !::testing::Test::HasFailure();) {
      ASSERT_LT(clock::now(), until) << sent << " sent, " << seen << " seen";
      if (annulus::push(tx, sent, within(1ms)) == status::ok) ++sent;
      while (take(within(0ms))) {
      }
    }
  };
  pass_on(300);
  auto& first = servers.server(0);  // of the name
  first.kill();
  pass_on(300);
  first.start();
  pass_on(300);
  const auto leader = servers.leader_of_whole("S", "annulus");
  ASSERT_GE(leader, 0);
  servers.server(leader).kill();
  pass_on(300);
  while (seen < sent && !HasFailure()) {
    ASSERT_TRUE(take(within(60s))) << sent << " sent, " << seen << " seen";
  }
  EXPECT_FALSE(take(within(100ms)));
}

}  // namespace
}  // namespace annulus::testing
