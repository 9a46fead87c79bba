// The tracing seam under Relacy: the ring's headers run as they are, and each access is told, with
// the very store that a load read.
//
// word      holds the number of a store, not its value: so a load tells which store it read. Stores
//           are told in modification order, which under Relacy is the order of execution
// area      payload words are the same words, stored and read as plain memory is
// death     at any access (models/sites.hpp), as SIGKILL: nothing is unwound
// witness   the kernel's locks. Its answers are told, and are never old; who asks acquires
#pragma once

#include "sites.hpp"
#include "trace.hpp"

#include <annulus/channel/status.hpp>
#include <annulus/ring/role.hpp>

namespace annulus::replay {

using models::place;

inline FILE* trace = stdout;
inline const char* role_of_thread[models::max_threads];  // "P" or "C", of many "P0", "P1"

template <class T>
void tell(const char* what, const char* of, const char* order, const location& where, T value,
          int store, const place& at) {
  std::fprintf(trace, "%s %s %s %s %s %" PRIu64, role_of_thread[rl::thread_index()], what, of,
               order, where.name.data(), static_cast<std::uint64_t>(value));
  const char* slash = std::strrchr(at.file, '/');
  const char* file = slash != nullptr ? slash + 1 : at.file;
  if (store < 0) {
    std::fprintf(trace, " - %s:%u\n", file, at.line);
  } else {
    std::fprintf(trace, " %d %s:%u\n", store, file, at.line);
  }
}

// What the consumer's caller is told instead of a message.
inline void tell_answer(status what, const place& at) {
  tell("answers", to_string(what).data(), "-", location::of("-"), 0, -1, at);
}

struct relacy_atomics {
  using edge = annulus::edge;

  template <class T>
  class word {
   public:
    void start(location where, T value) {
      where_ = where;
      cell_.emplace();
      made_ = 0;
      ordered_ = 0;
      cell_->store(next(value), rl::mo_relaxed, $);
      number_[0] = ordered_++;
    }
    [[nodiscard]] T newest() const { return value_[cell_->debug_value()]; }

    template <edge E>
    [[nodiscard]] T load(std::memory_order order, const char* file = __builtin_FILE(),
                         unsigned line = __builtin_LINE(),
                         const char* function = __builtin_FUNCTION()) const {
      const place at{file, line, function};
      auto& here = models::pass(at, E, models::access::load, order);
      const auto seen = cell_->load(models::in_checker(here.order), at.in_checker());
      tell("load", name_of(E), name_of(here.order), where_, value_[seen], number_[seen], at);
      return value_[seen];
    }
    template <edge E>
    void store(T value, std::memory_order order, const char* file = __builtin_FILE(),
               unsigned line = __builtin_LINE(), const char* function = __builtin_FUNCTION()) {
      const place at{file, line, function};
      auto& here = models::pass(at, E, models::access::store, order);
      put(value, here.order, at);
      tell("store", name_of(E), name_of(here.order), where_, value, -1, at);
    }
    template <edge E>
    [[nodiscard]] bool compare_exchange(T& expected, T desired, std::memory_order success,
                                        std::memory_order failure,
                                        const char* file = __builtin_FILE(),
                                        unsigned line = __builtin_LINE(),
                                        const char* function = __builtin_FUNCTION()) {
      const place at{file, line, function};
      auto& here = models::pass(at, E, models::access::compare_exchange, success);
      auto seen = cell_->load(models::in_checker(failure), at.in_checker());
      if (value_[seen] == expected) {
        const auto mine = next(desired);
        const auto order = models::in_checker(here.order);
        if (cell_->compare_exchange_strong(seen, mine, order, at.in_checker(), rl::mo_relaxed,
                                           at.in_checker())) {
          number_[mine] = ordered_++;
          tell("exchange", name_of(E), name_of(here.order), where_, desired, -1, at);
          return true;
        }
      }
      expected = value_[seen];
      tell("load", name_of(E), name_of(failure), where_, value_[seen], number_[seen], at);
      return false;
    }
    template <edge E>
    T exchange(T value, std::memory_order order, const char* file = __builtin_FILE(),
               unsigned line = __builtin_LINE(), const char* function = __builtin_FUNCTION()) {
      const place at{file, line, function};
      auto& here = models::pass(at, E, models::access::exchange, order);
      const auto before = change([&](T) { return value; }, here.order, at);
      tell("exchange", name_of(E), name_of(here.order), where_, value, -1, at);
      return before;
    }
    template <edge E>
    T fetch_add(T value, std::memory_order order, const char* file = __builtin_FILE(),
                unsigned line = __builtin_LINE(), const char* function = __builtin_FUNCTION()) {
      const place at{file, line, function};
      auto& here = models::pass(at, E, models::access::fetch_add, order);
      const auto before =
          change([&](T was) { return static_cast<T>(was + value); }, here.order, at);
      tell("exchange", name_of(E), name_of(here.order), where_, newest(), -1, at);
      return before;
    }

    // As payload.
    void put_bytes(T value, place at) {
      models::pass(at, edge::own, models::access::bytes, std::memory_order_relaxed);
      put(value, std::memory_order_relaxed, at);
      tell("put", "-", "-", where_, value, -1, at);
    }
    T get_bytes(place at) const {
      models::pass(at, edge::own, models::access::bytes, std::memory_order_relaxed);
      tell("get", "-", "-", where_, newest(), -1, at);
      return newest();
    }

   private:
    static constexpr unsigned most = 600;  // stores of one word in one execution

    unsigned next(T value) {
      RL_ASSERT(made_ < most);
      value_[made_] = value;
      return made_++;
    }
    // Another thread may store between the two lines of next and store, but not behind the store.
    void put(T value, std::memory_order order, place at) {
      const auto mine = next(value);
      cell_->store(mine, models::in_checker(order), at.in_checker());
      number_[mine] = ordered_++;
    }
    template <class F>
    T change(F f, std::memory_order order, place at) {
      const auto mine = next(T{});
      const auto before = cell_->exchange(mine, models::in_checker(order), at.in_checker());
      value_[mine] = f(value_[before]);
      number_[mine] = ordered_++;
      return value_[before];
    }

    mutable std::optional<rl::atomic<unsigned>> cell_;
    location where_;
    T value_[most];
    int number_[most];  // of each store in modification order
    unsigned made_ = 0;
    int ordered_ = 0;
  };
  using data_word = word<std::uint64_t>;

  struct words {
    static constexpr std::uint64_t most = 40;
    data_word all[most];
  };

  // A payload: in place, or a message that is yet to be copied; word j holds what `word_of` says.
  struct bytes {
    words* in = nullptr;
    std::uint64_t index = 0;
    std::uint64_t count = 0;
    const std::uint64_t* from = nullptr;

    [[nodiscard]] std::uint64_t size() const noexcept { return count; }
    void fill(const std::uint64_t* with, place at) const {
      for (std::uint64_t j = 0; j * 8 < count; ++j) in->all[index / 8 + j].put_bytes(with[j], at);
    }
    void look(place at) const {
      for (std::uint64_t j = 0; j * 8 < count; ++j) (void)in->all[index / 8 + j].get_bytes(at);
    }
  };
  using const_bytes = bytes;

  class area {
   public:
    area() = default;
    explicit area(words& all) : all_(&all) {}

    // The same data, by indices that begin elsewhere: it has at `start` what this has at 0.
    [[nodiscard]] area starting_at(std::uint64_t start) const noexcept {
      area moved = *this;
      moved.start_ += start;
      return moved;
    }

    [[nodiscard]] data_word& header(std::uint64_t index) const {
      RL_ASSERT(index - start_ < words::most * 8);
      return all_->all[(index - start_) / 8];
    }
    [[nodiscard]] bytes payload(std::uint64_t index, std::uint64_t count) const {
      index -= start_;
      RL_ASSERT(index + count <= words::most * 8);
      return {all_, index, count};
    }
    void fill(std::uint64_t index, const bytes& from, const char* file = __builtin_FILE(),
              unsigned line = __builtin_LINE(), const char* function = __builtin_FUNCTION()) const {
      bytes{all_, index - start_, from.count}.fill(from.from, {file, line, function});
    }
    template <class Ask>
    void fill(std::uint64_t index, const bytes& from, const Ask&,
              const char* file = __builtin_FILE(), unsigned line = __builtin_LINE(),
              const char* function = __builtin_FUNCTION()) const {
      fill(index, from, file, line, function);
    }
    void zero(std::uint64_t index, std::uint64_t count) const {
      index -= start_;
      for (auto at = index; at < index + count; at += 8) {
        all_->all[at / 8].put_bytes(0, {__FILE__, __LINE__, "zero"});
      }
    }
    // A checksum that tells all words from others. Payload comes in whole words where there is
    // one, so it has a word of its own.
    [[nodiscard]] std::uint32_t checksum(std::uint64_t index, std::uint64_t count,
                                         std::uint64_t seed) const {
      RL_ASSERT(count % 8 == 0);
      const place at{__FILE__, __LINE__, "checksum"};
      for (auto word = index - start_; word < index - start_ + count; word += 8) {
        seed = (seed ^ all_->all[word / 8].get_bytes(at)) * 0x9e3779b97f4a7c15;
      }
      return static_cast<std::uint32_t>(seed >> 32);
    }
    void set_trailer(std::uint64_t index, std::uint32_t value) const {
      all_->all[(index - start_) / 8].put_bytes(value, {__FILE__, __LINE__, "set_trailer"});
    }
    [[nodiscard]] std::uint32_t trailer(std::uint64_t index) const {
      const auto word = all_->all[(index - start_) / 8].get_bytes({__FILE__, __LINE__, "trailer"});
      return static_cast<std::uint32_t>(word);
    }
    void prefetch_for_read(std::uint64_t) const noexcept {}
    void prefetch_for_write(std::uint64_t) const noexcept {}
    static interval written(std::uint64_t from, std::uint64_t to) { return {from, to}; }
    static bool lacks_memory() { return false; }
    static bool provide(std::uint64_t, std::uint64_t) { return true; }

   private:
    words* all_ = nullptr;
    std::uint64_t start_ = 0;
  };

  // A lock for each role, odd while it is held: the role takes it, its death drops it.
  struct locks {
    static constexpr std::uint32_t roles = 4;
    std::optional<rl::atomic<unsigned>> held[roles];

    void start() {
      for (auto& one : held) one.emplace(0);
    }
    void change(std::uint32_t role) { held[role]->fetch_add(1, rl::mo_acq_rel, $); }
  };
  class witness {
   public:
    witness() = default;
    explicit witness(locks& all) : all_(&all) {}

    [[nodiscard]] bool is_held(std::uint32_t role, const char* file = __builtin_FILE(),
                               unsigned line = __builtin_LINE(),
                               const char* function = __builtin_FUNCTION()) const {
      if (all_ == nullptr) return true;
      const place at{file, line, function};
      models::pass(at, edge::own, models::access::system, std::memory_order_acquire);
      const bool held = all_->held[role]->fetch_add(0, rl::mo_acq_rel, at.in_checker()) % 2 == 1;
      location where;
      std::snprintf(where.name.data(), where.name.size(), "A%u", role - producer_role(0));
      tell("asks", "-", "-", where, std::uint64_t{held}, -1, at);
      return held;
    }

   private:
    locks* all_ = nullptr;
  };
  using home = models::home;

  static constexpr std::uint64_t cache_line_bytes = 16;
  static constexpr std::uint32_t waits_before_awake = 2;
  static constexpr std::uint32_t polls_until_starved = 2;
  static constexpr std::uint32_t polls_per_clock = 0;
  static bool is_far(const data_word&) { return rl::rand(2) == 0; }
  static void compiler_fence() noexcept {}
  static bool accept_barriers() noexcept { return true; }
  static void fence() {}
  static bool heavy_fence() { return true; }
  static void sleep(word<std::uint32_t>&, std::uint32_t, std::chrono::nanoseconds) {}
  static void wake(word<std::uint32_t>&) {}
  static void relax() noexcept {}
  static void yield() noexcept {}
  [[nodiscard]] static deadline now() noexcept { return {}; }
};

// A good header at this word, in some lap: what earlier laps left, and what payload looks like.
inline std::uint64_t disguised(std::uint64_t word, std::uint64_t first_pos) {
  const auto lap = rl::rand(4);
  return record_header::committed(rl::rand(max_message + 1), first_pos + lap * capacity + word * 8,
                                  key);
}

// A life of the consumer: it reads so often, looks closer once in so many times, and may close.
template <class Consumer>
void consume(Consumer& role, unsigned reads, unsigned looks_once_in) {
  relacy_atomics::bytes view;  // it may be read again until it is released
  for (unsigned left = reads; left > 0; --left) {
    const auto seen = rl::rand(looks_once_in) == 0 ? role.examine() : role.try_read();
    const place at{__FILE__, __LINE__, "consume"};
    seen ? seen.bytes().look(at) : tell_answer(seen.status(), at);
    if (rl::rand(3) == 0) view.look(at);
    if (seen && view.count == 0) view = seen.bytes();
    if (rl::rand(3) != 0) continue;
    role.release();
    view = {};
  }
  if (rl::rand(2) == 0) close_consumer(role);
}

// [COUNT] [--weaken FILE:LINE] [--mutant N]: how many traces are asked for; the rest is set.
inline unsigned long options_of(int argc, char** argv) {
  unsigned long count = 1000;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--weaken") == 0 && i + 1 < argc) {
      models::weakened.file = std::strtok(argv[++i], ":");
      models::weakened.line = static_cast<unsigned>(std::atoi(std::strtok(nullptr, ":")));
      models::weakened.to = std::memory_order_relaxed;
    } else if (std::strcmp(argv[i], "--mutant") == 0 && i + 1 < argc) {
      models::mutant = static_cast<unsigned>(std::atoi(argv[++i]));
    } else {
      count = std::strtoul(argv[i], nullptr, 10);
    }
  }
  return count;
}
template <class Test>
bool write_traces(unsigned long count) {
  static std::ostream nothing(nullptr);
  rl::test_params params;
  params.search_type = rl::sched_random;
  params.execution_depth_limit = 20000;
  params.output_stream = params.progress_stream = &nothing;
  params.iteration_count = count;
  return count == 0 || rl::simulate<Test>(params);
}

}  // namespace annulus::replay
