#include "cli/signals.hpp"

#include "cli/exit_code.hpp"
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>

namespace annulus::cli {
namespace {

volatile sig_atomic_t asked_to_stop = 0;
timer_t repeats;
bool has_timer = false;

constexpr std::chrono::nanoseconds between_alarms = std::chrono::milliseconds(20);

// Zero: no alarm any more.
void raise_alarms_after(std::chrono::nanoseconds first) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(first);
  itimerspec when{};
  when.it_value.tv_sec = whole.count();
  when.it_value.tv_nsec = (first - whole).count();
  when.it_interval.tv_nsec = between_alarms.count();
  if (has_timer) timer_settime(repeats, 0, &when, nullptr);
}

void ask_to_stop(int signal) {
  asked_to_stop = signal;
  raise_alarms_after(between_alarms);
}

void interrupt(int) {}

void cut_off(int) {
  for (const std::string_view part : {std::string_view("annulus: "), no_memory_there, {"\n"}}) {
    [[maybe_unused]] const auto written = write(STDERR_FILENO, part.data(), part.size());
  }
  _exit(static_cast<int>(exit_code::damaged));
}

// Also where whoever started us had it blocked: nobody would hear it then, and SIGBUS would kill.
void handle(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  sigprocmask(SIG_UNBLOCK, &one, nullptr);
}

bool is_ignored(int signal) {
  struct sigaction now {};
  return sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

}  // namespace

void heed_signals() {
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGALRM;
  handle(SIGALRM, interrupt);
  has_timer = timer_create(CLOCK_MONOTONIC, &event, &repeats) == 0;
  handle(SIGINT, ask_to_stop);
  handle(SIGTERM, ask_to_stop);
  if (!is_ignored(SIGHUP)) handle(SIGHUP, ask_to_stop);  // nohup
  handle(SIGPIPE, SIG_IGN);
  handle(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error, not a death
  handle(SIGBUS, cut_off);
}

int stop_signal() noexcept { return asked_to_stop; }

// A signal that asks to stop may come at any moment here: its alarms are the ones that stay.
wake_up::wake_up(std::chrono::nanoseconds after) noexcept {
  raise_alarms_after(std::max(after, std::chrono::nanoseconds(1)));
  if (asked_to_stop != 0) raise_alarms_after(between_alarms);
}
wake_up::~wake_up() {
  raise_alarms_after(std::chrono::nanoseconds(0));
  if (asked_to_stop != 0) raise_alarms_after(between_alarms);
}

}  // namespace annulus::cli
