#include "cli/place.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include <annulus/ring/kernel.hpp>

namespace annulus::cli {

bool is_still_named(const segment& memory) {
  struct stat held {};
  struct stat named {};
  return fstat(memory.file(), &held) == 0 && lstat(memory.path().c_str(), &named) == 0 &&
         held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

bool remove_if_over(const segment& memory) {
  const lock_witness locks(memory.file());
  if (!locks.take(consumer_role)) return true;  // the next consumer ends it
  // A producer has its lock a moment longer than its role, and a moment earlier.
  const auto gives_up_at = within(std::chrono::seconds(2));
  for (;;) {
    auto seen = inspect(memory);
    if (!seen) return true;
    bool is_any_held = false;
    for (std::uint32_t i = 0; i < memory.geometry().producers; ++i) {
      if (seen->producers[i].state == presence::attached) return false;
      is_any_held |= locks.is_held(producer_role(i));
    }
    if (!is_any_held) break;
    if (std::chrono::steady_clock::now() > gives_up_at) return true;
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  // Nobody is there who could push, so what is seen now is final.
  auto seen = inspect(memory);
  if (!seen || seen->depth != 0 || seen->front != front::empty) return false;
  // Exact, as long as nobody forces: the name changes hands only under the lock that we hold.
  if (is_still_named(memory)) unlink(memory.path().c_str());
  return true;
}

std::uint64_t arrivals(const ring_report& seen) noexcept {
  std::uint64_t count = 0;
  for (const auto& one : seen.producers) count += one.generation;
  return count;
}

void patience::waits(const std::string& what) {
  const auto now = std::chrono::steady_clock::now();
  if (since_ == deadline{}) since_ = now;
  if (has_said_ || now - since_ < std::chrono::seconds(1)) return;
  has_said_ = true;
  fmt::print(stderr, "annulus: {}\n", what);
}

}  // namespace annulus::cli
