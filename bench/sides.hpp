// The sides of one measurement: threads of this process or a process each, all pinned.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <span>
#include <utility>
#include <vector>

namespace annulus::bench {

enum class where { threads, processes };

// Whether the sides run with real-time priority, so that no other process takes their processors.
enum class priority : std::uint8_t { normal, realtime };

// The processors to use: side 0 has the first to itself, the others share the rest.
class processors {
 public:
  [[nodiscard]] static std::vector<int> allowed();
  // Two processors on cores of their own, where there are; empty where only one is allowed.
  [[nodiscard]] static std::vector<int> two_cores();

  // `are_busy`: other programs use them too, so waiting sides yield.
  explicit processors(std::vector<int> use, priority wanted = priority::normal,
                      bool are_busy = false)
      : use_(std::move(use)), priority_(wanted), are_busy_(are_busy) {}

  [[nodiscard]] const std::vector<int>& list() const noexcept { return use_; }
  [[nodiscard]] int of_side(std::size_t side) const noexcept {
    if (side == 0 || use_.size() == 1) return use_[0];
    return use_[1 + (side - 1) % (use_.size() - 1)];
  }
  [[nodiscard]] bool are_crowded_by(std::size_t sides) const noexcept {
    return are_busy_ || sides > use_.size();
  }
  // Sides that share a processor get no real-time priority: a spinning one would keep it.
  [[nodiscard]] priority priority_of(std::size_t sides) const noexcept {
    return are_crowded_by(sides) ? priority::normal : priority_;
  }

 private:
  std::vector<int> use_;
  priority priority_;
  bool are_busy_;
};

// Whether this process may give itself real-time priority.
[[nodiscard]] bool may_be_realtime();

// Zeroed pages that threads and forked processes see alike.
class shared_pages {
 public:
  explicit shared_pages(std::size_t bytes);
  shared_pages(shared_pages&& other) noexcept;
  ~shared_pages();

  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return bytes_; }

 private:
  std::span<std::byte> bytes_;
};

// Count values of T in shared pages.
template <class T>
class shared {
 public:
  explicit shared(std::size_t count = 1) : pages_(count * sizeof(T)), count_(count) {
    for (std::size_t i = 0; i < count; ++i) new (&pages_.bytes()[i * sizeof(T)]) T;
  }
  [[nodiscard]] std::span<T> all() const noexcept {
    return {std::launder(reinterpret_cast<T*>(pages_.bytes().data())), count_};
  }
  T* operator->() const noexcept { return all().data(); }

 private:
  shared_pages pages_;
  std::size_t count_;
};

// Lets nobody pass before all have come.
class gate {
 public:
  void pass(std::size_t sides) noexcept;

 private:
  std::atomic<std::size_t> arrived_{0};
};

// Polls again: at once, or, where sides share a processor, offering it now and then.
class poll {
 public:
  explicit poll(bool crowded) noexcept : crowded_(crowded) {}
  void again() noexcept {
    if (crowded_ && ++count_ % 64 == 0) [[unlikely]]
      yield();
  }

 private:
  static void yield() noexcept;
  bool crowded_;
  std::uint32_t count_ = 0;
};

// Throws what errno says of the call that failed.
[[noreturn]] void fail(const char* what);

// Pins the calling thread, and gives it the priority.
void take_place(int processor, priority wanted);

// Thrown when the caller asked to stop the measurement.
struct broken_off {};

// How long to wait for the sides. The default waits as long as they take.
struct patience {
  std::chrono::steady_clock::time_point until = std::chrono::steady_clock::time_point::max();
  std::function<bool()> is_asked_to_stop;

  // Throws broken_off when asked to stop, std::runtime_error when the time is over.
  void check() const;
};

// A process for each side. None outlives this object. A side that throws passes its reason on.
class side_processes {
 public:
  // A traced side first stops, so that its parent can trace it.
  side_processes(const processors& on, std::span<const std::function<void()>> sides,
                 bool are_traced = false);
  ~side_processes();
  side_processes(const side_processes&) = delete;
  side_processes& operator=(const side_processes&) = delete;

  [[nodiscard]] std::span<const pid_t> all() const noexcept { return children_; }
  // Returns when all are done. Throws if one of them failed, and what `until` throws.
  void wait(const patience& until);
  // Notes that a side has ended and was waited for elsewhere. Throws if it failed.
  void ended(std::size_t side, int how);
  // Returns when a side ends or a traced one stops, after 20 ms at most.
  static void nap();

 private:
  struct reason {
    std::array<char, 240> text{};
  };
  static constexpr pid_t gone = 0;

  [[noreturn]] static void be_side(const std::function<void()>& take_its_place,
                                   const std::function<void()>& side, reason& why, bool is_traced);
  void kill_all() noexcept;

  shared<reason> reasons_;
  std::vector<pid_t> children_;
  sigset_t signals_before_{};
};

// Returns when all are done. Throws if a process failed; a thread must not throw.
void run_sides(where at, const processors& on, std::span<const std::function<void()>> sides,
               const patience& until = {});

}  // namespace annulus::bench
