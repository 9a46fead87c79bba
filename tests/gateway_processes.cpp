// A gateway between processes, all of them killed and replaced at random, every message counted.
//
// Without once: nothing is lost, the order of each source is kept, and what comes again is what
// the dead had not released, at most. With once: exactly once, and a consumer that dies sees again
// only what it had not released.
//
// A pipe's contents live only while somebody has its FIFO open. Here everybody may be dead at once,
// so the parent keeps each pipe open; whoever runs a gateway over pipes has to do the like.
//
//   ANNULUS_SEED=n                        replays the random choices
//   ANNULUS_GATEWAY_PROCESSES_SECONDS=n   how long the random kills run, all together
#include "killing.hpp"
#include "names.hpp"
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <thread>

#include <annulus/bus/gateway.hpp>
#include <annulus/bus/open.hpp>
#include <annulus/pipe/inspect.hpp>
#include <annulus/ring/inspect.hpp>

namespace annulus::processes {
namespace {

constexpr long all_seconds = is_sanitized ? 8 : 20;
constexpr int kill_tests = 8;  // those below share the time

constexpr std::uint64_t gateway_batch = 64;
constexpr std::uint64_t read_at_once = 32;  // before the consumer releases

// A channel that is there from the beginning to the end, a pipe's contents included.
class standing_channel {
 public:
  standing_channel(const std::string& scheme, const std::string& options)
      : endpoint_(must(bus::parse(scheme + ":" + name_.str() + "?" + options))) {
    if (endpoint_.scheme == bus::scheme::shm)
      segment_.emplace(must(bus::open_segment(endpoint_)));
    else
      pipe_.emplace(must(bus::open_pipe(endpoint_)));
  }
  standing_channel(const standing_channel&) = delete;
  standing_channel& operator=(const standing_channel&) = delete;
  ~standing_channel() { (void)bus::remove(endpoint_, true); }

  [[nodiscard]] const bus::endpoint& endpoint() const noexcept { return endpoint_; }
  [[nodiscard]] std::uint64_t max_message() const {
    return segment_ ? segment_->geometry().max_message : pipe_->geometry().max_message;
  }
  [[nodiscard]] bool is_empty() const {
    return (segment_ ? must(inspect(*segment_)).depth : must(inspect(*pipe_)).depth) == 0;
  }

 private:
  testing::scratch_name name_;
  bus::endpoint endpoint_;
  std::optional<segment> segment_;
  std::optional<named_pipe> pipe_;
};

struct route {
  std::vector<std::string> from;
  std::string to;
  std::uint64_t lanes = 1;  // producers of each source
  bool once = false;
};

// What a consumer that sees messages again writes down of them.
struct repeats {
  std::atomic<std::uint64_t> starts;           // times that a lane went back
  std::atomic<std::uint64_t> farthest;         // messages of a lane that one start goes back
  std::atomic<std::uint64_t> told[max_lanes];  // new messages of each lane
  std::atomic<std::uint64_t> before[max_incarnations];  // of its lane, when it first was heard
};

class gateway_place {
 public:
  using producer_type = bus_producer;
  using consumer_type = bus_consumer;

  explicit gateway_place(const route& r) : route_(r) {
    const auto producers = "&producers=" + std::to_string(r.lanes);
    for (const auto& scheme : r.from) {
      from_.push_back(std::make_unique<standing_channel>(scheme, "capacity=16KiB" + producers));
    }
    to_ = std::make_unique<standing_channel>(
        r.to, "capacity=32KiB&producers=" + std::to_string(r.from.size()));
  }

  [[nodiscard]] bus_producer producer(std::uint64_t lane) {
    return must(open_producer(from_[lane % from_.size()]->endpoint()));
  }
  [[nodiscard]] bus_consumer consumer() { return must(open_consumer(target())); }
  [[nodiscard]] std::uint64_t max_message() { return from_[0]->max_message(); }
  [[nodiscard]] repeats& again() { return *repeats_; }

  // A claim that a pipe owes is not yet with the consumer's side.
  static void settle(bus_producer& to) {
    while (to.owes()) (void)to.claim(0, within(20ms));
  }

  void strike(dice& luck) {
    if (luck.once_in(4)) {
      gateway_.signal(SIGSTOP);
      child::nap(std::chrono::microseconds(luck.below(4'000)));
      gateway_.signal(SIGCONT);
    } else {
      gateway_.end();
    }
  }
  void mend() {
    if (gateway_.pid() != 0 && !gateway_.is_gone()) return;
    EXPECT_FALSE(gateway_.has_failed()) << "the gateway " << gateway_.fate();
    deaths_ += gateway_.pid() != 0 ? 1 : 0;
    gateway_ = child([&] { pass(); });
  }
  // It stops when the sources are empty: it releases only what the target has taken.
  bool has_passed_all() {
    const auto is_empty = [](const auto& one) { return one->is_empty(); };
    if (std::all_of(from_.begin(), from_.end(), is_empty)) stops_->store(true);
    EXPECT_FALSE(gateway_.has_failed()) << "the gateway " << gateway_.fate();
    return gateway_.is_gone();
  }

  void add_up(const toll& t) {
    EXPECT_TRUE(gateway_.is_content()) << gateway_.fate();
    EXPECT_TRUE(to_->is_empty());
    EXPECT_GT(deaths_, is_sanitized ? 0u : 10u) << "the gateway died too rarely to show anything";
    const auto starts = repeats_->starts.load();
    EXPECT_LE(starts, max_lanes * (deaths_ + t.consumer_deaths));
    EXPECT_LE(repeats_->farthest, gateway_batch + read_at_once + 1);
    std::printf("the gateway died %llu times; lanes went back %llu times, by %llu at most\n",
                static_cast<unsigned long long>(deaths_), static_cast<unsigned long long>(starts),
                static_cast<unsigned long long>(repeats_->farthest.load()));
  }

 private:
  [[nodiscard]] bus::endpoint target() const {
    auto out = to_->endpoint();
    out.once = route_.once;
    return out;
  }

  // In a process of its own.
  void pass() {
    std::vector<bus::endpoint> from;
    for (const auto& one : from_) from.push_back(one->endpoint());
    bus::gateway_options how;
    how.batch = gateway_batch;
    auto gateway = must(bus::gateway::open(from, target(), how));
    std::jthread watch([&] {
      while (!stops_->load() && !gateway.is_over()) std::this_thread::sleep_for(1ms);
      gateway.stop();
    });
    gateway.run();
    for (const auto& one : gateway.report()) {
      if (one.state != bus::lane_state::ended) fail(one.from + ": " + one.error);
      require(one.dropped == 0 && one.corrupt == 0, "the gateway dropped or met damage");
    }
  }

  route route_;
  std::vector<std::unique_ptr<standing_channel>> from_;
  std::unique_ptr<standing_channel> to_;
  shared<repeats> repeats_;
  shared<std::atomic<bool>> stops_;
  child gateway_;
  std::uint64_t deaths_ = 0;
};

// A consumer that is promised at least once: what is new comes in order and without a gap, and what
// comes again starts no further back than the dead can have left unreleased.
class reading_again {
 public:
  reading_again(ledger& book, gateway_place& place, bool may_die, std::uint64_t seed)
      : book_(book),
        again_(place.again()),
        from_(place.consumer()),
        dice_(seed),
        may_die_(may_die) {}

  void run() {
    for (;;) {
      const bool is_over = book_.is_over.load(std::memory_order_acquire);
      view seen = from_.read(within(20ms));
      for (std::uint64_t more = dice_.below(read_at_once); seen; --more) {
        see(seen.bytes());
        if (more == 0) break;
        seen = from_.try_read();
      }
      from_.release();
      const auto why = seen.status();
      const bool is_end = why == status::closed || why == status::peer_gone;
      if (!is_end && why != status::ok && why != status::empty && why != status::timed_out &&
          why != status::stalled) {
        fail("a read was answered with " + std::string(annulus::to_string(why)));
      }
      if (is_over && is_end) return;
    }
  }

 private:
  void see(message m) {
    book_.read.fetch_add(1, std::memory_order_relaxed);
    name_of_message name = 0;
    require(m.size() >= sizeof name, "a message without a name");
    std::memcpy(&name, m.data(), sizeof name);
    const auto lane = lane_of(name), incarnation = incarnation_of(name), number = number_of(name);
    require(incarnation < book_.lives.load(), "a message of nobody");
    auto& life = book_.of[incarnation];
    require(life.lane == lane && is_message(name, m, book_.max_message), "a message was changed");
    require(number >= 1 && number <= life.begun.load(), "a message was never committed");
    const auto delivered = life.delivered.load();
    if (number > delivered + 1) fail("messages before " + to_string(name) + " were lost");
    if (number == delivered + 1)
      take(name, life);
    else
      repeat(name);
    last_[lane] = again_.before[incarnation] + number;
    if (may_die_ && dice_.once_in(20'000)) raise(SIGKILL);
  }

  void take(name_of_message name, ledger::life& life) {
    const auto lane = lane_of(name), incarnation = incarnation_of(name);
    auto& latest = book_.latest[lane];
    if (incarnation + 1 < latest) fail(to_string(name) + " came after its replacement's");
    for (std::uint64_t i = latest == 0 ? 0 : latest - 1; i < incarnation; ++i) {
      const auto& dead = book_.of[i];
      if (dead.lane == lane && dead.delivered < dead.committed) {
        fail("messages of the dead " + std::to_string(i) + " were lost");
      }
    }
    if (latest < incarnation + 1) {
      again_.before[incarnation] = again_.told[lane].load();
      latest = incarnation + 1;
    }
    // Before it is counted as delivered: a death in between makes it count twice, never less.
    again_.told[lane] = again_.before[incarnation] + number_of(name);
    life.delivered = number_of(name);
  }

  void repeat(name_of_message name) {
    book_.repeated.fetch_add(1, std::memory_order_relaxed);
    const auto lane = lane_of(name);
    const auto place = again_.before[incarnation_of(name)] + number_of(name);
    if (last_[lane] != 0 && place == last_[lane] + 1) return;  // goes on
    if (last_[lane] != 0 && place > last_[lane]) fail(to_string(name) + " came out of order");
    again_.starts.fetch_add(1);
    const auto distance = again_.told[lane] - place + 1;
    if (distance > again_.farthest) again_.farthest = distance;
  }

  ledger& book_;
  repeats& again_;
  bus_consumer from_;
  dice dice_;
  bool may_die_;
  std::uint64_t last_[max_lanes] = {};  // the place in its lane of the last message; 0: none yet
};

void kill_at_random(const route& r) {
  const char* given = std::getenv("ANNULUS_GATEWAY_PROCESSES_SECONDS");
  const long seconds = given != nullptr ? std::strtol(given, nullptr, 10) : all_seconds;
  const auto span = std::chrono::milliseconds(seconds * 1000 / kill_tests);
  gateway_place place(r);
  plan p;
  p.lanes = r.from.size() * r.lanes;
  if (r.once) {
    killing(p, place).run(span);
  } else {
    p.first_lane = 1;
    killing<gateway_place, reading_again>(p, place).run(span);
  }
}

TEST(GatewayKills, a_ring_into_a_pipe_loses_nothing) {
  kill_at_random({.from = {"shm"}, .to = "pipe", .lanes = 2});
}
TEST(GatewayKills, a_ring_into_a_pipe_with_once_is_exactly_once) {
  kill_at_random({.from = {"shm"}, .to = "pipe", .lanes = 2, .once = true});
}
TEST(GatewayKills, a_pipe_into_a_ring_loses_nothing) {
  kill_at_random({.from = {"pipe"}, .to = "shm", .lanes = 2});
}
TEST(GatewayKills, a_pipe_into_a_ring_with_once_is_exactly_once) {
  kill_at_random({.from = {"pipe"}, .to = "shm", .lanes = 2, .once = true});
}
TEST(GatewayKills, a_ring_into_a_ring_loses_nothing) {
  kill_at_random({.from = {"shm"}, .to = "shm"});
}
TEST(GatewayKills, a_ring_into_a_ring_with_once_is_exactly_once) {
  kill_at_random({.from = {"shm"}, .to = "shm", .once = true});
}
TEST(GatewayKills, two_rings_and_a_pipe_into_a_ring_lose_nothing) {
  kill_at_random({.from = {"shm", "pipe", "shm"}, .to = "shm"});
}
TEST(GatewayKills, two_rings_and_a_pipe_into_a_ring_with_once_are_exactly_once) {
  kill_at_random({.from = {"shm", "pipe", "shm"}, .to = "shm", .once = true});
}

}  // namespace
}  // namespace annulus::processes
