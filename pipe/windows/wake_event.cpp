#include <cerrno>
#include <cstdint>

#include <annulus/channel/windows/handle.hpp>
#include <annulus/pipe/interrupt.hpp>

// The number is the event's handle: handles have 32 bits that count.
namespace annulus::pipes {
namespace {

HANDLE handle_of(int number) noexcept {
  return reinterpret_cast<HANDLE>(static_cast<std::intptr_t>(number));
}

}  // namespace

wake_event::~wake_event() {
  if (number_ >= 0) CloseHandle(handle_of(number_));
}

result<wake_event> wake_event::make() {
  const auto event = CreateEventW(nullptr, TRUE, FALSE, nullptr);
  if (event == nullptr) {
    windows::set_errno();
    return files::system_error("cannot make an event", errno);
  }
  wake_event made;
  made.number_ = static_cast<int>(reinterpret_cast<std::intptr_t>(event));
  return made;
}

void wake_event::set() const noexcept { SetEvent(handle_of(number_)); }

void wake_event::clear(int number) noexcept { ResetEvent(handle_of(number)); }

}  // namespace annulus::pipes
