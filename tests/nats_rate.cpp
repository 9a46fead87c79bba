// How fast messages get into a stream, beside bare libnats: a program, and no test of time.
//
//     nats_rate [BYTES [COUNT [ROUNDS]]]
//
// Each round publishes as many messages by libnats alone (js_PublishAsync, without ids and with
// ours), by the gateway's end (nats::target), and through a ring and a gateway; the rounds are
// interleaved, and a ratio is of one round. The server is private; its time on a processor is told
// beside each, because a message with an id costs it more, whoever sends it.
#include "endpoints.hpp"
#include "nats_server.hpp"
#include <nats/nats.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <annulus/nats/gateway.hpp>
#include <annulus/nats/headers.hpp>
#include <annulus/nats/leg.hpp>

namespace annulus::testing {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

struct job {
  std::size_t bytes = 128;
  std::uint64_t count = 100'000;
  int rounds = 5;
};

void demand(bool is_so, const char* what) {
  if (is_so) return;
  std::fprintf(stderr, "%s failed\n", what);
  std::exit(1);
}

double seconds_since(clock::time_point began) {
  return std::chrono::duration<double>(clock::now() - began).count();
}

// Messages a second, and what one cost the server.
struct figure {
  double rate = 0, server_us = 0;
};
template <class F>
figure measured(const nats_server& server, const job& j, F&& run) {
  const auto before = server.processor_time();
  const double rate = run();
  const std::chrono::duration<double, std::micro> spent = server.processor_time() - before;
  return {rate, spent.count() / static_cast<double>(j.count)};
}

double bare(const nats_server& server, const job& j, bool has_ids, std::uint64_t run) {
  natsConnection* connection = nullptr;
  jsCtx* js = nullptr;
  const auto url = "nats://127.0.0.1:" + std::to_string(server.port());
  demand(natsConnection_ConnectTo(&connection, url.c_str()) == NATS_OK, "connecting");
  demand(natsConnection_JetStream(&js, connection, nullptr) == NATS_OK, "JetStream");
  const std::string payload(j.bytes, 'x');
  const auto began = clock::now();
  for (std::uint64_t i = 0; i < j.count; ++i) {
    jsPubOptions how;
    jsPubOptions_Init(&how);
    const auto id = nats::id_of({run, i});
    if (has_ids) how.MsgId = id.data();
    demand(js_PublishAsync(js, "RATE", payload.data(), static_cast<int>(payload.size()), &how) ==
               NATS_OK,
           "publishing");
  }
  demand(js_PublishAsyncComplete(js, nullptr) == NATS_OK, "the end");
  const auto rate = static_cast<double>(j.count) / seconds_since(began);
  jsCtx_Destroy(js);
  natsConnection_Destroy(connection);
  return rate;
}

double by_the_end(const nats_server& server, const job& j, std::uint64_t run) {
  auto to = opened(nats::target::open(opened(nats::parse(server.at("RATE")))));
  const std::vector<std::byte> payload(j.bytes);
  const auto began = clock::now();
  for (std::uint64_t i = 0; i < j.count;) {
    for (std::size_t n = 0; n < nats::usual_batch && i < j.count; ++n) {
      static_cast<void>(to.add(payload, {run, ++i}));
    }
    while (to.push(within(1s), false).why == status::timed_out) {
    }
  }
  return static_cast<double>(j.count) / seconds_since(began);
}

double by_a_gateway(const nats_server& server, const job& j) {
  const scratch_endpoint ring;
  auto tx = opened(open_producer(ring.at("shm", "capacity=4MiB&max_message=64KiB")));
  auto passing = opened(
      nats::open_gateway({ring.at("shm")}, server.at("RATE"), false, {.batch = nats::usual_batch}));
  std::jthread runs([&] { passing.run(); });
  const std::vector<std::byte> payload(j.bytes);
  const auto began = clock::now();
  for (std::uint64_t i = 0; i < j.count; ++i) {
    demand(tx.push(payload, within(30s)) == status::ok, "a push");
  }
  while (passing.report().front().messages < j.count) std::this_thread::sleep_for(1ms);
  const auto rate = static_cast<double>(j.count) / seconds_since(began);
  passing.stop();
  return rate;
}

double median(std::vector<double> of) {
  std::ranges::sort(of);
  return of[of.size() / 2];
}

void measure(const job& j) {
  nats_server server;
  { const auto made = opened(nats::target::open(opened(nats::parse(server.at("RATE"))))); }
  std::vector<double> plain_ratio, end_ratio, gateway_ratio, end_plain_ratio;
  for (int i = 0; i < j.rounds; ++i) {
    const auto run = static_cast<std::uint64_t>(i);
    const auto plain = measured(server, j, [&] { return bare(server, j, false, 2 * run); });
    const auto ids = measured(server, j, [&] { return bare(server, j, true, ~run); });
    const auto end = measured(server, j, [&] { return by_the_end(server, j, run); });
    const auto whole = measured(server, j, [&] { return by_a_gateway(server, j); });
    std::printf(
        "libnats %.0f/s (server %.1f us), with ids %.0f/s (%.1f us); our end %.0f/s (%.1f us), "
        "ring and gateway %.0f/s (%.1f us)\n",
        plain.rate, plain.server_us, ids.rate, ids.server_us, end.rate, end.server_us, whole.rate,
        whole.server_us);
    plain_ratio.push_back(ids.rate / plain.rate);
    end_ratio.push_back(end.rate / ids.rate);
    gateway_ratio.push_back(whole.rate / ids.rate);
    end_plain_ratio.push_back(end.rate / plain.rate);
  }
  std::printf(
      "%zu bytes, medians of %d rounds: over libnats with ids, our end %.2f, ring and gateway "
      "%.2f; over libnats without, our end %.2f, libnats with ids %.2f\n",
      j.bytes, j.rounds, median(end_ratio), median(gateway_ratio), median(end_plain_ratio),
      median(plain_ratio));
}

}  // namespace
}  // namespace annulus::testing

int main(int argc, char** argv) {
  annulus::testing::job j;
  if (argc > 1) j.bytes = std::strtoull(argv[1], nullptr, 10);
  if (argc > 2) j.count = std::strtoull(argv[2], nullptr, 10);
  if (argc > 3) j.rounds = std::atoi(argv[3]);
  annulus::testing::measure(j);
  return 0;
}
