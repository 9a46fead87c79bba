#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

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
  interrupt_word::raise();
  const std::uint64_t one = 1;
  // Full means readable, which is all that is asked.
  [[maybe_unused]] const auto done = ::write(event(), &one, sizeof one);
  errno = kept;
}

void interruption::drain(int event) noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto done = ::read(event, &count, sizeof count);
}

}  // namespace annulus::pipes
