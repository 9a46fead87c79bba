// A gateway between producers and a consumer: the place where it is killed too, and what a consumer
// holds it to that is promised each message at least once.
#pragma once

#include "channels.hpp"
#include "killing.hpp"
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <annulus/bus/gateway.hpp>

namespace annulus::processes {

inline constexpr std::uint64_t gateway_batch = 64;
inline constexpr std::uint64_t read_at_once = 32;  // before the consumer releases

struct route {
  std::vector<std::string> from;
  std::string to;
  std::uint64_t lanes = 1;  // producers of each source
  bool once = false;
  std::string directory = {};  // where its channels lie; empty: under names of their own
  std::uint64_t deaths = is_sanitized ? 1 : 11;  // of the gateway, at least, to show anything
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
    for (const auto& scheme : r.from) from_.push_back(made(scheme, "capacity=16KiB" + producers));
    to_ = made(r.to, "capacity=32KiB&producers=" + std::to_string(r.from.size()));
  }

  [[nodiscard]] bus_producer producer(std::uint64_t lane) {
    return take_up<bus_producer>(from_[lane % from_.size()]->endpoint());
  }
  [[nodiscard]] bus_consumer consumer() { return take_up<bus_consumer>(target()); }
  [[nodiscard]] std::uint64_t max_message() { return from_[0]->max_message(); }
  void keep() {
    for (auto& one : from_) one->keep();
    to_->keep();
  }
  [[nodiscard]] std::string path() const { return to_->path(); }
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
    if (gateway_.pid() != 0) ++deaths_;
    gateway_ = child([&] { pass(); });
  }
  // It stops when the sources are empty: it releases only what the target has taken.
  bool has_passed_all() {
    const auto is_empty = [](const auto& one) { return one->is_empty(); };
    if (std::all_of(from_.begin(), from_.end(), is_empty)) stops_->store(true);
    EXPECT_FALSE(gateway_.has_failed()) << "the gateway " << gateway_.fate();
    return gateway_.is_gone();
  }

  [[nodiscard]] std::uint64_t deaths() const noexcept { return deaths_; }

  void add_up(const toll& t) {
    EXPECT_TRUE(gateway_.is_content()) << gateway_.fate();
    EXPECT_TRUE(to_->is_empty());
    EXPECT_GE(deaths_, route_.deaths) << "the gateway died too rarely to show anything";
    const auto starts = repeats_->starts.load();
    EXPECT_LE(starts, max_lanes * (deaths_ + t.consumer_deaths));
    EXPECT_LE(repeats_->farthest, gateway_batch + read_at_once + 1);
  }

 private:
  [[nodiscard]] std::unique_ptr<standing_channel> made(const std::string& scheme,
                                                       const std::string& options) const {
    if (route_.directory.empty()) return std::make_unique<standing_channel>(scheme, options);
    const auto name = route_.directory + "/gateway." + std::to_string(from_.size());
    return std::make_unique<standing_channel>(
        must(bus::parse(scheme + ":" + name + "?" + options)));
  }
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
  template <class Place>
  reading_again(ledger& book, Place& place, const plan& p, std::uint64_t seed)
      : book_(book),
        again_(place.again()),
        from_(place.consumer()),
        dice_(seed),
        may_die_(p.consumers_die) {}

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

}  // namespace annulus::processes
