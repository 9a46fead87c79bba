#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include <annulus/channel/file.hpp>
#include <annulus/pipe/interrupt.hpp>

namespace annulus::pipes {

wake_event::~wake_event() { const descriptor closed(number_); }

result<wake_event> wake_event::make() {
  descriptor event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return files::system_error("cannot make an eventfd", errno);
  wake_event made;
  made.number_ = event.release();
  return made;
}

void wake_event::set() const noexcept {
  const std::uint64_t one = 1;
  // Full means readable, which is all that is asked.
  [[maybe_unused]] const auto done = ::write(number_, &one, sizeof one);
}

void wake_event::clear(int number) noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto done = ::read(number, &count, sizeof count);
}

}  // namespace annulus::pipes
