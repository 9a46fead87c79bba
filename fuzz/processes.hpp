// Real processes for tests: forked, watched, and gone when the test ends.
//
// A child runs one function and never returns into the test. It dies with its parent, and its
// parent kills and reaps it at the latest when its handle goes. Every wait ends. What processes
// tell each other stands in shared memory, so it survives whoever wrote it.
#pragma once

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include <annulus/ring/ring.hpp>

namespace annulus::processes {

using namespace std::chrono_literals;

// Long enough for the slowest machine, short enough to end.
inline constexpr std::chrono::seconds patience{30};

// One T that a process shares with all that it forks.
template <class T>
class shared {
 public:
  shared() {
    void* at = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) throw std::bad_alloc();
    held_ = new (at) T;
  }
  shared(const shared&) = delete;
  shared& operator=(const shared&) = delete;
  ~shared() { munmap(static_cast<void*>(held_), sizeof(T)); }

  T& operator*() const noexcept { return *held_; }
  T* operator->() const noexcept { return held_; }

 private:
  T* held_;
};

// How many processes have failed. Shared with all that this one forks, so that a kill between the
// words and the exit hides nothing.
inline const shared<std::atomic<std::uint32_t>> failed_processes;

// In a child: says why, and ends it as failed.
[[noreturn]] inline void fail(const std::string& why) {
  failed_processes->fetch_add(1);
  std::fprintf(stderr, "process %d: %s\n", static_cast<int>(getpid()), why.c_str());
  _exit(1);
}
inline void require(bool holds, const char* what) {
  if (!holds) [[unlikely]]
    fail(what);
}
template <class T>
T must(result<T> got) {
  if (!got) fail(got.error().message);
  return std::move(got).value();
}

// A step that one process takes and others wait for. Lies in shared memory.
class gate {
 public:
  void open() noexcept {
    word_.store(1, std::memory_order_release);
    kernel::futex_wake(&word_);
  }
  [[nodiscard]] bool is_open() const noexcept { return word_.load(std::memory_order_acquire) != 0; }
  [[nodiscard]] bool await(deadline until = within(patience)) noexcept {
    while (!is_open()) {
      const auto now = std::chrono::steady_clock::now();
      if (now >= until) return false;
      kernel::futex_wait(&word_, 0, std::min<std::chrono::nanoseconds>(until - now, 1s));
    }
    return true;
  }

 private:
  std::atomic<std::uint32_t> word_{0};
};

// A process that this one started. SIGCHLD stays blocked: its arrival ends the waits.
class child {
 public:
  enum class state { running, stopped, exited, killed };

  child() = default;
  template <class F>
  explicit child(F&& body) {
    sigset_t set = sigchld();
    sigprocmask(SIG_BLOCK, &set, nullptr);
    std::fflush(nullptr);
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ < 0) throw std::bad_alloc();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(1);
      std::forward<F>(body)();
      _exit(0);
    }
  }
  child(child&& other) noexcept
      : pid_(std::exchange(other.pid_, 0)), state_(other.state_), code_(other.code_) {}
  child& operator=(child&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(state_, other.state_);
    std::swap(code_, other.code_);
    return *this;
  }
  ~child() { end(); }

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  void signal(int number) const noexcept {
    if (is_there()) ::kill(pid_, number);
  }

  // What it is now, without waiting.
  state look() noexcept {
    int word = 0;
    if (is_there() && waitpid(pid_, &word, WNOHANG | WUNTRACED | WCONTINUED) == pid_) {
      if (WIFEXITED(word)) {
        state_ = state::exited;
        code_ = WEXITSTATUS(word);
      } else if (WIFSIGNALED(word)) {
        state_ = state::killed;
        code_ = WTERMSIG(word);
      } else {
        state_ = WIFSTOPPED(word) ? state::stopped : state::running;
        code_ = WIFSTOPPED(word) ? WSTOPSIG(word) : 0;
      }
    }
    return state_;
  }
  // Told by a tracer that lets it go on: what look() says next is news.
  void resumed() noexcept { state_ = state::running; }
  // Of one that is stopped: the signal that stopped it.
  [[nodiscard]] int stopped_by() const noexcept { return code_; }
  [[nodiscard]] bool is_gone() noexcept {
    return look() == state::exited || look() == state::killed;
  }

  // Waits until it is stopped, or gone. False: neither in time.
  bool await_stop(deadline until = within(patience)) noexcept {
    return await([&] { return look() == state::stopped || is_gone(); }, until) &&
           state_ == state::stopped;
  }
  bool await_end(deadline until = within(patience)) noexcept {
    return await([&] { return is_gone(); }, until);
  }
  // Kills it and waits until it has left its memory and its locks.
  void end() noexcept {
    signal(SIGKILL);
    if (pid_ != 0) await_end();
  }

  // Whether it ended by itself and found nothing wrong.
  [[nodiscard]] bool is_content(deadline until = within(patience)) noexcept {
    return await_end(until) && state_ == state::exited && code_ == 0;
  }
  [[nodiscard]] bool was_killed() noexcept {
    return is_gone() && state_ == state::killed && code_ == SIGKILL;
  }
  // Whether it ended in a way that no test intends.
  [[nodiscard]] bool has_failed() noexcept {
    return is_gone() && !was_killed() && !(state_ == state::exited && code_ == 0);
  }
  [[nodiscard]] std::string fate() noexcept {
    const char* words[] = {"running", "stopped", "exited with", "killed by signal"};
    return std::string(words[static_cast<int>(look())]) + " " + std::to_string(code_);
  }

  // Waits for some child's change at most so long.
  static void nap(std::chrono::nanoseconds at_most) noexcept {
    if (at_most <= 0ns) return;
    const sigset_t set = sigchld();
    timespec span{};
    span.tv_sec = static_cast<time_t>(at_most.count() / 1'000'000'000);
    span.tv_nsec = static_cast<long>(at_most.count() % 1'000'000'000);
    sigtimedwait(&set, nullptr, &span);
  }

 private:
  static sigset_t sigchld() noexcept {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    return set;
  }
  [[nodiscard]] bool is_there() const noexcept {
    return pid_ > 0 && (state_ == state::running || state_ == state::stopped);
  }
  template <class Done>
  static bool await(Done done, deadline until) noexcept {
    while (!done()) {
      const auto now = std::chrono::steady_clock::now();
      if (now >= until) return false;
      nap(std::min<std::chrono::nanoseconds>(until - now, 100ms));
    }
    return true;
  }

  pid_t pid_ = 0;
  state state_ = state::running;
  int code_ = 0;  // how it exited, or the signal that killed or stopped it
};

// A segment under a name of its own, which goes with it.
class named_segment {
 public:
  explicit named_segment(const ring_options& options)
      : name_(next_name()), made_(segment::create(name_, options)) {
    if (!made_) fail(made_.error().message);
  }
  named_segment(const named_segment&) = delete;
  named_segment& operator=(const named_segment&) = delete;
  ~named_segment() { (void)segment::remove(name_, true); }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] segment& operator*() noexcept { return *made_; }

 private:
  static std::string next_name() {
    static int count = 0;
    return "test-" + std::to_string(getpid()) + "-" + std::to_string(count++);
  }

  std::string name_;
  result<segment> made_;
};

// Attaches a role, as every process does for itself: by the name.
template <class Role>
[[nodiscard]] Role attach(const std::string& name) {
  return must(Role::attach(must(segment::open(name))));
}

[[nodiscard]] constexpr std::uint64_t mixed(std::uint64_t n) noexcept {
  n += 0x9e3779b97f4a7c15;  // splitmix64
  n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9;
  n = (n ^ n >> 27) * 0x94d049bb133111eb;
  return n ^ n >> 31;
}

class dice {
 public:
  explicit dice(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t roll() noexcept { return mixed(state_ += 0x9e3779b97f4a7c15); }
  // 0 to n - 1.
  std::uint64_t below(std::uint64_t n) noexcept { return roll() % n; }
  bool once_in(std::uint64_t n) noexcept { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

// ANNULUS_SEED replays a random test.
[[nodiscard]] inline std::uint64_t seed() {
  if (const char* given = std::getenv("ANNULUS_SEED")) return std::strtoull(given, nullptr, 0);
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const auto pid = static_cast<std::uint64_t>(getpid());
  return mixed(static_cast<std::uint64_t>(now.tv_nsec) ^ pid << 32);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool is_sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif
#else
inline constexpr bool is_sanitized = false;
#endif

}  // namespace annulus::processes
