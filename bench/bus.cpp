// The bus against the static types behind it, and the gateway against one ring.
//
//     bench_bus [rounds] [milliseconds]
//
// Each round runs each pair one right after the other, the first one in turn, so that a ratio
// compares neighbours. Told are the time of an operation by the static type and the ratio of the
// bus to it (above 1: slower): median, and the middle half of the rounds. First one thread does
// both sides, all in its caches: there the indirection shows most. Then each side has a thread and
// a processor, as in use: the time is that of one message. The gateway's rows are messages a second
// between threads, and ratios to the ring's (above 1: faster).
#include "compare/sides.hpp"
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <annulus/bus/gateway.hpp>
#include <annulus/bus/open.hpp>

namespace {

using namespace annulus;
using clock_type = std::chrono::steady_clock;
using std::chrono::duration;

constexpr std::size_t batch_size = 16;

void require(bool holds, const char* what) {
  if (holds) [[likely]]
    return;
  std::fprintf(stderr, "bench_bus: %s\n", what);
  std::exit(1);
}
template <class T>
T must(result<T> got) {
  if (!got) require(false, got.error().message.c_str());
  return std::move(got).value();
}

// Keeps what was read from being optimized away.
void look(const view& seen) { asm volatile("" : : "r"(seen.bytes().data()) : "memory"); }

// One pair of roles at a channel of its own.
template <class Producer, class Consumer>
struct ends {
  Producer tx;
  Consumer rx;
};

std::string next_name() {
  static int count = 0;
  return "bench-bus-" + std::to_string(getpid()) + "-" + std::to_string(count++);
}

// The operations, the same source for the static types and for the bus.
template <class Ends>
void push_and_read(Ends& at, messages many) {
  require(at.tx.try_push(many[0]) == status::ok, "a push was refused");
  look(at.rx.try_read());
  at.rx.release();
}
template <class Ends>
void push_batch_and_drain(Ends& at, messages many) {
  require(at.tx.try_push_batch(many).count == batch_size, "a batch was refused");
  const auto seen = at.rx.drain([](message m) { look(m); }, batch_size);
  require(seen.count == batch_size, "a message is missing");
}
template <class Ends>
void claim_and_read(Ends& at, messages many) {
  auto claim = at.tx.try_claim(many[0].size());
  require(static_cast<bool>(claim), "a claim was refused");
  asm volatile("" : : "r"(claim.bytes().data()) : "memory");
  claim.commit();
  look(at.rx.try_read());
  at.rx.release();
}

// What the producer's side of two threads does, message by message.
template <class Producer>
void push_one(Producer& tx, message one) {
  while (tx.try_push(one) != status::ok) {
  }
}
template <class Producer>
void claim_one(Producer& tx, message one) {
  for (;;) {
    auto claim = tx.try_claim(one.size());
    if (!claim) continue;
    std::memcpy(claim.bytes().data(), one.data(), one.size());
    return claim.commit();
  }
}

// Nanoseconds of one message from a thread to another.
template <class Ends, class Push>
double cost_between(Push push, Ends& at, message one, duration<double> span) {
  const compare::processors on(compare::processors::allowed());
  compare::gate both;
  std::atomic<bool> is_over{false};
  double cost = 0;
  const std::vector<std::function<void()>> sides{
      [&] {
        both.pass(2);
        std::uint64_t count = 0;
        const auto start = clock_type::now();
        auto now = start;
        while (now - start < span) {
          for (int i = 0; i < 64; ++i) count += at.rx.drain([](message m) { look(m); }, 64).count;
          now = clock_type::now();
        }
        cost = duration<double, std::nano>(now - start).count() / static_cast<double>(count);
        is_over.store(true, std::memory_order_relaxed);
        while (at.rx.drain([](message) {}, 64).count > 0) {
        }
      },
      [&] {
        both.pass(2);
        while (!is_over.load(std::memory_order_relaxed)) push(at.tx, one);
      }};
  compare::run_sides(compare::where::threads, on, sides);
  while (at.rx.drain([](message) {}, 64).count > 0) {
  }
  return cost;
}

// Nanoseconds of one operation.
template <class Ends, class Operation>
double cost_of(Operation operation, Ends& at, messages many, duration<double> span) {
  std::uint64_t count = 0;
  const auto start = clock_type::now();
  auto now = start;
  do {
    for (int i = 0; i < 1000; ++i) operation(at, many);
    count += 1000;
    now = clock_type::now();
  } while (now - start < span);
  return duration<double, std::nano>(now - start).count() / static_cast<double>(count);
}

struct row {
  std::string name;
  std::vector<double> base, ratio;
};

double part(std::vector<double> of, double quantile) {
  const auto at = static_cast<std::size_t>(quantile * static_cast<double>(of.size() - 1) + 0.5);
  std::ranges::nth_element(of, of.begin() + static_cast<long>(at));
  return of[at];
}

void show(const row& r, const char* unit) {
  std::printf("%-42s %12.1f %s %7.3f %7.3f-%.3f\n", r.name.c_str(), part(r.base, 0.5), unit,
              part(r.ratio, 0.5), part(r.ratio, 0.25), part(r.ratio, 0.75));
}

struct plan {
  int rounds;
  duration<double> span;
};

// A row: `direct` and `named` measure once each, by the static type and by the bus.
template <class Direct, class Named>
void side_by_side(const plan& p, const std::string& name, Direct direct, Named named) {
  row out{name, {}, {}};
  for (int round = 0; round <= p.rounds; ++round) {
    double costs[2];
    for (int turn = 0; turn < 2; ++turn) {
      const bool is_bus = (turn + round) % 2 != 0;
      costs[is_bus] = is_bus ? named() : direct();
    }
    if (round == 0) continue;  // warm by now
    out.base.push_back(costs[0]);
    out.ratio.push_back(costs[1] / costs[0]);
  }
  show(out, "ns ");
}

template <class Producer, class Consumer, class Channel>
void rows_of(const plan& p, const std::string& kind, const bus::endpoint& e,
             result<Channel> (*open)(const bus::endpoint&)) {
  using direct_ends = ends<Producer, Consumer>;
  using bus_ends = ends<bus_producer, bus_consumer>;
  auto of_bus = e;
  of_bus.name += "-bus";
  {
    const auto channel = must(open(e));
    direct_ends direct{must(Producer::attach(channel)), must(Consumer::attach(channel))};
    bus_ends named{must(open_producer(of_bus)), must(open_consumer(of_bus))};
    for (const std::size_t bytes : {std::size_t{8}, std::size_t{128}}) {
      const std::vector<std::byte> memory(bytes);
      const message one(memory);
      const std::vector<message> many(batch_size, one);
      const auto name = [&](const char* what) {
        return kind + " " + what + ", " + std::to_string(bytes) + " bytes";
      };
      const auto alone = [&](const char* what, auto operation) {
        side_by_side(
            p, name(what), [&] { return cost_of(operation, direct, many, p.span); },
            [&] { return cost_of(operation, named, many, p.span); });
      };
      alone("push, read", [](auto& at, messages m) { push_and_read(at, m); });
      alone("batch of 16, drain", [](auto& at, messages m) { push_batch_and_drain(at, m); });
      alone("claim, read", [](auto& at, messages m) { claim_and_read(at, m); });
      const auto between = [&](const char* what, auto push) {
        side_by_side(
            p, name(what), [&] { return cost_between(push, direct, one, p.span); },
            [&] { return cost_between(push, named, one, p.span); });
      };
      between("push, between threads", [](auto& tx, message m) { push_one(tx, m); });
      between("claim, between threads", [](auto& tx, message m) { claim_one(tx, m); });
    }
  }
  for (const auto& one : {e, of_bus}) must(bus::remove(one, true));
}

// Messages a second from one thread's producer to this one's consumer.
double rate(const bus::endpoint& to_push, bus_consumer& rx, std::uint64_t count) {
  const auto start = clock_type::now();
  const std::jthread pusher([&] {
    auto tx = must(open_producer(to_push));
    const std::vector<std::byte> one(128);
    const std::vector<message> many(100, message(one));
    for (std::uint64_t left = count; left > 0; left -= many.size()) {
      require(tx.push_batch(many, no_deadline).count == many.size(), "a batch was refused");
    }
  });
  for (std::uint64_t left = count; left > 0;) {
    left -= rx.drain([](message m) { look(m); }, 100, no_deadline).count;
  }
  return static_cast<double>(count) / duration<double>(clock_type::now() - start).count();
}

void rows_of_the_gateway(const plan& p) {
  constexpr std::uint64_t count = 400'000;
  const auto endpoint = [] { return must(bus::parse("shm:" + next_name())); };
  const auto alone = endpoint(), from = endpoint(), to = endpoint();
  row ring{"one ring, batches of 100, 128 bytes", {}, {}};
  row through{"two rings and a gateway between", {}, {}};
  {
    auto rx = must(open_consumer(alone));
    auto passing = must(bus::gateway::open({from}, to));
    const std::jthread lanes([&] { passing.run(); });
    auto behind = must(open_consumer(to));
    for (int round = 0; round < p.rounds; ++round) {
      ring.base.push_back(rate(alone, rx, count));
      ring.ratio.push_back(1);
      through.base.push_back(rate(from, behind, count));
      through.ratio.push_back(through.base.back() / ring.base.back());
    }
    passing.stop();
  }
  show(ring, "/s ");
  show(through, "/s ");
  for (const auto& one : {alone, from, to}) must(bus::remove(one, true));
}

}  // namespace

int main(int argc, char** argv) {
  plan p{};
  p.rounds = argc > 1 ? std::max(std::atoi(argv[1]), 1) : 15;
  p.span = std::chrono::milliseconds(argc > 2 ? std::max(std::atoi(argv[2]), 1) : 20);
  std::printf("%-42s %12s %10s %15s\n", "", "static", "bus/static", "middle half");
  const auto ring = [] { return must(bus::parse("shm:" + next_name() + "?capacity=64KiB")); };
  rows_of<spsc_producer, spsc_consumer>(p, "spsc", ring(), bus::open_segment);
  auto many = ring();
  many.producers = 4;
  rows_of<mpsc_producer, mpsc_consumer>(p, "mpsc", many, bus::open_segment);
  rows_of<pipe_producer, pipe_consumer>(p, "pipe", must(bus::parse("pipe:" + next_name())),
                                        bus::open_pipe);
  rows_of_the_gateway(p);
}
