// Statistics that a role keeps of itself, for others to read at any time.
//
// A role writes only its own counters, so counting is a plain add and a relaxed store to a line
// that nobody else writes. What every message adds to is kept in the role too, so that it need not
// be loaded back from the shared line. `uncounted` costs nothing and counts nothing; the bench
// compares the two.
#pragma once

#include <atomic>
#include <cstdint>

#include <annulus/ring/edges.hpp>
#include <annulus/ring/layout.hpp>

namespace annulus {

template <class Atomics>
class counted {
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

template <class Atomics>
class uncounted {
 public:
  explicit uncounted(counter_words<Atomics>&) noexcept {}
  void messages(std::uint64_t, std::uint64_t) noexcept {}
  void refused() noexcept {}
  void dropped() noexcept {}
  void waited() noexcept {}
  void recovered() noexcept {}
  void corrupt() noexcept {}
  void depth(std::uint64_t) noexcept {}
};

}  // namespace annulus
