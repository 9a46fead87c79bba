#include "bench/sides.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

namespace annulus::bench {
namespace {

// The parent sees this stop as the first of the trace.
void stop_for_tracer() {
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) fail("ptrace");
  raise(SIGSTOP);
}

sigset_t only_sigchld() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  return set;
}

void run_threads(const processors& on, std::span<const std::function<void()>> sides) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < sides.size(); ++i) {
    threads.emplace_back([&, i] {
      take_place(on.of_side(i), on.priority_of(sides.size()));
      sides[i]();
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace

void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

void take_place(int processor, priority wanted) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(processor), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) fail("sched_setaffinity");
  // A process that was started with real-time priority keeps what it has.
  if (wanted == priority::normal || sched_getscheduler(0) != SCHED_OTHER) return;
  sched_param lowest{};
  lowest.sched_priority = sched_get_priority_min(SCHED_FIFO);
  if (sched_setscheduler(0, SCHED_FIFO, &lowest) != 0) fail("sched_setscheduler");
}

bool may_be_realtime() {
  bool may = true;
  std::thread([&may] {
    try {
      take_place(processors::allowed().front(), priority::realtime);
    } catch (const std::system_error&) {
      may = false;
    }
  }).join();
  return may;
}

std::vector<int> processors::allowed() {
  // A machine may have more than a cpu_set_t holds, and says no more then than that.
  std::vector<cpu_set_t> sets(1);
  const auto bytes = [&] { return sets.size() * sizeof(cpu_set_t); };
  while (sched_getaffinity(0, bytes(), sets.data()) != 0) {
    if (errno != EINVAL || sets.size() >= 64) return {0};  // where it is not told: the first
    sets.resize(2 * sets.size());
  }
  std::vector<int> all;
  for (std::size_t i = 0; i < sets.size() * CPU_SETSIZE; ++i) {
    if (CPU_ISSET_S(i, bytes(), sets.data())) all.push_back(static_cast<int>(i));
  }
  return all;
}

std::vector<int> processors::two_cores() {
  const auto core_of = [](int cpu) {
    std::ifstream in("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/core_id");
    int core = -1;
    in >> core;
    return core;
  };
  const auto all = allowed();
  if (all.size() < 2) return {};
  for (std::size_t i = 1; i < all.size(); ++i) {
    if (core_of(all[i]) != core_of(all[0])) return {all[0], all[i]};
  }
  return {all[0], all[1]};
}

shared_pages::shared_pages(std::size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE,
                  -1, 0);
  if (at == MAP_FAILED) fail("mmap");
  bytes_ = {static_cast<std::byte*>(at), bytes};
}
shared_pages::shared_pages(shared_pages&& other) noexcept
    : bytes_(std::exchange(other.bytes_, {})) {}
shared_pages::~shared_pages() {
  if (!bytes_.empty()) munmap(bytes_.data(), bytes_.size());
}

void gate::pass(std::size_t sides) noexcept {
  arrived_.fetch_add(1, std::memory_order_acq_rel);
  while (arrived_.load(std::memory_order_acquire) < sides) sched_yield();
}

void poll::yield() noexcept { sched_yield(); }

void patience::check() const {
  if (is_asked_to_stop && is_asked_to_stop()) throw broken_off{};
  if (std::chrono::steady_clock::now() > until) {
    throw std::runtime_error("it was not done in time: messages were lost, or a side hangs");
  }
}

side_processes::side_processes(const processors& on, std::span<const std::function<void()>> sides,
                               bool are_traced)
    : reasons_(sides.size()) {
  const auto child_changes = only_sigchld();
  sigprocmask(SIG_BLOCK, &child_changes, &signals_before_);  // so that nap() can wait for it
  for (std::size_t i = 0; i < sides.size(); ++i) {
    const pid_t child = fork();
    if (child < 0) {
      kill_all();
      fail("fork");
    }
    if (child == 0) {
      be_side([&] { take_place(on.of_side(i), on.priority_of(sides.size())); }, sides[i],
              reasons_.all()[i], are_traced);
    }
    children_.push_back(child);
  }
}

side_processes::~side_processes() {
  kill_all();
  sigprocmask(SIG_SETMASK, &signals_before_, nullptr);
}

void side_processes::be_side(const std::function<void()>& take_its_place,
                             const std::function<void()>& side, reason& why, bool is_traced) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent heeds these, and then kills its sides.
  for (const int asks_to_stop : {SIGINT, SIGTERM, SIGHUP}) signal(asks_to_stop, SIG_IGN);
  try {
    take_its_place();
    if (is_traced) stop_for_tracer();
    side();
    _exit(0);
  } catch (const std::exception& e) {
    std::strncpy(why.text.data(), e.what(), why.text.size() - 1);
    _exit(1);
  }
}

// Kills and reaps the sides that are left. Reaps any child: a traced process does not end before
// its threads were reaped.
void side_processes::kill_all() noexcept {
  for (const pid_t child : children_) {
    if (child != gone) kill(child, SIGKILL);
  }
  const auto is_there = [](pid_t child) { return child != gone; };
  while (std::ranges::any_of(children_, is_there)) {
    int how = 0;
    const pid_t ended = waitpid(-1, &how, __WALL);
    if (ended < 0 && errno != EINTR) return;
    if (WIFSTOPPED(how)) continue;
    std::ranges::replace(children_, ended, gone);
  }
}

void side_processes::ended(std::size_t side, int how) {
  children_[side] = gone;
  if (WIFEXITED(how) && WEXITSTATUS(how) == 0) return;
  kill_all();
  const std::string told = reasons_.all()[side].text.data();
  if (!told.empty()) throw std::runtime_error(told);
  throw std::runtime_error("a side of the measurement died of signal " +
                           std::to_string(WTERMSIG(how)));
}

void side_processes::wait(const patience& until) {
  for (;;) {
    std::size_t left = 0;
    for (std::size_t side = 0; side < children_.size(); ++side) {
      int how = 0;
      if (children_[side] == gone) continue;
      if (waitpid(children_[side], &how, WNOHANG) == children_[side]) {
        ended(side, how);
      } else {
        ++left;
      }
    }
    if (left == 0) return;
    until.check();
    nap();
  }
}

void side_processes::nap() {
  const auto child_changes = only_sigchld();
  const timespec most{0, 20'000'000};
  sigtimedwait(&child_changes, nullptr, &most);
}

void run_sides(where at, const processors& on, std::span<const std::function<void()>> sides,
               const patience& until) {
  if (at == where::threads) {
    run_threads(on, sides);
  } else {
    side_processes(on, sides).wait(until);
  }
}

}  // namespace annulus::bench
