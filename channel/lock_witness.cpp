#include <algorithm>
#include <chrono>
#include <thread>

#include <annulus/channel/lock.hpp>
#include <annulus/channel/uncancelled.hpp>

namespace annulus::locks {
namespace {

template <class Attempt>
bool until_taken(deadline until, Attempt attempt) noexcept {
  const uncancelled here;
  constexpr std::chrono::microseconds shortest{50}, longest{5000};
  for (auto pause = shortest;; pause = std::min(2 * pause, longest)) {
    if (attempt()) return true;
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace

bool take(int file, std::uint32_t role, deadline until) noexcept {
  return until_taken(until, [&] { return take(file, role); });
}

bool take_shared(int file, std::uint32_t role, deadline until) noexcept {
  return until_taken(until, [&] { return take_shared(file, role); });
}

}  // namespace annulus::locks

namespace annulus {

bool lock_witness::is_held(std::uint32_t role) const noexcept {
  return file_ < 0 || locks::is_held(file_, role);
}

void lock_witness::give_back() const noexcept {
  if (file_ >= 0) locks::give_back(file_);
}

bool lock_witness::outlast_maker() const noexcept {
  if (file_ < 0) return false;
  const uncancelled here;
  const auto until = within(std::chrono::seconds(2));
  while (locks::is_held(file_, locks::maker)) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  return true;
}

bool lock_witness::take(std::uint32_t role) const noexcept {
  return file_ < 0 || locks::take(file_, role);
}

}  // namespace annulus
