// The two sides of a measurement, over any channel. A channel is a class:
//
//     Channel(const shape&)          opens it, before the processes part; throws why it cannot be
//     producer()                     in its process: an end with
//         send(bytes, fill)          waits for room; fill(span) writes the message, in place where
//                                    the transport has a place
//         send_all(messages)         waits for room; in as few system calls as the transport has
//     consumer()                     in its process: an end with
//         receive(f, limit)          waits for a message; f(message) up to `limit` times; how many
//     memory_bytes()                 what it holds; 0: cannot be told
#pragma once

#include "compare/link.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <annulus/channel/concepts.hpp>

namespace annulus::compare {

// A batch of messages, all of one size, to be written anew each time.
class sheaf {
 public:
  sheaf(std::size_t count, std::size_t bytes) : bytes_(count * bytes) {
    for (std::size_t i = 0; i < count; ++i) {
      messages_.push_back(message(bytes_).subspan(i * bytes, bytes));
    }
  }
  [[nodiscard]] std::size_t size() const noexcept { return messages_.size(); }
  [[nodiscard]] std::span<std::byte> operator[](std::size_t i) noexcept {
    return std::span(bytes_).subspan(i * messages_[i].size(), messages_[i].size());
  }
  [[nodiscard]] messages all() const noexcept { return messages_; }

 private:
  std::vector<std::byte> bytes_;
  std::vector<message> messages_;
};

// Holds each message to be whole and the next one, and knows the last by its mark.
class order_check {
 public:
  explicit order_check(const load& how) noexcept : text_(how.salt), bytes_(how.bytes) {}

  // Its number.
  std::uint64_t operator()(message seen) noexcept {
    const std::uint64_t n = seen.size() == bytes_ ? text_.number(seen) : 0;
    is_over_ = (n & script::the_end) != 0;
    const bool is_next = seen.size() == bytes_ && (n & ~script::the_end) == next_;
    if (!is_next || !text_.is(seen, n)) ++wrong_;
    ++next_;
    return n & ~script::the_end;
  }
  [[nodiscard]] bool is_over() const noexcept { return is_over_; }
  [[nodiscard]] std::uint64_t seen() const noexcept { return next_; }
  [[nodiscard]] std::uint64_t wrong() const noexcept { return wrong_; }

 private:
  script text_;
  std::size_t bytes_;
  std::uint64_t next_ = 0;
  std::uint64_t wrong_ = 0;
  bool is_over_ = false;
};

inline void require(status s) {
  if (s == status::ok) return;
  throw std::runtime_error("a role answered: " + std::string(to_string(s)));
}

// Both sides have their ends; the producer's side says when the first message is due.
inline void begin_together(stage& on, bool is_producer) {
  on.ready.pass(2);
  if (is_producer) on.start = clock::now() + std::chrono::milliseconds(1);
  on.go.pass(2);
}

template <class Channel>
class link_of final : public link {
 public:
  explicit link_of(const shape& of) : channel_(of) {}
  static std::unique_ptr<link> open(const shape& of) { return std::make_unique<link_of>(of); }

  void produce(const load& how, stage& on) override {
    auto tx = channel_.producer();
    begin_together(on, true);
    if (how.pace == pace::flood) {
      flood(tx, how, on);
    } else {
      follow(tx, how, on);
    }
  }

  void consume(const load& how, stage& on, std::span<std::uint64_t> latencies) override {
    auto rx = channel_.consumer();
    order_check check(how);
    begin_together(on, false);
    const schedule when(on.start, how.rate);
    const auto take = [&] {
      rx.receive(
          [&](message m) {
            const auto n = check(m);
            if (n < latencies.size()) latencies[n] = when.latency(n, clock::now());
          },
          how.batch);
    };
    std::uint64_t before = 0;
    on.consumer.begin(how);
    if (how.pace == pace::flood && !how.is_counted) {
      const auto warm = clock::now() + how.span / 5;
      while (!check.is_over() && clock::now() < warm) {
        for (int i = 0; i < 64 && !check.is_over(); ++i) take();
      }
      if (!check.is_over()) {  // else it was held up so long that there is nothing but this
        before = check.seen();
        on.consumer.begin(how);
      }
    }
    while (!check.is_over()) take();
    on.consumer.end(how);
    on.consumer.messages = check.seen() - before;
    on.consumer.wrong = check.wrong();
  }

  void ask(link& back, const load& how, stage& on, std::span<std::uint64_t> trips) override {
    auto tx = channel_.producer();
    auto rx = static_cast<link_of&>(back).channel_.consumer();
    const script text(how.salt);
    order_check check(how);
    begin_together(on, true);
    const auto warm = clock::now() + how.span / 5;
    const auto until = clock::now() + how.span;
    std::size_t measured = 0;
    for (std::uint64_t n = 0; !check.is_over(); ++n) {
      const auto began = clock::now();
      const bool is_last = measured == trips.size() || began >= until;
      const auto number = n | (is_last ? script::the_end : 0);
      tx.send(how.bytes, [&](std::span<std::byte> to) { text.write(to, number); });
      rx.receive([&](message m) { check(m); }, 1);
      if (began >= warm && measured < trips.size()) {
        const auto took = clock::now() - began;
        trips[measured++] =
            static_cast<std::uint64_t>(std::chrono::duration_cast<nanoseconds>(took).count());
      }
    }
    on.producer.messages = measured;
    on.producer.wrong = check.wrong();
  }

  void answer(link& back, const load& how, stage& on) override {
    auto rx = channel_.consumer();
    auto tx = static_cast<link_of&>(back).channel_.producer();
    const script text(how.salt);
    order_check check(how);
    begin_together(on, false);
    while (!check.is_over()) {
      rx.receive([&](message m) { check(m); }, 1);
      const auto number = (check.seen() - 1) | (check.is_over() ? script::the_end : 0);
      tx.send(how.bytes, [&](std::span<std::byte> to) { text.write(to, number); });
    }
    on.consumer.wrong = check.wrong();
  }

  void produce_traced(const load& how, stage& on, std::span<trace> traces) override {
    if constexpr (requires { channel_.producer().role; }) {
      auto tx = channel_.producer();
      const script text(how.salt);
      begin_together(on, true);
      const schedule when(on.start, how.rate);
      send_on_time(
          when, traces.size(), [&](clock::time_point due) { poll_until(due, how.is_crowded); },
          [&](std::uint64_t n) {
            auto& at = traces[n].producer;
            at[0] = clock::now();
            auto claim = tx.role.claim(how.bytes, no_deadline);
            require(claim.status());
            at[1] = clock::now();
            text.write(claim.bytes(), n);
            at[2] = clock::now();
            claim.commit();
            at[3] = clock::now();
          });
    }
  }

  void consume_traced(const load& how, stage& on, std::span<trace> traces) override {
    if constexpr (requires { channel_.consumer().role; }) {
      auto rx = channel_.consumer();
      order_check check(how);
      begin_together(on, false);
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

  [[nodiscard]] std::uint64_t memory_bytes() const override { return channel_.memory_bytes(); }

 private:
  template <class Producer>
  static void flood(Producer& tx, const load& how, stage& on) {
    constexpr std::uint64_t messages_per_clock = 64;
    const script text(how.salt);
    sheaf many(how.batch, how.bytes);
    on.producer.begin(how);
    const auto until = clock::now() + how.span;
    bool is_last = false;
    for (std::uint64_t n = 0, checked = 0; !is_last;) {
      if (n - checked >= messages_per_clock) {
        checked = n;
        is_last = clock::now() >= until;
      }
      const auto number = [&](std::size_t i) {
        return (n + i) | (is_last && i + 1 == many.size() ? script::the_end : 0);
      };
      if (many.size() == 1) {
        tx.send(how.bytes, [&](std::span<std::byte> to) { text.write(to, number(0)); });
      } else {
        for (std::size_t i = 0; i < many.size(); ++i) text.write(many[i], number(i));
        tx.send_all(many.all());
      }
      n += many.size();
      on.producer.messages = n;
      on.last = (n - 1) | (is_last ? script::the_end : 0);
    }
    on.producer.end(how);
  }

  template <class Producer>
  static void follow(Producer& tx, const load& how, stage& on) {
    const script text(how.salt);
    const schedule when(on.start, how.rate);
    const std::uint64_t count = how.count();
    if (how.pace == pace::asleep) sleep_exactly();
    std::chrono::duration<double> in_calls{};
    on.producer.begin(how);
    send_on_time(
        when, count,
        [&](clock::time_point due) {
          how.pace == pace::asleep ? sleep_until(due) : poll_until(due, how.is_crowded);
        },
        [&](std::uint64_t n) {
          on.last = n | (n + 1 == count ? script::the_end : 0);
          const auto before = how.pace == pace::asleep ? clock::now() : clock::time_point();
          tx.send(how.bytes, [&](std::span<std::byte> to) { text.write(to, on.last); });
          if (how.pace == pace::asleep) in_calls += clock::now() - before;
        });
    on.producer.end(how);
    on.producer.in_calls = in_calls.count();
    on.producer.messages = count;
  }

  Channel channel_;
};

}  // namespace annulus::compare
