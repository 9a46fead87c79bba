// Statistics that a role keeps of itself, for others to read at any time.
//
// A role writes only its own counters, so counting is a plain add and a relaxed store to a line
// that nobody else writes. The two per-message counters are also kept in the role, so that the
// shared line is not reloaded. A ring of one producer has `tallied` in its place (ring/tally.hpp).
// `uncounted` counts nothing.
#pragma once

#include <atomic>
#include <cstdint>

#include <annulus/channel/report.hpp>

namespace annulus {

// Statistics of one role, written by it alone.
template <class Atomics>
struct counter_words {
  typename Atomics::template word<std::uint64_t> messages;
  typename Atomics::template word<std::uint64_t> bytes;
  typename Atomics::template word<std::uint64_t> refused;     // full, and the caller did not wait
  typename Atomics::template word<std::uint64_t> dropped;     // full, and the policy was to drop
  typename Atomics::template word<std::uint64_t> waits;       // times that it went to sleep
  typename Atomics::template word<std::uint64_t> recovered;   // messages that the dead left
  typename Atomics::template word<std::uint64_t> corrupt;     // stretches of damage skipped
  typename Atomics::template word<std::uint64_t> high_water;  // the deepest it saw, bytes
};

template <class Atomics>
class counted {
  using edge = typename Atomics::edge;
  using word = typename Atomics::template word<std::uint64_t>;

 public:
  explicit counted(counter_words<Atomics>& words) noexcept
      : words_(&words), messages_(value(words.messages)), bytes_(value(words.bytes)) {}

  void messages(std::uint64_t count, std::uint64_t bytes) noexcept {
    set(words_->messages, messages_ += count);
    set(words_->bytes, bytes_ += bytes);
  }
  void refused() noexcept { add(words_->refused); }
  void dropped() noexcept { add(words_->dropped); }
  void waited() noexcept { add(words_->waits); }
  void recovered() noexcept { add(words_->recovered); }
  void corrupt() noexcept { add(words_->corrupt); }

  void depth(std::uint64_t bytes) noexcept {
    if (bytes > value(words_->high_water)) set(words_->high_water, bytes);
  }

 private:
  static std::uint64_t value(const word& w) noexcept {
    // [own] relaxed: only this role, or the one before it, writes its counters.
    return w.template load<edge::own>(std::memory_order_relaxed);
  }
  static void set(word& w, std::uint64_t to) noexcept {
    // [own] relaxed: a statistic orders nothing.
    w.template store<edge::own>(to, std::memory_order_relaxed);
  }
  static void add(word& w) noexcept { set(w, value(w) + 1); }

  counter_words<Atomics>* words_;
  std::uint64_t messages_;
  std::uint64_t bytes_;
};

// Counts nothing. It only knows how long the last message was, as a push asks.
template <class Atomics>
class uncounted {
 public:
  explicit uncounted(counter_words<Atomics>&) noexcept {}
  void messages(std::uint64_t, std::uint64_t) noexcept {}
  void begin_at(std::uint64_t, std::uint64_t) noexcept {}
  [[nodiscard]] bool is_as_last(std::uint64_t bytes) const noexcept { return bytes == last_; }
  void message(std::uint64_t, std::uint64_t, std::uint64_t bytes) noexcept { last_ = bytes; }
  void pass(std::uint64_t, std::uint64_t) noexcept {}
  void messages_now(std::uint64_t, std::uint64_t) noexcept {}
  void publish(std::uint64_t) noexcept {}
  [[nodiscard]] std::uint64_t counted_to(std::uint64_t to) const noexcept { return to; }
  void refused() noexcept {}
  void dropped() noexcept {}
  void waited() noexcept {}
  void recovered() noexcept {}
  void corrupt() noexcept {}
  void depth(std::uint64_t) noexcept {}

 private:
  std::uint64_t last_ = 0;
};

template <class Atomics>
[[nodiscard]] counters_report report_of(const counter_words<Atomics>& words) noexcept {
  const auto seen = [](const auto& word) {
    // [hint] relaxed: a report is no atomic snapshot.
    return word.template load<Atomics::edge::hint>(std::memory_order_relaxed);
  };
  return {seen(words.messages), seen(words.bytes),     seen(words.refused), seen(words.dropped),
          seen(words.waits),    seen(words.recovered), seen(words.corrupt), seen(words.high_water)};
}

}  // namespace annulus
