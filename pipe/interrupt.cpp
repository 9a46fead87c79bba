#include <cerrno>
#include <utility>

#include <annulus/pipe/interrupt.hpp>

namespace annulus::pipes {

result<interruption> interruption::make() {
  auto event = wake_event::make();
  if (!event) return event.error();
  interruption made;
  made.home_ = home::here();
  made.event_ = std::move(*event);
  return made;
}

void interruption::raise() noexcept {
  if (!home_.is_here()) return;  // a child's copy: the event is its parent's too
  const int kept = errno;
  interrupt_word::raise();
  event_.set();
  errno = kept;
}

}  // namespace annulus::pipes
