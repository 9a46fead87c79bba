// ^C and its kin end a command cleanly; a segment cut off under our feet ends it with a message.
#pragma once

namespace annulus::cli {

// SIGINT, SIGTERM and SIGHUP only ask to stop. A signal that falls just before a system call that
// blocks would be missed: a timer repeats it until the command has ended. SIGPIPE and
// SIGXFSZ are ignored: the write says it.
void heed_signals();

// The signal that asked to stop; 0: none has.
[[nodiscard]] int stop_signal() noexcept;

// What a command throws when it gives up because of stop_signal().
struct stopped {};
inline void throw_if_stopped() {
  if (stop_signal() != 0) throw stopped{};
}

}  // namespace annulus::cli
