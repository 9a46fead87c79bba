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
//                                     ended
//
// What its processes share, where the parent may watch it (is_watched):
//
//     watched()                       those bytes, mapped here
//     note_standing(ledger, life)     what a dead producer committed and could not write down
#pragma once

#include "tracing.hpp"
#include "working.hpp"
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>

namespace annulus::processes {

// What happened in all.
struct toll {
  std::uint64_t delivered, read, repeated, deaths_in_claims, producer_deaths, consumer_deaths;
  std::uint64_t hits;  // deaths at a chosen instruction
};

template <class Place>
concept has_middle = requires(Place place, dice& luck) {
  place.strike(luck);
  place.mend();
  { place.has_passed_all() } -> std::same_as<bool>;
};

template <class Place>
concept is_watched = requires(Place place, ledger& book) {
  { place.watched() } -> std::convertible_to<std::span<const std::byte>>;
  place.note_standing(book, std::uint64_t{0});
};

// The parent: starts, kills, stops and replaces, and in the end adds up. What it does, and when, is
// a schedule that follows from the seed alone.
template <class Place, class Reading = reading<Place>>
class killing {
 public:
  killing(const plan& p, Place& place, std::uint64_t seeded = seed())
      : seed_(seeded), plan_(p), place_(place), dice_(seed_) {
    book_->max_message = place.max_message();
    signal(SIGUSR1, SIG_IGN);  // also to a child that is not yet ready for it
  }

  // All of it.
  void run(std::chrono::nanoseconds span) {
    ::testing::Test::RecordProperty("seed", std::to_string(seed_));
    std::printf("replay with ANNULUS_SEED=%llu\n", static_cast<unsigned long long>(seed_));
    start();
    const auto until = within(span), at_the_latest = within(span + patience);
    const auto goes_on = [&] {
      const auto now = std::chrono::steady_clock::now();
      return now < until || (book_->read <= enough + book_->repeated && now < at_the_latest);
    };
    while (is_fine() && goes_on()) step();
    if (is_fine()) finish();
    if (is_fine()) add_up();
    const auto all = so_far();
    std::printf(
        "%llu messages, %llu of them again; deaths: %llu producers (%llu in claims), "
        "%llu consumers\n",
        static_cast<unsigned long long>(all.read), static_cast<unsigned long long>(all.repeated),
        static_cast<unsigned long long>(all.producer_deaths),
        static_cast<unsigned long long>(all.deaths_in_claims),
        static_cast<unsigned long long>(all.consumer_deaths));
    if (is_fine()) {
      EXPECT_GT(all.delivered, enough) << "too little happened to show anything";
    }
  }

  // Its parts, for a test that runs several at once: start, steps, then finish and add_up.
  void start() {
    start_consumer();
    if constexpr (has_middle<Place>) place_.mend();
    for (std::uint64_t lane = 0; lane < plan_.lanes; ++lane) start_producer(lane);
  }
  void step() {
    child::nap(std::chrono::microseconds(dice_.below(dice_.once_in(8) ? 15'000 : 1'500)));
    strike();
    replace_the_dead();
  }
  // Until everyone has attached. A place that tells: has_come(lane, pid), the consumer's max_lanes.
  void await_all() {
    const auto until = within(patience);
    const auto have_come = [&] {
      bool have = place_.has_come(max_lanes, consumer_.pid());
      for (std::uint64_t lane = 0; lane < plan_.lanes; ++lane) {
        have = have && place_.has_come(plan_.first_lane + lane, producers_[lane].pid());
      }
      return have;
    };
    while (is_fine() && !have_come()) {
      replace_the_dead();
      child::nap(1ms);
      ASSERT_LT(std::chrono::steady_clock::now(), until) << "a role does not come";
    }
  }

  // Producers end first, then a consumer reads what is left.
  void finish() {
    book_->is_stopping = true;
    const auto until = within(patience);
    const auto are_gone = [&] {
      return std::all_of(producers_.begin(), producers_.begin() + static_cast<long>(plan_.lanes),
                         [](child& one) { return one.is_gone(); });
    };
    while (is_fine() && !are_gone() && std::chrono::steady_clock::now() < until) {
      child::nap(10ms);
      if constexpr (has_middle<Place>) place_.mend();
      replace_consumer();
    }
    if (!is_fine()) return;
    ASSERT_TRUE(are_gone()) << "a producer hangs";
    for (std::uint64_t lane = 0; lane < plan_.lanes; ++lane) {
      producer_deaths_ += bury(producers_[lane], "producer");
    }
    if constexpr (has_middle<Place>) {
      while (is_fine() && !place_.has_passed_all() && std::chrono::steady_clock::now() < until) {
        child::nap(5ms);
        replace_consumer();
      }
      ASSERT_TRUE(place_.has_passed_all()) << "not everything was passed on";
    }
    book_->is_over = true;
    while (is_fine() && consumer_.await_end(until) && !has_all()) replace_consumer();
    EXPECT_TRUE(consumer_.is_content(until)) << "consumer " << consumer_.fate();
  }

  void add_up() {
    for (std::uint64_t i = 0; i < book_->lives; ++i) {
      const auto& one = book_->of[i];
      ASSERT_GE(one.delivered, one.committed) << "messages of incarnation " << i << " were lost";
      ASSERT_LE(one.delivered, one.begun) << "incarnation " << i << " never sent so many";
    }
    place_.add_up(so_far());
  }

  [[nodiscard]] toll so_far() const {
    std::uint64_t delivered = 0;
    for (std::uint64_t i = 0; i < book_->lives; ++i) delivered += book_->of[i].delivered;
    return {
        delivered,        book_->read, book_->repeated, book_->deaths_in_claims, producer_deaths_,
        consumer_deaths_, hits_};
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
    lives_[lane] = incarnation;
    producers_[lane] =
        child([&] { pushing<Place>(*book_, place_, incarnation, plan_, seed_).run(); });
  }
  void start_consumer() {
    const std::uint64_t luck = mixed(seed_ ^ ++consumers_);
    consumer_ = child([&] { Reading(*book_, place_, plan_, luck).run(); });
  }

  void strike() {
    if constexpr (has_middle<Place>) {
      if (dice_.once_in(3)) return place_.strike(dice_);
    }
    const auto lane = dice_.below(plan_.lanes);
    if constexpr (is_watched<Place>) {
      if (plan_.aims && dice_.once_in(2)) return aim_at(lane);
    }
    if (plan_.interrupts && dice_.once_in(4)) {
      return (dice_.once_in(2) ? consumer_ : producers_[lane]).signal(SIGUSR1);
    }
    switch (dice_.below(16)) {
      case 0: end_all(); break;
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
  void end_all() {
    if (plan_.consumers_die) consumer_.signal(SIGKILL);
    for (auto& one : producers_) {
      if (plan_.producers_die) one.signal(SIGKILL);
    }
    if (plan_.consumers_die) consumer_.end();
    for (auto& one : producers_) {
      if (plan_.producers_die) one.end();
    }
  }
  // Most shots fall just behind a change, the others up to a hundred instructions later. Where a
  // producer is shot, the consumer sometimes stands still until another has come.
  void aim_at(std::uint64_t lane) {
    const bool is_consumer = dice_.once_in(3);
    const aim at{1 + dice_.below(12), dice_.once_in(4) ? dice_.below(100) : 0};
    const std::size_t from = dice_.below(4) * 4096;  // often behind the words that change most
    const bool stands_still = !is_consumer && dice_.once_in(2);
    const std::chrono::microseconds longer(dice_.below(4'000));
    child& one = is_consumer ? consumer_ : producers_[lane];
    if (!(is_consumer ? plan_.consumers_die : plan_.producers_die) || one.is_gone()) return;
    if (stands_still) consumer_.signal(SIGSTOP);
    const auto watched = place_.watched();
    if (shoot(one, watched.subspan(std::min(from, watched.size() / 2)), at, within(100ms))) {
      ++hits_;
      if (!is_consumer) place_.note_standing(*book_, lives_[lane]);
    }
    if (!stands_still) return;
    replace_the_dead();
    child::nap(longer);
    consumer_.signal(SIGCONT);
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
    replace_consumer();
    for (std::uint64_t lane = 0; lane < plan_.lanes; ++lane) {
      if (!producers_[lane].is_gone()) continue;
      producer_deaths_ += bury(producers_[lane], "producer");
      start_producer(lane);
    }
  }
  void replace_consumer() {
    if (!consumer_.is_gone()) return;
    consumer_deaths_ += bury(consumer_, "consumer");
    if (is_fine()) start_consumer();
  }
  std::uint64_t bury(child& one, const char* role) {
    EXPECT_FALSE(one.has_failed()) << role << " " << one.pid() << " " << one.fate();
    EXPECT_EQ(failed_processes->load(), failed_before_)
        << "a process failed, and was killed over it";
    return one.was_killed() ? 1 : 0;
  }
  // Whether the last consumer read to the end, and did not just close to come again.
  [[nodiscard]] bool has_all() {
    return !consumer_.was_killed() && (!plan_.restarts || book_->is_complete);
  }
  static bool is_fine() { return !::testing::Test::HasFailure(); }

  static constexpr std::uint64_t enough = is_sanitized ? 0 : 1000;  // messages, to show anything
  std::uint64_t seed_;
  plan plan_;
  Place& place_;
  shared<ledger> book_;
  dice dice_;
  child consumer_;
  std::array<child, max_lanes> producers_;
  std::array<std::uint64_t, max_lanes> lives_{};  // their incarnations
  std::uint64_t producer_deaths_ = 0;
  std::uint64_t consumer_deaths_ = 0;
  std::uint64_t consumers_ = 0;  // so far
  std::uint64_t hits_ = 0;
  const std::uint32_t failed_before_ = failed_processes->load();
};

}  // namespace annulus::processes
