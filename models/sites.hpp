// The sites of the algorithm: each access that it makes, where it stands, what befell it.
//
// A site can be weakened for a run, so that every order of the source is tried without another
// build; and every site is a place where a thread may die.
#pragma once

#include "checker.hpp"
#include <setjmp.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

namespace annulus::models {
inline unsigned mutant = 0;  // the logic mutant that this run chose: mutants.py
}

#include "names.hpp"

namespace annulus::models {

enum class access { load, store, compare_exchange, exchange, fetch_add, fence, bytes, system };

constexpr const char* name_of(access a) {
  constexpr const char* names[] = {
      "load", "store", "compare_exchange", "exchange", "fetch_add", "fence", "bytes", "system"};
  return names[static_cast<unsigned>(a)];
}
constexpr rl::memory_order in_checker(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed: return rl::mo_relaxed;
    case std::memory_order_acquire: return rl::mo_acquire;
    case std::memory_order_release: return rl::mo_release;
    case std::memory_order_acq_rel: return rl::mo_acq_rel;
    default: return rl::mo_seq_cst;
  }
}

// Where in the source an access stands.
struct place {
  const char* file;
  unsigned line;
  const char* function;

  [[nodiscard]] rl::debug_info in_checker() const { return {function, file, line}; }
};

struct site {
  place at{};
  edge of{};
  access how{};
  std::memory_order written{};  // in the source
  std::memory_order order{};    // in this run
  bool is_removed = false;      // a fence that this run does without
  std::uint64_t executed = 0;
  std::uint64_t stale = 0;   // loads that did not see the newest value
  std::uint64_t failed = 0;  // compare-and-exchanges that did
  std::uint64_t deaths = 0;
};

// What a run weakens: the site in FILE at LINE.
struct weakening {
  const char* file = nullptr;
  unsigned line = 0;
  std::memory_order to{};
  std::uint64_t met = 0;
};
inline weakening weakened;

class site_list {
 public:
  site& find(place at, edge of, access how, std::memory_order order) {
    std::size_t slot = (at.line * 31u + static_cast<unsigned>(how)) % size;
    for (;; slot = (slot + 1) % size) {
      site& one = all_[slot];
      if (one.at.file == nullptr) return add(one, at, of, how, order);
      if (one.at.line == at.line && one.how == how && one.of == of && one.at.file == at.file) {
        return one;
      }
    }
  }

  // One line each: what the runner reads.
  void write(std::FILE* to) const {
    for (const site& one : all_) {
      if (one.at.file == nullptr) continue;
      std::fprintf(
          to, "%s %u %s %s %s %s %llu %llu %llu %llu\n", file_of(one), one.at.line, one.at.function,
          name_of(one.of), name_of(one.how), name_of(one.written),
          static_cast<unsigned long long>(one.executed), static_cast<unsigned long long>(one.stale),
          static_cast<unsigned long long>(one.failed), static_cast<unsigned long long>(one.deaths));
    }
  }

 private:
  static constexpr std::size_t size = 1024;

  static const char* file_of(const site& one) {
    const char* slash = std::strrchr(one.at.file, '/');
    return slash != nullptr ? slash + 1 : one.at.file;
  }
  static site& add(site& one, place at, edge of, access how, std::memory_order order) {
    one.at = at;
    one.of = of;
    one.how = how;
    one.written = one.order = order;
    if (weakened.file != nullptr && weakened.line == at.line &&
        std::strcmp(weakened.file, file_of(one)) == 0) {
      one.order = weakened.to;
      one.is_removed = how == access::fence;
      ++weakened.met;
    }
    return one;
  }

  site all_[size];
};
inline site_list sites;

// A thread's life: it may end at any access, as SIGKILL ends a process. Nothing is unwound and no
// destructor runs; what was stored stays.
struct life {
  jmp_buf end;
  unsigned left = 0;    // accesses until death; 0: it does not die
  unsigned deaths = 0;  // of this thread in this execution
};
constexpr unsigned max_threads = 8;
inline life lives[max_threads];
inline std::uint64_t deaths_in_all = 0;

inline life& own_life() { return lives[rl::thread_index()]; }

// Every access goes through here, before it takes effect.
inline site& pass(place at, edge of, access how, std::memory_order order) {
  site& one = sites.find(at, of, how, order);
  ++one.executed;
  life& mine = own_life();
  if (mine.left > 0 && --mine.left == 0) {
    ++one.deaths;
    ++mine.deaths;
    ++deaths_in_all;
    _longjmp(mine.end, 1);
  }
  return one;
}

// Runs a body that dies at its access number `after` (0: it lives). Whether it lived.
template <class Body>
[[gnu::noinline]] bool lived(unsigned after, Body&& body) {
  life& mine = own_life();
  if (_setjmp(mine.end) != 0) return false;
  mine.left = after;
  body();
  mine.left = 0;
  return true;
}

// The seam's home. Nobody forks here: whatever is somebody's is ours.
class home {
 public:
  home() = default;
  [[nodiscard]] static home here() noexcept {
    home made;
    made.is_ours_ = true;
    return made;
  }
  [[nodiscard]] bool is_here() const noexcept { return is_ours_; }
  bool leave() noexcept { return std::exchange(is_ours_, false); }

 private:
  bool is_ours_ = false;
};

}  // namespace annulus::models
