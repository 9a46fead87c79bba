// Processes killed at random while they push and read, and the reckoning of it (ledger.hpp).
//
// A Place is where they meet:
//
//     producer_type, consumer_type    its roles
//     producer(lane), consumer()      attach one, in a process of its own
//     max_message()                   the largest that is sent
//     settle(producer)                returns when what was committed is with the consumer's side
//     add_up(toll)                    holds the place's own counters to what happened
//
// What a place has between its producers and its consumer dies with them (has_middle):
//
//     strike(dice), mend()            kill some of it; replace what is dead
//     has_passed_all()                after the last producer: whether all was passed on, and it
//     ended
#pragma once

#include "ledger.hpp"
#include "processes.hpp"
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

namespace annulus::processes {

inline constexpr std::uint64_t batch_size = 5;

struct plan {
  std::uint64_t lanes = 1;
  std::uint64_t first_lane = 0;  // 1: no message is anonymous
  bool producers_die = true;
  bool consumers_die = true;
};

// What happened in all.
struct toll {
  std::uint64_t delivered, read, deaths_in_claims, producer_deaths, consumer_deaths;
};

template <class Place>
concept has_middle = requires(Place place, dice& luck) {
  place.strike(luck);
  place.mend();
  { place.has_passed_all() } -> std::same_as<bool>;
};

// One incarnation of a producer: every way to push, and every way to die of it.
template <class Place>
class pushing {
 public:
  pushing(ledger& book, Place& place, std::uint64_t incarnation, bool may_die, std::uint64_t seed)
      : book_(book),
        to_(place.producer(book.of[incarnation].lane)),
        sent_(book, incarnation),
        dice_(mixed(seed) ^ incarnation),
        may_die_(may_die) {
    if (may_die_ && dice_.once_in(64)) raise(SIGKILL);
  }

  void run() {
    while (!book_.is_stopping.load(std::memory_order_relaxed)) {
      switch (dice_.below(12)) {
        case 0:
        case 1:
        case 2: push_claim(); break;
        case 3: push_batch(); break;
        case 4: push_pieces(); break;
        case 5: abort_claim(); break;
        case 6: push([&](message m) { return to_.push_or_drop(m); }); break;
        case 7:
        case 8: push([&](message m) { return to_.try_push(m); }); break;
        default: push([&](message m) { return to_.push(m, within(20ms)); }); break;
      }
      if (may_die_ && dice_.once_in(20'000)) return;  // closes
    }
  }

  static void check(status s) {
    const bool may_be =
        s == status::ok || s == status::full || s == status::timed_out || s == status::peer_gone;
    if (!may_be) fail("a push was answered with " + std::string(to_string(s)));
  }

  message prepare(std::uint64_t ahead = 0) {
    const auto name = sent_.next(ahead);
    auto& bytes = bytes_[ahead];
    bytes.resize(size_of(name, book_.max_message));
    write_message(name, bytes);
    return bytes;
  }
  void settle(status s) {
    check(s);
    sent_.end(s == status::ok ? 1 : 0);
  }

  template <class F>
  void push(F&& f) {
    const message m = prepare();
    sent_.begin();
    settle(f(m));
  }
  void push_pieces() {
    const message m = prepare();
    const std::size_t cut = m.size() / 3;
    const std::array<message, 3> parts{m.first(cut), m.subspan(cut, cut), m.subspan(2 * cut)};
    sent_.begin();
    settle(to_.try_push(pieces(parts)));
  }
  void push_batch() {
    std::array<message, batch_size> many;
    for (std::uint64_t i = 0; i < batch_size; ++i) many[i] = prepare(i);
    sent_.begin(batch_size);
    const auto done = to_.try_push_batch(messages(many));
    check(done.why);
    sent_.end(done.count);
  }

  // Claims more than the message takes. Dies inside the claim, perhaps.
  void push_claim() {
    const auto name = sent_.next();
    const std::size_t size = size_of(name, book_.max_message);
    const std::size_t claimed = std::min(size + dice_.below(3) * 20, book_.max_message);
    auto claim = to_.claim(claimed, within(20ms));
    if (!claim) return check(claim.status());
    std::memset(claim.bytes().data(), 0xff, claim.bytes().size());
    write_message(name, claim.bytes().first(size));
    die_in_claim();
    sent_.begin();
    claim.commit(size);
    Place::settle(to_);
    sent_.end(1);
  }
  // What stands in it would be taken for a message, but it was never begun.
  void abort_claim() {
    const auto name = sent_.next();
    auto claim = to_.try_claim(size_of(name, book_.max_message));
    if (!claim) return check(claim.status());
    write_message(name, claim.bytes());
    die_in_claim();
    if (dice_.once_in(2)) claim.abort();
  }
  void die_in_claim() {
    if (!may_die_ || !dice_.once_in(400)) return;
    book_.deaths_in_claims.fetch_add(1);
    raise(SIGKILL);
  }

  ledger& book_;
  typename Place::producer_type to_;
  sent sent_;
  dice dice_;
  bool may_die_;
  std::array<std::vector<std::byte>, batch_size> bytes_;
};

// One incarnation of a consumer: every way to read, and every way to die of it.
template <class Place>
class reading {
 public:
  reading(ledger& book, Place& place, bool may_die, std::uint64_t seed)
      : book_(book), from_(place.consumer()), received_(book), dice_(seed), may_die_(may_die) {
    if (may_die_ && dice_.once_in(64)) raise(SIGKILL);
  }

  void run() {
    for (;;) {
      const bool is_over = book_.is_over.load(std::memory_order_acquire);
      const status why = received_.is_settled() && dice_.once_in(2) ? drain() : read_some();
      const bool may_be = why == status::ok || why == status::empty || why == status::timed_out ||
                          why == status::stalled || why == status::peer_gone ||
                          why == status::closed;
      if (!may_be) fail("a read was answered with " + std::string(to_string(why)));
      if (is_over && (why == status::closed || why == status::peer_gone)) return received_.finish();
    }
  }

 private:
  void see(message m) {
    received_.see(m);
    if (may_die_ && dice_.once_in(20'000)) raise(SIGKILL);
  }

  status read_some() {
    view seen = from_.read(within(20ms));
    for (std::uint64_t more = dice_.below(32); seen; --more) {
      see(seen.bytes());
      if (more == 0) break;
      seen = from_.try_read();
    }
    if (received_.is_settled()) {
      received_.releasing();
      if (may_die_ && dice_.once_in(20'000)) raise(SIGKILL);
      from_.release();
      if (may_die_ && dice_.once_in(20'000)) raise(SIGKILL);
      received_.released();
    }
    return seen.status();
  }
  status drain() {
    received_.draining();
    const auto f = [&](message m) { see(m); };
    const std::size_t limit = 1 + dice_.below(200);
    const auto done =
        dice_.once_in(2) ? from_.drain(f, limit) : from_.drain(f, limit, within(20ms));
    received_.released();
    return done.why;
  }

  ledger& book_;
  typename Place::consumer_type from_;
  received received_;
  dice dice_;
  bool may_die_;
};

// The parent: starts, kills, stops and replaces, and in the end adds up.
template <class Place, class Reading = reading<Place>>
class killing {
 public:
  killing(const plan& p, Place& place) : plan_(p), place_(place), dice_(seed_) {
    book_->max_message = place.max_message();
    ::testing::Test::RecordProperty("seed", std::to_string(seed_));
    std::printf("replay with ANNULUS_SEED=%llu\n", static_cast<unsigned long long>(seed_));
  }

  void run(std::chrono::nanoseconds span) {
    start_consumer();
    if constexpr (has_middle<Place>) place_.mend();
    for (std::uint64_t lane = 0; lane < plan_.lanes; ++lane) start_producer(lane);
    const auto until = within(span), at_the_latest = within(span + patience);
    const auto goes_on = [&] {
      const auto now = std::chrono::steady_clock::now();
      return now < until || (book_->read <= enough + book_->repeated && now < at_the_latest);
    };
    while (is_fine() && goes_on()) {
      child::nap(std::chrono::microseconds(dice_.below(dice_.once_in(8) ? 15'000 : 1'500)));
      strike();
      replace_the_dead();
    }
    if (is_fine()) finish();
    if (is_fine()) add_up();
  }

 private:
  void start_producer(std::uint64_t lane) {
    const std::uint64_t incarnation = book_->lives.load();
    if (incarnation + 1 >= max_incarnations) {
      ADD_FAILURE() << "the ledger is full";
      return;
    }
    book_->of[incarnation].lane = plan_.first_lane + lane;
    book_->lives.store(incarnation + 1);
    producers_[lane] = child(
        [&] { pushing<Place>(*book_, place_, incarnation, plan_.producers_die, seed_).run(); });
  }
  void start_consumer() {
    consumer_ = child(
        [&, luck = dice_.roll()] { Reading(*book_, place_, plan_.consumers_die, luck).run(); });
  }

  void strike() {
    if constexpr (has_middle<Place>) {
      if (dice_.once_in(3)) return place_.strike(dice_);
    }
    const auto lane = dice_.below(plan_.lanes);
    switch (dice_.below(16)) {
      case 0:  // all at once
        if (plan_.consumers_die) consumer_.signal(SIGKILL);
        for (auto& one : producers_) {
          if (plan_.producers_die) one.signal(SIGKILL);
        }
        if (plan_.consumers_die) consumer_.end();
        for (auto& one : producers_) {
          if (plan_.producers_die) one.end();
        }
        break;
      case 1: pause(producers_[lane]); break;
      case 2: pause(consumer_); break;
      case 3:
      case 4:
      case 5:
      case 6:
        if (plan_.consumers_die) {
          consumer_.end();
          linger();
        }
        break;
      default:
        if (plan_.producers_die) {
          producers_[lane].end();
          linger();
        }
        break;
    }
  }
  void pause(child& one) {
    one.signal(SIGSTOP);
    child::nap(std::chrono::microseconds(dice_.below(4'000)));
    one.signal(SIGCONT);
  }
  // Sometimes nobody comes for longer than the others sleep.
  void linger() {
    if (dice_.once_in(16)) child::nap(std::chrono::microseconds(dice_.below(25'000)));
  }

  void replace_the_dead() {
    if constexpr (has_middle<Place>) place_.mend();
    if (consumer_.is_gone()) {
      consumer_deaths_ += bury(consumer_, "consumer");
      start_consumer();
    }
    for (std::uint64_t lane = 0; lane < plan_.lanes; ++lane) {
      if (!producers_[lane].is_gone()) continue;
      producer_deaths_ += bury(producers_[lane], "producer");
      start_producer(lane);
    }
  }
  std::uint64_t bury(child& one, const char* role) {
    EXPECT_FALSE(one.has_failed()) << role << " " << one.pid() << " " << one.fate();
    return one.was_killed() ? 1 : 0;
  }
  static bool is_fine() { return !::testing::Test::HasFailure(); }

  // Producers end first, then a consumer reads what is left.
  void finish() {
    book_->is_stopping = true;
    const auto until = within(patience);
    const auto are_gone = [&] {
      return std::all_of(producers_.begin(), producers_.begin() + static_cast<long>(plan_.lanes),
                         [](child& one) { return one.is_gone(); });
    };
    while (!are_gone() && std::chrono::steady_clock::now() < until) {
      child::nap(10ms);
      if constexpr (has_middle<Place>) place_.mend();
      replace_dead_consumer();
    }
    ASSERT_TRUE(are_gone()) << "a producer hangs";
    for (std::uint64_t lane = 0; lane < plan_.lanes; ++lane) {
      producer_deaths_ += bury(producers_[lane], "producer");
    }
    if constexpr (has_middle<Place>) {
      while (is_fine() && !place_.has_passed_all() && std::chrono::steady_clock::now() < until) {
        child::nap(5ms);
        replace_dead_consumer();
      }
      ASSERT_TRUE(place_.has_passed_all()) << "not everything was passed on";
    }
    book_->is_over = true;
    while (is_fine() && consumer_.await_end(until) && consumer_.was_killed()) {
      replace_dead_consumer();
    }
    EXPECT_TRUE(consumer_.is_content(until)) << "consumer " << consumer_.fate();
  }
  void replace_dead_consumer() {
    if (!consumer_.was_killed()) return;
    ++consumer_deaths_;
    start_consumer();
  }

  void add_up() {
    std::uint64_t delivered = 0;
    for (std::uint64_t i = 0; i < book_->lives; ++i) {
      const auto& one = book_->of[i];
      ASSERT_GE(one.delivered, one.committed) << "messages of incarnation " << i << " were lost";
      ASSERT_LE(one.delivered, one.begun) << "incarnation " << i << " never sent so many";
      delivered += one.delivered;
    }
    place_.add_up(
        toll{delivered, book_->read, book_->deaths_in_claims, producer_deaths_, consumer_deaths_});
    std::printf(
        "%llu messages, %llu of them again; deaths: %llu producers (%llu in claims), "
        "%llu consumers\n",
        static_cast<unsigned long long>(book_->read),
        static_cast<unsigned long long>(book_->repeated),
        static_cast<unsigned long long>(producer_deaths_),
        static_cast<unsigned long long>(book_->deaths_in_claims),
        static_cast<unsigned long long>(consumer_deaths_));
    EXPECT_GT(delivered, enough) << "too little happened to show anything";
  }

  static constexpr std::uint64_t enough = is_sanitized ? 0 : 1000;  // messages, to show anything
  const std::uint64_t seed_ = seed();
  plan plan_;
  Place& place_;
  shared<ledger> book_;
  dice dice_;
  child consumer_;
  std::array<child, max_lanes> producers_;
  std::uint64_t producer_deaths_ = 0;
  std::uint64_t consumer_deaths_ = 0;
};

}  // namespace annulus::processes
