#include "cli/signals.hpp"

#include <windows.h>

#include <atomic>
#include <csignal>

// ^C and the closing of the console reach a thread that the system makes for them. It asks the
// command to stop, and gives it a second; a read of the input that does not return ends then.
namespace annulus::cli {
namespace {

std::atomic<int> asked_to_stop{0};

BOOL WINAPI ask_to_stop(DWORD) {
  asked_to_stop.store(SIGINT, std::memory_order_relaxed);
  Sleep(1000);
  ExitProcess(128 + SIGINT);
}

}  // namespace

void heed_signals() { SetConsoleCtrlHandler(ask_to_stop, TRUE); }

int stop_signal() noexcept { return asked_to_stop.load(std::memory_order_relaxed); }

wake_up::wake_up(std::chrono::nanoseconds) noexcept {}
wake_up::~wake_up() = default;

}  // namespace annulus::cli
