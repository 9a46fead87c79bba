// The checker's end of the seam: what ring/atomics.hpp gives the product, on top of Relacy.
//
// word      an atomic that can be as stale as C++20 allows, and asserts what the search rests on:
//           its stores are ordered by happens-before, or they are all read-modify-writes
// area      words that may be headers or payload. Payload is checked for races, against payload and
//           against headers; what it says looks like a good header of this lap or the next ones
// witness   the kernel's locks: a death releases, the question acquires, and may be told old news
// fences    membarrier runs a barrier on every thread that accepts it; without it both sides fence
//           for themselves
// futex     compares and sleeps in one step; a nap ends by itself only where the model allows it
//
// The compiler's fence does nothing here: the checker keeps program order. What the compiler makes
// of it, tests/every_instruction.cpp looks at.
#pragma once

#include "sites.hpp"

#include <annulus/channel/status.hpp>
#include <annulus/ring/layout.hpp>

namespace annulus::models {

// Told of each change of a word, in the step in which it takes effect.
struct observer {
  virtual void changed(const void* word, std::uint64_t from, std::uint64_t to) = 0;
  // Counted by the algorithm: claims of the dead, damage, and sleeps.
  virtual void recovered() {}
  virtual void corrupt() {}
  virtual void waited() {}  // it goes to sleep

 protected:
  ~observer() = default;
};
inline observer* watching = nullptr;

// How the stores to a word are ordered among each other.
enum class stores { ordered, exchanges, any };

// What may differ between models.
struct surroundings {
  bool barriers = true;       // membarrier is to be had
  bool naps_end = false;      // a sleep may end by itself
  std::int64_t clock_ns = 0;  // moved by naps
  unsigned accepting = 0;     // a bit for each thread that membarrier reaches
};
inline surroundings world;

struct model_atomics {
  using edge = annulus::edge;
  template <class T>
  class word {
   public:
    void start(T value, stores how) {
      cell_.emplace();
      cell_->store(value, rl::mo_relaxed, $);
      how_ = how;
      if (how == stores::ordered) written_.emplace(0);
    }
    // The word may also be payload.
    void start_as_data(T value) {
      start(value, stores::ordered);
      plain_.emplace(0);
    }
    // From now on anybody writes whatever he likes, and nothing is checked.
    void forget_rules() {
      how_ = stores::any;
      written_.reset();
      plain_.reset();
    }
    [[nodiscard]] bool is_started() const { return cell_.has_value(); }
    [[nodiscard]] T newest() const { return cell_->debug_value(); }

    template <edge E>
    [[nodiscard]] T load(std::memory_order order, const char* file = __builtin_FILE(),
                         unsigned line = __builtin_LINE(),
                         const char* function = __builtin_FUNCTION()) const {
      const place at{file, line, function};
      site& here = pass(at, E, access::load, order);
      if (plain_) plain(at).load();
      const T seen = cell_->load(in_checker(here.order), at.in_checker());
      here.stale += seen != newest();
      return seen;
    }

    template <edge E>
    void store(T value, std::memory_order order, const char* file = __builtin_FILE(),
               unsigned line = __builtin_LINE(), const char* function = __builtin_FUNCTION()) {
      const place at{file, line, function};
      site& here = pass(at, E, access::store, order);
      RL_ASSERT(how_ != stores::exchanges);
      const auto from = put(value, here, at);
      if (watching != nullptr) watching->changed(this, from, value);
    }

    // A failed attempt is a load: it may see an old value, and fail because of it.
    template <edge E>
    [[nodiscard]] bool compare_exchange(T& expected, T desired, std::memory_order success,
                                        std::memory_order failure,
                                        const char* file = __builtin_FILE(),
                                        unsigned line = __builtin_LINE(),
                                        const char* function = __builtin_FUNCTION()) {
      const place at{file, line, function};
      site& here = pass(at, E, access::compare_exchange, success);
      const T seen = cell_->load(in_checker(failure), at.in_checker());
      const T wanted = expected;
      if (seen != wanted) {
        expected = seen;
      } else if (cell_->compare_exchange_strong(expected, desired, in_checker(here.order),
                                                at.in_checker(), rl::mo_relaxed, at.in_checker())) {
        if (watching != nullptr) watching->changed(this, wanted, desired);
        return true;
      }
      ++here.failed;
      return false;
    }

    template <edge E>
    T exchange(T value, std::memory_order order, const char* file = __builtin_FILE(),
               unsigned line = __builtin_LINE(), const char* function = __builtin_FUNCTION()) {
      const place at{file, line, function};
      site& here = pass(at, E, access::exchange, order);
      return cell_->exchange(value, in_checker(here.order), at.in_checker());
    }

    template <edge E>
    T fetch_add(T value, std::memory_order order, const char* file = __builtin_FILE(),
                unsigned line = __builtin_LINE(), const char* function = __builtin_FUNCTION()) {
      const place at{file, line, function};
      site& here = pass(at, E, access::fetch_add, order);
      return cell_->fetch_add(value, in_checker(here.order), at.in_checker());
    }

    // As payload.
    void put_bytes(T value, place at) {
      site& here = pass(at, edge::own, access::bytes, std::memory_order_relaxed);
      if (plain_) plain(at).store(1);
      put(value, here, at);
    }
    [[nodiscard]] T get_bytes(place at) const {
      pass(at, edge::own, access::bytes, std::memory_order_relaxed);
      if (written_) written(at).load();
      return newest();
    }

    // The futex.
    void sleep(T while_value, bool may_end, place at) {
      pass(at, edge::bell, access::system, std::memory_order_relaxed);
      auto& c = rl::ctx();
      c.sched();
      {
        rl::preemption_disabler undisturbed(c);
        if (cell_->fetch_add(0, rl::mo_relaxed, at.in_checker()) != while_value) return;
      }
      const auto why = cell_->wait(c, may_end, may_end, at.in_checker());
      if (why == rl::unpark_reason_timeout) world.clock_ns += 10'000'000;
    }
    void wake(place at) {
      pass(at, edge::bell, access::system, std::memory_order_relaxed);
      auto& c = rl::ctx();
      c.sched();
      cell_->wake(c, static_cast<int>(max_threads), at.in_checker());
    }

   private:
    std::uint64_t put(T value, const site& here, place at) {
      const T from = newest();
      if (written_) written(at).store(1);
      cell_->store(value, in_checker(here.order), at.in_checker());
      return from;
    }
    [[nodiscard]] auto written(place at) const { return (*written_)(at.in_checker()); }
    [[nodiscard]] auto plain(place at) const { return (*plain_)(at.in_checker()); }

    mutable std::optional<rl::atomic<T>> cell_;
    mutable std::optional<rl::var<unsigned>> written_;  // races with any unordered store
    mutable std::optional<rl::var<unsigned>> plain_;    // payload's stores race with header loads
    stores how_ = stores::any;
  };

  using data_word = word<std::uint64_t>;

  // The data words of one model, and what its payload pretends to be.
  struct words {
    static constexpr std::uint64_t most = 40;  // two cache lines, and a longest record
    data_word all[most];
    std::uint64_t first_pos = 0;
    std::uint64_t capacity = 0;
    std::uint64_t key = 0;
    std::uint64_t max_message = 0;

    // Word j of message `id`, at an index: a good header there, in one of four laps.
    [[nodiscard]] std::uint64_t disguised(std::uint64_t index, std::uint32_t id,
                                          std::uint64_t j) const {
      const std::uint64_t lap = (id + j) % 4;
      const std::uint64_t pos = (first_pos & ~(capacity - 1)) + index + lap * capacity;
      return record_header::committed((id * 5 + j) % (max_message + 1), pos, key);
    }
  };

  // A payload: in place (to fill or to read), or a message that is yet to be copied.
  struct bytes {
    words* in = nullptr;
    std::uint64_t index = 0;  // in bytes
    std::uint64_t count = 0;
    std::uint32_t id = 0;
    std::uint32_t skip = 0;  // words of the message that other pieces hold

    [[nodiscard]] std::uint64_t size() const noexcept { return count; }

    // Fills what is in place with a message.
    void say(std::uint32_t what, place at) const {
      for (std::uint64_t j = 0; j * 8 < count; ++j) {
        in->all[index / 8 + j].put_bytes(in->disguised(index + j * 8, what, skip + j), at);
      }
    }
    [[nodiscard]] bool says(std::uint32_t what, place at) const {
      for (std::uint64_t j = 0; j * 8 < count; ++j) {
        if (in->all[index / 8 + j].get_bytes(at) != in->disguised(index + j * 8, what, j)) {
          return false;
        }
      }
      return true;
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
      index -= start_;
      RL_ASSERT(index % 8 == 0 && index < all_->capacity);
      return all_->all[index / 8];
    }
    [[nodiscard]] bytes payload(std::uint64_t index, std::uint64_t count) const {
      index -= start_;
      RL_ASSERT(count <= all_->max_message && index + count <= words::most * 8);
      return {all_, index, count};
    }
    void fill(std::uint64_t index, const bytes& from, const char* file = __builtin_FILE(),
              unsigned line = __builtin_LINE(), const char* function = __builtin_FUNCTION()) const {
      bytes{all_, index - start_, from.count, 0, from.skip}.say(from.id, {file, line, function});
    }
    template <class Ask>
    void fill(std::uint64_t index, const bytes& from, const Ask&,
              const char* file = __builtin_FILE(), unsigned line = __builtin_LINE(),
              const char* function = __builtin_FUNCTION()) const {
      fill(index, from, file, line, function);
    }
    void zero(std::uint64_t index, std::uint64_t count, const char* file = __builtin_FILE(),
              unsigned line = __builtin_LINE(), const char* function = __builtin_FUNCTION()) const {
      for (std::uint64_t at = index; at < index + count; at += 8) {
        all_->all[at / 8].put_bytes(0, {file, line, function});
      }
    }
    // A checksum stands in a word of its own here: models use it with whole words of payload only.
    [[nodiscard]] std::uint32_t checksum(std::uint64_t index, std::uint64_t count,
                                         std::uint64_t salt) const {
      std::uint64_t sum = salt + count;
      for (std::uint64_t j = 0; j * 8 < count; ++j) {
        sum = (sum ^ all_->all[index / 8 + j].get_bytes(here())) * 0x9e3779b97f4a7c15;
      }
      return static_cast<std::uint32_t>(sum >> 32) | 1;
    }
    void set_trailer(std::uint64_t index, std::uint32_t value) const {
      all_->all[index / 8].put_bytes(value, here());
    }
    [[nodiscard]] std::uint32_t trailer(std::uint64_t index) const {
      return static_cast<std::uint32_t>(all_->all[index / 8].get_bytes(here()));
    }
    void prefetch_for_read(std::uint64_t) const noexcept {}
    void prefetch_for_write(std::uint64_t) const noexcept {}
    static interval written(std::uint64_t from, std::uint64_t to) { return {from, to}; }
    static bool lacks_memory() { return false; }
    static bool provide(std::uint64_t, std::uint64_t) { return true; }

   private:
    static place here(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE(),
                      const char* function = __builtin_FUNCTION()) {
      return {file, line, function};
    }
    words* all_ = nullptr;
    std::uint64_t start_ = 0;
  };

  // The kernel's locks: one word per role, odd while it is held. A lock that is taken or dropped
  // releases what its taker did; who asks acquires it.
  struct locks {
    static constexpr std::uint32_t roles = 4;
    std::optional<rl::atomic<std::uint32_t>> held[roles];

    void start() {
      for (auto& one : held) one.emplace(0);
    }
    // Called by the role itself, or in its name at its death.
    void change(std::uint32_t role) { held[role]->fetch_add(1, rl::mo_acq_rel, $); }
  };

  class witness {
   public:
    witness() = default;
    explicit witness(locks& all) : all_(&all) {}

    [[nodiscard]] bool is_held(std::uint32_t role, const char* file = __builtin_FILE(),
                               unsigned line = __builtin_LINE(),
                               const char* function = __builtin_FUNCTION()) const {
      const place at{file, line, function};
      pass(at, edge::own, access::system, std::memory_order_acquire);
      return all_->held[role]->load(rl::mo_acquire, at.in_checker()) % 2 == 1;
    }

   private:
    locks* all_ = nullptr;
  };

  using home = models::home;

  static void compiler_fence() noexcept {}

  [[nodiscard]] static bool accept_barriers(const char* file = __builtin_FILE(),
                                            unsigned line = __builtin_LINE(),
                                            const char* function = __builtin_FUNCTION()) {
    const place at{file, line, function};
    const site& here = pass(at, edge::bell, access::fence, std::memory_order_seq_cst);
    if (world.barriers) world.accepting |= 1u << rl::thread_index();
    if (!here.is_removed) rl::atomic_thread_fence(rl::mo_seq_cst, at.in_checker());
    return world.barriers;
  }
  static void fence(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE(),
                    const char* function = __builtin_FUNCTION()) {
    const place at{file, line, function};
    const site& here = pass(at, edge::bell, access::fence, std::memory_order_seq_cst);
    if (!here.is_removed) rl::atomic_thread_fence(rl::mo_seq_cst, at.in_checker());
  }
  static bool heavy_fence(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE(),
                          const char* function = __builtin_FUNCTION()) {
    const place at{file, line, function};
    const site& here = pass(at, edge::bell, access::fence, std::memory_order_seq_cst);
    if (here.is_removed) return world.barriers;
    rl::atomic_thread_fence(rl::mo_seq_cst, at.in_checker());
    if (!world.barriers) return false;
    auto& c = rl::ctx();
    c.fence_reaches_ = world.accepting;
    rl::systemwide_fence(at.in_checker());
    c.fence_reaches_ = ~0u;
    return true;
  }

  static void sleep(word<std::uint32_t>& bell, std::uint32_t while_value, std::chrono::nanoseconds,
                    const char* file = __builtin_FILE(), unsigned line = __builtin_LINE(),
                    const char* function = __builtin_FUNCTION()) {
    bell.sleep(while_value, world.naps_end, {file, line, function});
  }
  static void wake(word<std::uint32_t>& bell, const char* file = __builtin_FILE(),
                   unsigned line = __builtin_LINE(), const char* function = __builtin_FUNCTION()) {
    bell.wake({file, line, function});
  }
  static constexpr std::uint32_t waits_before_awake = 2;
  static constexpr std::uint32_t polls_until_starved = 1;
  // Small, so that a ring of few words has several lines, and what is told lags behind by some.
  static constexpr std::uint64_t cache_line_bytes = 16;
  // How far the other processor is, is anybody's guess.
  [[nodiscard]] static bool is_far(const word<std::uint64_t>&) { return rl::rand(2) == 0; }
  // None: a wait's polls came too early, and all is left to its last look and the bell.
  static constexpr std::uint32_t polls_per_clock = 0;
  static void relax() noexcept {}
  static void yield() noexcept {}
  [[nodiscard]] static deadline now() noexcept {
    return deadline(std::chrono::nanoseconds(world.clock_ns));
  }
};

}  // namespace annulus::models
