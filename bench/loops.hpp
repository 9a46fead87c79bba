// The sides of every measurement, over any channel. A channel is a class:
//
//     Channel(const shape&)          opens it, before the sides part; throws if it cannot
//     producer()                     in its side: an end with
//         send(bytes, fill, wait)    fill(to) writes the message, in place where the system has a
//                                    place; polls by wait.again(), or waits, until there is room
//         send_all(messages, wait)   in as few system calls as the system has
//     consumer()                     in its side: an end with
//         receive(f, limit)          f(message) up to `limit` times; returns how many. An end that
//                                    polls returns 0 when there is none, another one waits
//     memory_bytes()                 what it holds; 0: cannot be told
//
// `bytes` is a std::size_t, or a constant where the system is given the size at compile time.
#pragma once

#include "bench/line.hpp"
#include "bench/system.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

#include <annulus/channel/concepts.hpp>

namespace annulus::bench {

inline void require(status s) {
  if (s == status::ok) return;
  throw std::runtime_error("a role answered: " + std::string(to_string(s)));
}

// Returns when all sides have their ends and `start` is known.
inline void begin_together(const load& how, stage& on, bool is_first_producer) {
  on.ready.pass(how.sides());
  if (is_first_producer) on.start = clock::now() + std::chrono::milliseconds(1);
  on.go.pass(how.sides());
}

template <class Size>
[[nodiscard]] Size size_from(std::size_t bytes) {
  if constexpr (is_constant<Size>) {
    return {};
  } else {
    return bytes;
  }
}

template <class Channel, class Size = std::size_t>
class link_of final : public link {
 public:
  // `more` goes to the channel, behind the shape.
  template <class... More>
  explicit link_of(const shape& of, const More&... more)
      : channel_(of, more...), bytes_(size_from<Size>(of.bytes)) {}

  void produce(const load& how, stage& on, unsigned number) override {
    auto tx = channel_.producer();
    const script text(how.salt, number);
    poll wait(how.is_crowded);
    begin_together(how, on, number == 0);
    if (how.pace != pace::flood) return follow(tx, text, how, on, wait);
    stretch* const report = number == 0 ? &on.producer : nullptr;
    if (how.batch == 1) {
      flood(how, on, report, [&](std::uint64_t n) {
        tx.send(
            bytes_, [&](std::byte* to) { text.write(to, bytes_, n); }, wait);
      });
    } else {
      sheaf many(how.batch, bytes_);
      flood(how, on, report, [&](std::uint64_t n) {
        for (std::size_t i = 0; i < many.size(); ++i) text.write(many[i], bytes_, n + i);
        tx.send_all(many.all(), wait);
      });
    }
  }

  void consume(const load& how, stage& on, std::span<std::uint64_t> latencies) override {
    auto rx = channel_.consumer();
    order_check<Size> check(how.salt, bytes_, how.producers);
    poll wait(how.is_crowded);
    begin_together(how, on, false);
    if (how.pace == pace::flood) {
      take_flood(how, on, check, [&] {
        if (rx.receive([&](message m) { check(m); }, how.limit) == 0) wait.again();
      });
    } else {
      const schedule when(on.start, how.rate, how.burst);
      const auto note = [&](message m) {
        const auto n = check(m);
        if (n < latencies.size()) latencies[n] = when.latency(n, clock::now());
      };
      on.consumer.begin(how);
      for (const auto count = how.count(); check.seen() < count;) {
        if (rx.receive(note, how.limit) == 0) wait.again();
      }
      on.consumer.end(how);
      on.consumer.messages = check.seen();
    }
    on.consumer.wrong = check.wrong();
  }

  trips ask(link& back, const load& how, stage& on, std::span<std::uint64_t> each) override {
    auto tx = channel_.producer();
    auto rx = static_cast<link_of&>(back).channel_.consumer();
    order_check<Size> check(how.salt, bytes_);
    const script text(how.salt);
    poll wait(how.is_crowded);
    begin_together(how, on, true);
    std::uint64_t n = 0;
    const auto trip = [&] {
      tx.send(
          bytes_, [&](std::byte* to) { text.write(to, bytes_, n); }, wait);
      ++n;
      take_one(rx, check, wait);
    };
    const trips seen = time_trips(how.span, each, trip);
    on.end.announce(n + 1);
    trip();
    on.producer.wrong = check.wrong();
    return seen;
  }

  void answer(link& back, const load& how, stage& on) override {
    auto rx = channel_.consumer();
    auto tx = static_cast<link_of&>(back).channel_.producer();
    order_check<Size> check(how.salt, bytes_);
    const script text(how.salt);
    poll wait(how.is_crowded);
    begin_together(how, on, false);
    do {
      take_one(rx, check, wait);
      const auto n = check.seen() - 1;
      tx.send(
          bytes_, [&](std::byte* to) { text.write(to, bytes_, n); }, wait);
    } while (!on.end.is_reached(check.seen(), 1));
    on.consumer.wrong = check.wrong();
  }

  void produce_traced(const load& how, stage& on, std::span<trace> traces) override {
    if constexpr (requires { channel_.producer().role; }) {
      auto tx = channel_.producer();
      const script text(how.salt);
      begin_together(how, on, true);
      const schedule when(on.start, how.rate);
      send_on_time(
          when, traces.size(), [&](clock::time_point due) { poll_until(due, how.is_crowded); },
          [&](std::uint64_t n) {
            auto& at = traces[n].producer;
            at[0] = clock::now();
            auto claim = tx.role.claim(bytes_, no_deadline);
            require(claim.status());
            at[1] = clock::now();
            text.write(claim.bytes().data(), bytes_, n);
            at[2] = clock::now();
            claim.commit();
            at[3] = clock::now();
          });
    }
  }

  void consume_traced(const load& how, stage& on, std::span<trace> traces) override {
    if constexpr (requires { channel_.consumer().role; }) {
      auto rx = channel_.consumer();
      order_check<Size> check(how.salt, bytes_);
      begin_together(how, on, false);
      for (auto& one : traces) {
        const view seen = rx.role.read(no_deadline);
        require(seen.status());
        one.consumer[0] = clock::now();
        check(seen.bytes());
        one.consumer[1] = clock::now();
        rx.role.release();
        one.consumer[2] = clock::now();
      }
      on.consumer.wrong = check.wrong();
    }
  }

  [[nodiscard]] std::uint64_t memory_bytes() const override {
    if constexpr (requires { channel_.memory_bytes(); }) return channel_.memory_bytes();
    return link::memory_bytes();
  }

 private:
  // `send(n)` sends the next batch, whose first message is the n-th.
  template <class Send>
  static void flood(const load& how, stage& on, stretch* report, Send send) {
    if (report != nullptr) report->begin(how);
    std::uint64_t n = 0;
    for (bool is_last = false; !is_last; n += how.batch) {
      // Asks only now and then, so that it costs nothing.
      if (n % 64 < how.batch && on.end.is_asked()) {
        is_last = true;
        on.end.announce(n + how.batch);
      }
      send(n);
    }
    if (report == nullptr) return;
    on.last = n - 1;
    report->messages = n;
    report->end(how);
  }

  // Measures after a fifth of the span, which warms pages, caches and branch predictors. A counted
  // run reports all of its messages.
  template <class Take>
  static void take_flood(const load& how, stage& on, const order_check<Size>& check, Take take) {
    std::uint64_t before = 0;
    on.consumer.begin(how);
    if (!how.is_counted) {
      repeat_for(how.span / 5, take);
      before = check.seen();
      on.consumer.begin(how);
    }
    repeat_for(how.span, take);
    on.end.ask();
    const auto report = [&] {
      on.consumer.end(how);
      on.consumer.messages = check.seen() - before;
    };
    if (!how.is_counted) report();
    while (!on.end.is_reached(check.seen(), how.producers)) take();
    if (how.is_counted) report();
  }

  template <class Producer>
  void follow(Producer& tx, const script& text, const load& how, stage& on, poll& wait) {
    const schedule when(on.start, how.rate, how.burst);
    const bool sleeps = how.pace == pace::asleep;
    if (sleeps) sleep_exactly();
    std::chrono::duration<double> in_calls{};
    on.producer.begin(how);
    on.last = how.count() - 1;
    send_on_time(
        when, how.count(),
        [&](clock::time_point due) { sleeps ? sleep_until(due) : poll_until(due, how.is_crowded); },
        [&](std::uint64_t n) {
          const auto before = sleeps ? clock::now() : clock::time_point();
          tx.send(
              bytes_, [&](std::byte* to) { text.write(to, bytes_, n); }, wait);
          if (sleeps) in_calls += clock::now() - before;
        });
    on.producer.end(how);
    on.producer.in_calls = in_calls.count();
    on.producer.messages = how.count();
  }

  template <class Consumer>
  static void take_one(Consumer& rx, order_check<Size>& check, poll& wait) {
    while (rx.receive([&](message m) { check(m); }, 1) == 0) wait.again();
  }

  Channel channel_;
  [[no_unique_address]] Size bytes_;
};

}  // namespace annulus::bench
