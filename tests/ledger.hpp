// A record of what was sent and read, that survives whoever dies while keeping it.
//
// It lies in memory shared with every process of a test. A producer writes down what it is about to
// commit before, and what it has committed after; a death in between leaves it open whether the
// message was sent. The consumer writes down each message before it releases it. A replacement is
// held to the book of the dead: every outcome that a death allows is accepted, and nothing else.
//
//   committed      arrives
//   begun          may arrive: its producer died between its commit and its entry
//   otherwise      never arrives: aborted, refused, or its producer died inside the claim
//   twice          only what was read and not released when a consumer died, in the same order
//   order          per lane: a producer's messages in turn, all of them before its replacement's
//
// A message's size and bytes follow from its name (lane, incarnation, number) alone. One shorter
// than its name is anonymous: it is known by its place. Only lane 0 sends such, never as an
// incarnation's first message and never two in a row, so its place is never in doubt for longer
// than one message.
#pragma once

#include "processes.hpp"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <annulus/channel/concepts.hpp>

namespace annulus::processes {

inline constexpr std::uint64_t max_lanes = 8;
inline constexpr std::uint64_t max_incarnations = std::uint64_t{1} << 20;

// lane (4 bits) | incarnation (20) | number (40)
using name_of_message = std::uint64_t;
[[nodiscard]] constexpr name_of_message name_message(std::uint64_t lane, std::uint64_t incarnation,
                                                     std::uint64_t number) noexcept {
  return lane << 60 | incarnation << 40 | number;
}
[[nodiscard]] constexpr std::uint64_t lane_of(name_of_message m) noexcept { return m >> 60; }
[[nodiscard]] constexpr std::uint64_t incarnation_of(name_of_message m) noexcept {
  return m >> 40 & 0xfffff;
}
[[nodiscard]] constexpr std::uint64_t number_of(name_of_message m) noexcept {
  return m & 0xff'ffff'ffff;
}
[[nodiscard]] inline std::string to_string(name_of_message m) {
  return std::to_string(lane_of(m)) + "/" + std::to_string(incarnation_of(m)) + "/" +
         std::to_string(number_of(m));
}

[[nodiscard]] constexpr bool is_anonymous(name_of_message m) noexcept {
  return lane_of(m) == 0 && number_of(m) % 2 == 0 && mixed(m) % 8 == 0;
}

// Mostly small, sometimes as large as there may be.
[[nodiscard]] constexpr std::size_t size_of(name_of_message m, std::size_t max_message) noexcept {
  const std::uint64_t die = mixed(m + 1);
  if (is_anonymous(m)) return die % 8;
  const std::uint64_t kind = mixed(m + 2) % 128;
  if (kind == 0) return max_message - die % 9;
  if (kind < 4) return 8 + die % (max_message - 8);
  if (kind < 32) return 8 + die % 600;
  return 8 + die % 64;
}

inline void write_message(name_of_message m, std::span<std::byte> to) noexcept {
  std::uint64_t word = to.size() < sizeof m ? mixed(m) : m;
  while (!to.empty()) {
    const std::size_t count = std::min(to.size(), sizeof word);
    std::memcpy(to.data(), &word, count);
    to = to.subspan(count);
    word = mixed(word + m);
  }
}

[[nodiscard]] inline bool is_message(name_of_message m, message seen,
                                     std::size_t max_message) noexcept {
  if (seen.size() != size_of(m, max_message)) return false;
  std::uint64_t word = seen.size() < sizeof m ? mixed(m) : m;
  while (!seen.empty()) {
    const std::size_t count = std::min(seen.size(), sizeof word);
    if (std::memcmp(seen.data(), &word, count) != 0) return false;
    seen = seen.subspan(count);
    word = mixed(word + m);
  }
  return true;
}

// What may have been released when the consumer died.
enum class phase : std::uint32_t {
  reading,    // nothing since the last entry
  releasing,  // nothing, or all up to `until`
  draining,   // anything up to `until`
};

struct ledger {
  struct life {
    std::atomic<std::uint64_t> begun;      // by the producer, before its commit
    std::atomic<std::uint64_t> committed;  // by the producer, after its commit
    std::atomic<std::uint64_t> delivered;  // by the consumer
    std::uint64_t lane;                    // by the parent, before it starts
  };
  static constexpr std::uint64_t log_size = 4096;

  std::uint64_t max_message;
  std::atomic<std::uint64_t> lives;  // started so far
  life of[max_incarnations];

  // The consumer's: messages [first, last) were read and may come again, in this order.
  std::atomic<std::uint64_t> first, last, until;
  std::atomic<phase> now;
  std::atomic<name_of_message> log[log_size];
  std::atomic<std::uint64_t> latest[max_lanes];  // the incarnation last heard of, plus 1
  std::atomic<std::uint64_t> read;               // messages, repeated ones too
  std::atomic<std::uint64_t> repeated;

  std::atomic<std::uint64_t> deaths_in_claims;  // by a producer, before it kills itself in one
  std::atomic<bool> is_stopping;                // producers: end after this message
  std::atomic<bool> is_over;                    // consumer: no producer will come again
  std::atomic<bool> is_complete;                // by the consumer: it has read to the end
};

// The producer's side.
class sent {
 public:
  sent(ledger& book, std::uint64_t incarnation) noexcept
      : life_(&book.of[incarnation]), incarnation_(incarnation) {}

  [[nodiscard]] name_of_message next(std::uint64_t ahead = 0) const noexcept {
    return name_message(life_->lane, incarnation_, committed_ + 1 + ahead);
  }
  void begin(std::uint64_t count = 1) noexcept {
    life_->begun.store(committed_ + count, std::memory_order_release);
  }
  // After begin: so many were taken.
  void end(std::uint64_t count) noexcept {
    committed_ += count;
    life_->committed.store(committed_, std::memory_order_release);
    life_->begun.store(committed_, std::memory_order_release);
  }

 private:
  ledger::life* life_;
  std::uint64_t incarnation_;
  std::uint64_t committed_ = 0;
};

// The consumer's side.
class received {
 public:
  // Takes up the book of the one before.
  explicit received(ledger& book) : book_(book) {
    first_ = book_.first.load();
    last_ = book_.last.load();
    if (last_ > 0) note_delivery(entry(last_ - 1));  // its consumer may have died over it
    const std::uint64_t until = book_.until.load();
    switch (book_.now.load()) {
      case phase::reading: starts_ = {first_}; break;
      case phase::releasing:
        starts_ = {first_};
        if (until != first_) starts_.push_back(until);
        break;
      case phase::draining:
        for (std::uint64_t at = first_; at <= until; ++at) starts_.push_back(at);
        break;
    }
    settle();
  }

  // Whether it is certain where the one before stopped. Nothing may be released until it is.
  [[nodiscard]] bool is_settled() const noexcept { return starts_.empty(); }

  void see(message m) {
    book_.read.fetch_add(1, std::memory_order_relaxed);
    if (is_settled()) return accept(m);
    unsettled_.emplace_back(m.begin(), m.end());
    std::erase_if(starts_, [&](std::uint64_t start) { return !fits(start); });
    if (starts_.empty()) fail("no release explains what came after a consumer's death");
    settle();
  }

  void releasing() noexcept { enter(phase::releasing); }
  void draining() noexcept { enter(phase::draining); }
  void released() noexcept {
    first_ = at_;
    book_.first.store(first_, std::memory_order_release);
    book_.now.store(phase::reading, std::memory_order_release);
  }

  // No more will come.
  void finish() {
    for (const std::uint64_t start : starts_) {
      if (start + unsettled_.size() >= last_) return;
    }
    if (!is_settled() || at_ != last_) fail("a message that was read and not released is lost");
  }

 private:
  [[nodiscard]] name_of_message entry(std::uint64_t at) const noexcept {
    return book_.log[at % ledger::log_size].load(std::memory_order_acquire);
  }
  [[nodiscard]] bool is(name_of_message name, message m) const noexcept {
    return is_message(name, m, book_.max_message);
  }

  void enter(phase p) noexcept {
    book_.until.store(at_, std::memory_order_release);
    book_.now.store(p, std::memory_order_release);
  }

  // Once only one start is left, it was that.
  void settle() {
    if (starts_.size() != 1) return;
    at_ = first_ = starts_.front();
    starts_.clear();
    book_.first.store(first_, std::memory_order_release);
    book_.now.store(phase::reading, std::memory_order_release);
    for (const auto& m : std::exchange(unsettled_, {})) accept(m);
  }

  // Whether the pending messages are what comes, if the one before had released up to start.
  [[nodiscard]] bool fits(std::uint64_t start) const noexcept {
    std::uint64_t at = start;
    std::uint64_t anonymous = 0;
    for (const auto& m : unsettled_) {
      const name_of_message name = at < last_ ? entry(at) : next_name(m, anonymous);
      if (!is(name, m)) return false;
      if (at >= last_ && is_anonymous(name)) ++anonymous;
      ++at;
    }
    return true;
  }

  // What a message must be, if it was not read before, nor so many of lane 0 just before it.
  [[nodiscard]] name_of_message next_name(message m, std::uint64_t anonymous = 0) const noexcept {
    name_of_message name = 0;
    const std::uint64_t latest = book_.latest[0].load(std::memory_order_relaxed);
    if (m.size() >= sizeof name) {
      std::memcpy(&name, m.data(), sizeof name);
      if (lane_of(name) >= max_lanes) return name;
      const std::uint64_t incarnation = incarnation_of(name);
      auto number = book_.of[incarnation].delivered.load(std::memory_order_relaxed) + 1;
      if (lane_of(name) == 0 && incarnation + 1 == latest) number += anonymous;
      return name_message(lane_of(name), incarnation, number);
    }
    if (latest == 0) return 0;
    return name_message(0, latest - 1, book_.of[latest - 1].delivered.load() + 1);
  }

  void accept(message m) {
    if (at_ < last_) {
      if (!is(entry(at_), m)) {
        fail("message " + to_string(entry(at_)) +
             " was read and not released; another came: " + describe(m));
      }
      book_.repeated.fetch_add(1, std::memory_order_relaxed);
    } else {
      append(judge(m));
    }
    ++at_;
    if (book_.now.load(std::memory_order_relaxed) == phase::draining) {
      book_.until.store(at_, std::memory_order_release);
    }
  }

  // The name of a message that was never read before.
  name_of_message judge(message m) {
    const name_of_message name = next_name(m);
    const auto incarnation = incarnation_of(name);
    auto& life = book_.of[incarnation];
    if (!is(name, m) || incarnation >= book_.lives.load() || life.lane != lane_of(name)) {
      fail("expected " + to_string(name) + ", got " + describe(m));
    }
    if (number_of(name) > life.begun.load(std::memory_order_acquire)) {
      fail("message " + to_string(name) + " was never committed");
    }
    auto& latest = book_.latest[lane_of(name)];
    const std::uint64_t before = latest.load(std::memory_order_relaxed);
    if (incarnation + 1 < before) fail(to_string(name) + " came after its replacement's");
    if (incarnation + 1 > before && before != 0) {
      for (std::uint64_t i = before - 1; i < incarnation; ++i) {
        auto& dead = book_.of[i];
        if (dead.lane == lane_of(name) && dead.delivered.load() < dead.committed.load()) {
          fail("messages of the dead " + std::to_string(i) + " were lost");
        }
      }
    }
    return name;
  }

  void append(name_of_message name) {
    require(last_ - first_ < ledger::log_size, "the log is full");
    book_.log[last_ % ledger::log_size].store(name, std::memory_order_release);
    book_.last.store(++last_, std::memory_order_release);
    note_delivery(name);
  }
  void note_delivery(name_of_message name) noexcept {
    auto& delivered = book_.of[incarnation_of(name)].delivered;
    if (delivered.load(std::memory_order_relaxed) < number_of(name)) {
      delivered.store(number_of(name), std::memory_order_release);
    }
    auto& latest = book_.latest[lane_of(name)];
    if (latest.load(std::memory_order_relaxed) < incarnation_of(name) + 1) {
      latest.store(incarnation_of(name) + 1, std::memory_order_release);
    }
  }

  static std::string describe(message m) {
    if (m.size() < sizeof(name_of_message)) return std::to_string(m.size()) + " bytes";
    name_of_message name;
    std::memcpy(&name, m.data(), sizeof name);
    return to_string(name) + " of " + std::to_string(m.size()) + " bytes";
  }

  ledger& book_;
  std::uint64_t first_ = 0;
  std::uint64_t last_ = 0;
  std::uint64_t at_ = 0;               // the place of the next message
  std::vector<std::uint64_t> starts_;  // where the one before may have stopped; empty: it is known
  std::vector<std::vector<std::byte>> unsettled_;
};

}  // namespace annulus::processes
