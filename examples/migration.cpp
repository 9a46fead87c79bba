// From pipes to shared memory without touching the application, in three phases:
//
//     1  everything over pipes                     pipe:orders
//     2  the hot few over a ring                   shm:orders, or auto:orders?rate=50000
//     3  the hottest in batches                    shm:orders, and a batch of 100
//
// The application below is compiled once. What changes is its configuration: a name, and a size.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include <annulus/bus/bus.hpp>
#include <annulus/bus/channel.hpp>

using namespace std::chrono_literals;

struct configuration {
  const char* phase;
  std::string endpoint;
  std::size_t batch;
};

constexpr std::size_t count = 60'000;

// The application.

bool send_orders(const configuration& how) {
  auto tx = annulus::open_producer(how.endpoint);
  if (!tx) return std::fprintf(stderr, "%s\n", tx.error().message.c_str()), false;
  const std::vector<std::byte> order(128);
  const std::vector<annulus::message> batch(how.batch, annulus::message(order));
  for (std::size_t sent = 0; sent < count; sent += how.batch) {
    if (tx->push_batch(batch, annulus::within(30s)).count != how.batch) return false;
  }
  return true;
}

std::size_t receive_orders(annulus::bus_consumer& from) {
  std::size_t seen = 0;
  while (seen < count) {
    const auto some = from.drain([](annulus::message) {}, 1000, annulus::within(30s));
    if (some.count == 0) break;
    seen += some.count;
  }
  return seen;
}

// Its life.

int main() {
  const auto name = "migration-" + std::to_string(getpid());
  const configuration phases[] = {
      {"1  a pipe", "pipe:" + name, 1},
      {"2  a ring", "shm:" + name, 1},
      {"2  auto, by its need", "auto:" + name + "-auto?rate=50000", 1},
      {"3  a ring, in batches", "shm:" + name + "-batched", 100},
  };
  bool is_good = true;
  for (const auto& how : phases) {
    auto rx = annulus::open_consumer(how.endpoint);
    if (!rx) return std::fprintf(stderr, "%s\n", rx.error().message.c_str()), 1;
    const auto start = std::chrono::steady_clock::now();
    if (fork() == 0) _exit(send_orders(how) ? 0 : 1);
    is_good &= receive_orders(*rx) == count;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    int sender = 1;
    is_good &= wait(&sender) > 0 && sender == 0;
    std::printf("%-24s %-4s %9.0f messages/s (%s)\n", how.phase, to_string(rx->transport()),
                static_cast<double>(count) / took.count(), rx->why().c_str());
    rx->close();
    is_good &= static_cast<bool>(annulus::bus::remove(annulus::bus::parse(how.endpoint).value()));
  }
  return is_good ? 0 : 1;
}
