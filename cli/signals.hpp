// ^C and its kin end a command cleanly; a segment cut off under our feet ends it with a message.
#pragma once

#include <chrono>
#include <string_view>

namespace annulus::cli {

// SIGINT, SIGTERM and SIGHUP only ask to stop. A signal that falls just before a system call that
// blocks would be missed: a timer repeats it until the command has ended. SIGPIPE and
// SIGXFSZ are ignored: the write says it.
void heed_signals();

// The signal that asked to stop; 0: none has.
[[nodiscard]] int stop_signal() noexcept;

// A system call that blocks ends with EINTR that long from now, and each next one soon after, until
// this goes. On Windows it does nothing: no opening blocks there.
class wake_up {
 public:
  explicit wake_up(std::chrono::nanoseconds after) noexcept;
  ~wake_up();
  wake_up(const wake_up&) = delete;
  wake_up& operator=(const wake_up&) = delete;
};

// What a command says that reads or writes in place where there is no memory (any more).
inline constexpr std::string_view no_memory_there =
    "the channel has no memory there: its file was cut off, or has a hole and memory ran out; free "
    "memory and try again, or remove it and lose what it holds";

// What a command throws when it gives up because of stop_signal().
struct stopped {};
inline void throw_if_stopped() {
  if (stop_signal() != 0) throw stopped{};
}

}  // namespace annulus::cli
