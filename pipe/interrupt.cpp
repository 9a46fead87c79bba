#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include <annulus/pipe/interrupt.hpp>

namespace annulus::pipes {

result<interruption> interruption::make() {
  interruption made;
  made.home_ = home::here();
  made.event_ = descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!made.event_) return files::system_error("cannot make an eventfd", errno);
  return made;
}

void interruption::raise() noexcept {
  if (!home_.is_here()) return;  // a child's copy: the eventfd is its parent's too
  const int kept = errno;
  // [interrupt] release: what was done before is seen by the wait that this ends.
  raised_.exchange<edge::interrupt>(1, std::memory_order_release);
  const std::uint64_t one = 1;
  // Full means readable, which is all that is asked.
  [[maybe_unused]] const auto done = ::write(event(), &one, sizeof one);
  errno = kept;
}

bool interruption::take() noexcept {
  // [hint] relaxed: the exchange decides.
  if (raised_.load<edge::hint>(std::memory_order_relaxed) == 0) [[likely]]
    return false;
  // [interrupt] acquire: sees what was done before the wait was ended.
  return raised_.exchange<edge::interrupt>(0, std::memory_order_acquire) != 0;
}

void interruption::drain(int event) noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto done = ::read(event, &count, sizeof count);
}

}  // namespace annulus::pipes
