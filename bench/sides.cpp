#include "sides.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

namespace annulus::bench {
namespace {

std::system_error last_error(const char* what) {
  return {errno, std::generic_category(), what};
}

void pin_to(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(processor), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) throw last_error("sched_setaffinity");
}

void run_threads(const processors& on, std::span<const std::function<void()>> sides) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < sides.size(); ++i) {
    threads.emplace_back([&, i] {
      pin_to(on.of_side(i));
      sides[i]();
    });
  }
  for (auto& thread : threads) thread.join();
}

[[noreturn]] void be_child(int processor, const std::function<void()>& side) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  try {
    pin_to(processor);
    side();
    _exit(0);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench: a side failed: %s\n", e.what());
    _exit(1);
  }
}

void run_processes(const processors& on, std::span<const std::function<void()>> sides) {
  std::vector<pid_t> children;
  for (std::size_t i = 0; i < sides.size(); ++i) {
    const pid_t child = fork();
    if (child < 0) throw last_error("fork");
    if (child == 0) be_child(on.of_side(i), sides[i]);
    children.push_back(child);
  }
  bool all_well = true;
  for (std::size_t left = children.size(); left > 0; --left) {
    int how = 0;
    wait(&how);
    if (how == 0 || !all_well) continue;
    all_well = false;
    for (const pid_t child : children) kill(child, SIGKILL);
  }
  if (!all_well) throw std::runtime_error("a side of the measurement failed");
}

}  // namespace

std::vector<int> processors::allowed() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) throw last_error("sched_getaffinity");
  std::vector<int> all;
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(static_cast<std::size_t>(i), &set)) all.push_back(i);
  }
  return all;
}

shared_pages::shared_pages(std::size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (at == MAP_FAILED) throw last_error("mmap");
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

void run_sides(where at, const processors& on, std::span<const std::function<void()>> sides) {
  if (at == where::threads) {
    run_threads(on, sides);
  } else {
    run_processes(on, sides);
  }
}

}  // namespace annulus::bench
