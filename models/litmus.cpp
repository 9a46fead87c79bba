// The checker's own test: what C++20 allows must be seen, what it forbids must not, and what the
// checker is known not to show is written down. And a canary: a race that it must report.
#include "checker.hpp"

namespace {

bool seen;

struct shared {
  shared() : x(0), y(0) {}
  rl::atomic<int> x, y;
  int r[4] = {-1, -1, -1, -1};
};
int load(rl::atomic<int>& from, rl::memory_order order) { return from.load(order, $); }
void store(rl::atomic<int>& to, int value, rl::memory_order order) { to.store(value, order, $); }
constexpr auto relaxed = rl::mo_relaxed, acquire = rl::mo_acquire, release = rl::mo_release;

template <rl::memory_order Store, rl::memory_order Load, bool Fenced = false>
struct store_buffering : rl::test_suite<store_buffering<Store, Load, Fenced>, 2>, shared {
  void thread(unsigned i) {
    store(i == 0 ? x : y, 1, Store);
    if (Fenced) rl::atomic_thread_fence(rl::mo_seq_cst, $);
    r[i] = load(i == 0 ? y : x, Load);
  }
  void after() { seen |= r[0] == 0 && r[1] == 0; }
};

// membarrier: one side pays for both.
struct store_buffering_membarrier : rl::test_suite<store_buffering_membarrier, 2>, shared {
  void thread(unsigned i) {
    store(i == 0 ? x : y, 1, relaxed);
    if (i == 0) rl::systemwide_fence($);
    r[i] = load(i == 0 ? y : x, relaxed);
  }
  void after() { seen |= r[0] == 0 && r[1] == 0; }
};

template <rl::memory_order Store, rl::memory_order Load>
struct message_passing : rl::test_suite<message_passing<Store, Load>, 2>, shared {
  void thread(unsigned i) {
    if (i == 0) {
      store(x, 1, relaxed);
      store(y, 1, Store);
    } else if (load(y, Load) == 1) {
      r[0] = load(x, relaxed);
    }
  }
  void after() { seen |= r[0] == 0; }
};

struct independent_reads : rl::test_suite<independent_reads, 4>, shared {
  void thread(unsigned i) {
    if (i < 2) return store(i == 0 ? x : y, 1, release);
    r[i * 2 - 4] = load(i == 2 ? x : y, acquire);
    r[i * 2 - 3] = load(i == 2 ? y : x, acquire);
  }
  void after() { seen |= r[0] == 1 && r[1] == 0 && r[2] == 1 && r[3] == 0; }
};

// A value that was overwritten so many times may still be read.
template <int Times>
struct stale : rl::test_suite<stale<Times>, 2>, shared {
  void thread(unsigned i) {
    if (i == 0) {
      for (int n = 1; n <= Times; ++n) store(x, n, relaxed);
      store(y, 1, relaxed);
    } else if (load(y, relaxed) == 1) {
      r[0] = load(x, relaxed);
    }
  }
  void after() { seen |= r[0] == 0; }
};

// Coherence: once a newer value was seen, an older one is not.
struct coherence : rl::test_suite<coherence, 2>, shared {
  void thread(unsigned i) {
    if (i == 0) {
      store(x, 1, relaxed);
      store(x, 2, relaxed);
    } else {
      r[0] = load(x, relaxed);
      r[1] = load(x, relaxed);
    }
  }
  void after() { seen |= r[1] < r[0]; }
};

// Since C++20 a relaxed store of the same thread ends a release sequence.
struct own_store_after_release : rl::test_suite<own_store_after_release, 2>, shared {
  void thread(unsigned i) {
    if (i == 0) {
      store(x, 1, relaxed);
      store(y, 1, release);
      store(y, 2, relaxed);
    } else if (load(y, acquire) == 2) {
      r[0] = load(x, relaxed);
    }
  }
  void after() { seen |= r[0] == 0; }
};

// A read-modify-write continues one.
struct exchange_after_release : rl::test_suite<exchange_after_release, 2>, shared {
  void thread(unsigned i) {
    if (i == 0) {
      store(x, 1, relaxed);
      store(y, 1, release);
      y.fetch_add(1, relaxed, $);
    } else if (load(y, acquire) == 2) {
      r[0] = load(x, relaxed);
    }
  }
  void after() { seen |= r[0] == 0; }
};

struct load_buffering : rl::test_suite<load_buffering, 2>, shared {
  void thread(unsigned i) {
    r[i] = load(i == 0 ? x : y, relaxed);
    store(i == 0 ? y : x, 1, relaxed);
  }
  void after() { seen |= r[0] == 1 && r[1] == 1; }
};

// Two threads that write two words in opposite orders, each keeping its first value.
struct two_plus_two_writes : rl::test_suite<two_plus_two_writes, 2>, shared {
  void thread(unsigned i) {
    store(i == 0 ? x : y, 1, relaxed);
    store(i == 0 ? y : x, 2, relaxed);
  }
  void after() { seen |= load(x, relaxed) == 1 && load(y, relaxed) == 1; }
};

struct canary : rl::test_suite<canary, 2>, shared {
  rl::var<int> payload{0};
  void thread(unsigned i) {
    if (i == 0) {
      payload($).store(1);
      store(x, 1, relaxed);
    } else if (load(x, relaxed) == 1) {
      (void)payload($).load();
    }
  }
};

class silence : public std::streambuf {
  int overflow(int c) override { return c; }
};

enum class verdict { shown, never };

unsigned failures = 0;

template <class Test>
rl::test_result_e run(rl::scheduler_type_e how) {
  static silence nothing;
  static std::ostream nowhere(&nothing);
  rl::test_params params;
  params.output_stream = params.progress_stream = &nowhere;
  params.search_type = how;
  params.iteration_count = 200'000;
  seen = false;
  rl::simulate<Test>(params);
  return params.test_result;
}

template <class Test>
void expect(const char* name, const char* cpp20, verdict wanted) {
  std::printf("%-32s C++20: %-9s", name, cpp20);
  for (const auto how : {rl::sched_full, rl::sched_random}) {
    const auto result = run<Test>(how);
    const bool is_right = result == rl::test_result_success && seen == (wanted == verdict::shown);
    failures += !is_right;
    std::printf("  %s: %-5s%s", how == rl::sched_full ? "full" : "random", seen ? "seen" : "never",
                is_right ? "" : " WRONG");
  }
  std::printf("\n");
}

}  // namespace

int main() {
  using enum verdict;
  expect<store_buffering<release, acquire>>("store buffering", "allowed", verdict::shown);
  expect<store_buffering<rl::mo_seq_cst, rl::mo_seq_cst>>("store buffering, seq_cst", "forbidden",
                                                          never);
  expect<store_buffering<relaxed, relaxed, true>>("store buffering, fenced", "forbidden", never);
  expect<store_buffering_membarrier>("store buffering, membarrier", "(kernel)", never);
  expect<message_passing<relaxed, acquire>>("message passing, relaxed store", "allowed",
                                            verdict::shown);
  expect<message_passing<release, relaxed>>("message passing, relaxed load", "allowed",
                                            verdict::shown);
  expect<message_passing<release, acquire>>("message passing", "forbidden", never);
  expect<independent_reads>("independent reads", "allowed", verdict::shown);
  expect<stale<1>>("a value 1 store old", "allowed", verdict::shown);
  expect<stale<2>>("a value 2 stores old", "allowed", verdict::shown);
  expect<stale<5>>("a value 5 stores old", "allowed", verdict::shown);
  expect<coherence>("coherence", "forbidden", never);
  expect<own_store_after_release>("own store after a release", "allowed", verdict::shown);
  expect<exchange_after_release>("exchange after a release", "forbidden", never);
  expect<load_buffering>("load buffering", "allowed", never);
  expect<two_plus_two_writes>("2+2 writes", "allowed", never);

  const bool sings = run<canary>(rl::sched_full) == rl::test_result_data_race;
  std::printf("canary: %s\n", sings ? "the race is reported" : "SILENT");
  std::printf("%u wrong\n", failures);
  return sings && failures == 0 ? 0 : 1;
}
