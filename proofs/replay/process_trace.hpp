// The tracing seam in real processes: the product's words and payload, and a log of each life.
//
// A log lies in shared memory and outlives its process. An entry is written before its access and
// marked behind it: a store without the mark may or may not have taken effect when its process was
// killed. No entry orders anything, and none has a time: the log is plain memory of one process.
// Each access is a place to die at, before it or behind it.
#pragma once

namespace annulus::models {
inline unsigned mutant = 0;  // which error a ring that holds mutants makes
}

#include "trace.hpp"
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include <annulus/channel/status.hpp>
#include <annulus/ring/atomics.hpp>
#include <annulus/ring/role.hpp>

namespace annulus::replay {

struct entry {
  const char* what;
  const char* of;
  const char* order;
  const void* word;
  std::uint64_t value;
  const char* file;
  unsigned line;
  bool is_over;
};

// One life of a role.
struct life_log {
  static constexpr unsigned most = 1500;

  const char* role;
  bool is_used;
  unsigned count;
  entry all[most];
};

inline life_log* own_log;        // of this process
inline unsigned accesses_left;   // until it kills itself; 0: it does not
inline bool dies_behind;         // the access, or before it
inline void (*before_access)();  // may change memory

inline void compiler_barrier() { asm volatile("" ::: "memory"); }

inline entry& begin(const char* what, const char* of, const char* order, const void* word,
                    std::uint64_t value, const char* file, unsigned line) {
  if (own_log->count == life_log::most) std::abort();
  if (before_access != nullptr) before_access();
  entry& one = own_log->all[own_log->count];
  one = {what, of, order, word, value, file, line, false};
  compiler_barrier();
  ++own_log->count;
  compiler_barrier();
  if (accesses_left == 1 && !dies_behind) raise(SIGKILL);
  return one;
}
inline void finish(entry& one) {
  compiler_barrier();
  if (accesses_left == 1 && dies_behind) raise(SIGKILL);
  if (accesses_left > 0) --accesses_left;
  compiler_barrier();
  one.is_over = true;
}

struct process_atomics : std_atomics {
  template <class T>
  class word {
   public:
    template <edge E>
    [[nodiscard]] T load(std::memory_order order, const char* file = __builtin_FILE(),
                         unsigned line = __builtin_LINE()) const {
      entry& mine = begin("load", name_of(E), name_of(order), this, 0, file, line);
      const T seen = std::atomic_ref<T>(value_).load(order);
      mine.value = seen;
      finish(mine);
      return seen;
    }
    template <edge E>
    void store(T value, std::memory_order order, const char* file = __builtin_FILE(),
               unsigned line = __builtin_LINE()) {
      entry& mine = begin("store", name_of(E), name_of(order), this, value, file, line);
      std::atomic_ref<T>(value_).store(value, order);
      finish(mine);
    }
    template <edge E>
    [[nodiscard]] bool compare_exchange(T& expected, T desired, std::memory_order success,
                                        std::memory_order failure,
                                        const char* file = __builtin_FILE(),
                                        unsigned line = __builtin_LINE()) {
      entry& mine = begin("exchange", name_of(E), name_of(success), this, desired, file, line);
      const bool done =
          std::atomic_ref<T>(value_).compare_exchange_strong(expected, desired, success, failure);
      if (!done) {
        mine.what = "load";
        mine.order = name_of(failure);
        mine.value = expected;
      }
      finish(mine);
      return done;
    }
    // The roll alone is counted, and by one producer at a time: what it stores is known before.
    template <edge E>
    T fetch_add(T value, std::memory_order order, const char* file = __builtin_FILE(),
                unsigned line = __builtin_LINE()) {
      const T sum = static_cast<T>(value_ + value);
      entry& mine = begin("exchange", name_of(E), name_of(order), this, sum, file, line);
      const T before = std::atomic_ref<T>(value_).fetch_add(value, order);
      finish(mine);
      return before;
    }
    void set(T value) { value_ = value; }
    [[nodiscard]] T value() const { return value_; }

   private:
    alignas(std::atomic_ref<T>::required_alignment) mutable T value_;
  };

  static void put(std::byte* to, std::uint64_t value, const char* file, unsigned line) {
    entry& mine = begin("put", "-", "-", to, value, file, line);
    std::memcpy(to, &value, sizeof value);
    finish(mine);
  }
  static std::uint64_t get(const std::byte* from, const char* file = __builtin_FILE(),
                           unsigned line = __builtin_LINE()) {
    entry& mine = begin("get", "-", "-", from, 0, file, line);
    std::memcpy(&mine.value, from, sizeof mine.value);
    finish(mine);
    return mine.value;
  }

  // Payload comes in whole words here.
  class area {
   public:
    area() = default;
    explicit area(std::byte* base) noexcept : base_(base) {}

    // The same data, by indices that begin elsewhere: it has at `start` what this has at 0.
    [[nodiscard]] area starting_at(std::uint64_t start) const noexcept {
      area moved = *this;
      moved.start_ += start;
      return moved;
    }

    [[nodiscard]] word<std::uint64_t>& header(std::uint64_t index) const noexcept {
      return *reinterpret_cast<word<std::uint64_t>*>(base_ + (index - start_));
    }
    [[nodiscard]] bytes payload(std::uint64_t index, std::uint64_t count) const noexcept {
      return {base_ + (index - start_), static_cast<std::size_t>(count)};
    }
    template <class Ask>
    void fill(std::uint64_t index, const_bytes from, const Ask&,
              const char* file = __builtin_FILE(),
              unsigned line = __builtin_LINE()) const noexcept {
      fill(index, from, file, line);
    }
    void fill(std::uint64_t index, const_bytes from, const char* file = __builtin_FILE(),
              unsigned line = __builtin_LINE()) const noexcept {
      for (std::size_t j = 0; j < from.size(); j += 8) {
        std::uint64_t value;
        std::memcpy(&value, from.data() + j, sizeof value);
        put(base_ + (index - start_) + j, value, file, line);
      }
    }
    void zero(std::uint64_t index, std::uint64_t count) const noexcept {
      for (auto at = index; at < index + count; at += 8) {
        put(base_ + (at - start_), 0, __FILE__, __LINE__);
      }
    }
    // A checksum that tells all words from others, in a word of its own.
    [[nodiscard]] std::uint32_t checksum(std::uint64_t index, std::uint64_t count,
                                         std::uint64_t seed) const noexcept {
      for (std::uint64_t j = 0; j < count; j += 8) {
        seed = (seed ^ get(base_ + (index - start_) + j)) * 0x9e3779b97f4a7c15;
      }
      return static_cast<std::uint32_t>(seed >> 32);
    }
    void set_trailer(std::uint64_t index, std::uint32_t value) const noexcept {
      put(base_ + (index - start_), value, __FILE__, __LINE__);
    }
    [[nodiscard]] std::uint32_t trailer(std::uint64_t index) const noexcept {
      return static_cast<std::uint32_t>(get(base_ + (index - start_)));
    }
    void prefetch_for_read(std::uint64_t) const noexcept {}
    void prefetch_for_write(std::uint64_t) const noexcept {}
    static interval written(std::uint64_t from, std::uint64_t to) { return {from, to}; }
    static bool lacks_memory() { return false; }
    static bool provide(std::uint64_t, std::uint64_t) { return true; }

   private:
    std::byte* base_ = nullptr;
    std::uint64_t start_ = 0;
  };

  // The kernel's locks, a byte of a file for each role. Its answers are told.
  struct witness {
    int file = -1;
    const void* words[4] = {};  // of each role: by what its name in the trace is known

    [[nodiscard]] bool is_held(std::uint32_t role, const char* source = __builtin_FILE(),
                               unsigned line = __builtin_LINE()) const {
      entry& mine = begin("asks", "-", "-", words[role], 0, source, line);
      struct flock asked = {F_WRLCK, SEEK_SET, static_cast<off_t>(role), 1, 0};
      if (fcntl(file, F_GETLK, &asked) != 0) std::abort();
      const bool held = asked.l_type != F_UNLCK;
      mine.value = held;
      finish(mine);
      return held;
    }
    // Held until this process ends.
    void take(std::uint32_t role) const {
      struct flock own = {F_WRLCK, SEEK_SET, static_cast<off_t>(role), 1, 0};
      if (fcntl(file, F_SETLKW, &own) != 0) std::abort();
    }
  };

  static constexpr std::uint64_t cache_line_bytes = 16;
  static constexpr std::uint32_t polls_until_starved = 2;
  static bool is_far(const word<std::uint64_t>&) { return true; }
  static void sleep(word<std::uint32_t>&, std::uint32_t, std::chrono::nanoseconds) {}
  static void wake(word<std::uint32_t>&) {}
};

// The consumer reads the payload.
inline void get(process_atomics::const_bytes message) {
  for (std::size_t j = 0; j < message.size(); j += 8) (void)process_atomics::get(&message[j]);
}

// What the consumer's caller is told instead of a message.
inline void tell_answer(status what) {
  finish(begin("answers", to_string(what).data(), "-", nullptr, 0, __FILE__, __LINE__));
}

// A good header of the ring, somewhere in eight laps: what a payload may look like.
inline std::uint64_t header_like(std::uint64_t random, std::uint64_t first_pos) {
  return record_header::committed(random % (max_message + 1), first_pos + random % 64 * 8, key);
}

// A life of the consumer: it reads so often, looks closer once in so many times, and may close.
template <class Consumer>
void consume(Consumer& role, std::mt19937_64& random, unsigned reads, unsigned looks_once_in) {
  process_atomics::const_bytes view;  // it may be read again until it is released
  for (unsigned left = reads; left > 0; --left) {
    const auto seen = random() % looks_once_in == 0 ? role.examine() : role.try_read();
    if (seen) {
      get(seen.bytes());
    } else {
      tell_answer(seen.status());
      if (random() % 4 == 0) usleep(20);
    }
    if (random() % 3 == 0) get(view);
    if (seen && view.empty()) view = seen.bytes();
    if (random() % 3 != 0) continue;
    role.release();
    view = {};
  }
  if (random() % 2 == 0) close_consumer(role);
}

// A process that lives `live()`, and dies at one of its first accesses or lives to its end. `enter`
// comes before its first access.
template <class Enter, class Live>
pid_t start_life(life_log& log, const char* role, std::mt19937_64& random, unsigned most_accesses,
                 Enter enter, Live live) {
  const auto luck = random();
  const pid_t child = fork();
  if (child < 0) std::abort();
  if (child > 0) return child;
  random.seed(luck);
  own_log = &log;
  own_log->role = role;
  own_log->is_used = true;  // from here on: a lock must not tell of a life that is not traced
  enter();
  accesses_left = random() % 3 != 0 ? 1 + static_cast<unsigned>(random() % most_accesses) : 0;
  dies_behind = random() % 2 == 0;
  live();
  _exit(0);
}

// Lives all roles to their ends, each so many times, and kills one now and then.
// `start(role, life)` returns its process.
template <class Start>
void live_all(unsigned roles, unsigned lives, std::mt19937_64& random, Start start) {
  std::vector<pid_t> running;
  std::vector<unsigned> lived(roles, 1);
  for (unsigned role = 0; role < roles; ++role) running.push_back(start(role, 0));
  while (std::any_of(running.begin(), running.end(), [](pid_t one) { return one != 0; })) {
    if (random() % 8 == 0) {
      usleep(50);
      if (const pid_t one = running[random() % roles]; one != 0) kill(one, SIGKILL);
    }
    int how;
    const pid_t ended = wait(&how);
    if (ended < 0) std::abort();
    if (!WIFEXITED(how) && WTERMSIG(how) != SIGKILL) std::abort();
    const auto at = std::find(running.begin(), running.end(), ended) - running.begin();
    const auto role = static_cast<unsigned>(at);
    running[role] = lived[role] < lives ? start(role, lived[role]++) : 0;
  }
}

struct process_options {
  unsigned long long traces, seed;
};

// PROGRAM [COUNT [SEED [MUTANT]]]. Tells how to run it again.
inline process_options options_of(const char* program, int argc, char** argv) {
  const process_options asked{
      argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100,
      argc > 2 ? std::strtoull(argv[2], nullptr, 10) : std::random_device()()};
  if (argc > 3) models::mutant = static_cast<unsigned>(std::atoi(argv[3]));
  std::fprintf(stderr, "replay with %s %llu %llu\n", program, asked.traces, asked.seed);
  return asked;
}

// Writes what a role did.
inline void write_accesses(const life_log& life, const std::map<const void*, location>& names) {
  for (unsigned i = 0; i < life.count; ++i) {
    const entry& one = life.all[i];
    const bool changes = std::strcmp(one.what, "load") != 0 && std::strcmp(one.what, "get") != 0 &&
                         std::strcmp(one.what, "asks") != 0 &&
                         std::strcmp(one.what, "answers") != 0;
    if (!one.is_over && !changes) continue;
    const char* slash = std::strrchr(one.file, '/');
    const auto known = names.find(one.word);
    std::printf("%s %s %s %s %s %" PRIu64 " %s %s:%u\n", life.role, one.what, one.of, one.order,
                known == names.end() ? "?" : known->second.name.data(), one.value,
                one.is_over ? "-" : "maybe", slash != nullptr ? slash + 1 : one.file, one.line);
  }
}
// Writes a life: what it did, up to its end.
inline void write(const life_log& life, const std::map<const void*, location>& names) {
  std::printf("%s enter\n", life.role);
  write_accesses(life, names);
  std::printf("%s dies\n", life.role);
}

}  // namespace annulus::replay
