#include "bench/calls.hpp"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

namespace annulus::bench {
namespace {

constexpr long mark_call = SYS_getppid;  // no other call on these paths
constexpr std::size_t pattern_bytes = 64;
constexpr std::uint64_t most_of_a_region = std::uint64_t{256}
                                           << 20;  // a sanitizer's shadow is more

// A place in memory: the file or the process, and the offset.
using place = std::tuple<std::string, std::uint64_t>;

// Adds each place in the process's writable memory where the pattern lies.
void find_places(pid_t process, std::span<const std::byte> pattern, std::set<place>& found) {
  std::ifstream maps("/proc/" + std::to_string(process) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    std::uint64_t from = 0, to = 0, offset = 0;
    char rights[8] = "", device[16] = "";
    unsigned long inode = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx %7s %lx %15s %lu", &from, &to, rights, &offset, device,
                    &inode) != 6) {
      continue;
    }
    if (rights[0] != 'r' || rights[1] != 'w' || to - from > most_of_a_region) continue;
    std::vector<std::byte> copy(to - from);
    const iovec mine{copy.data(), copy.size()};
    const iovec theirs{reinterpret_cast<void*>(from), copy.size()};  // NOLINT: an address there
    const auto got = process_vm_readv(process, &mine, 1, &theirs, 1, 0);
    if (got <= 0) continue;
    const bool is_shared = rights[3] == 's';
    const auto whose = is_shared ? device + std::to_string(inode) : std::to_string(process);
    const auto end = copy.begin() + got;
    for (auto at = copy.begin(); (at = std::search(at, end, pattern.begin(), pattern.end())) != end;
         ++at) {
      const auto distance = static_cast<std::uint64_t>(at - copy.begin());
      found.emplace(whose, (is_shared ? offset : from) + distance);
    }
  }
}

// What is known about one traced side.
struct side {
  pid_t process = 0;
  int marks = 0;
  std::uint64_t calls = 0;
  std::uint64_t bytes_taken = 0;  // by the kernel
};

// A thread's call, from its entry to its exit.
struct call {
  std::uint64_t number = 0;
  std::uint64_t size = 0;  // of mq_timedsend
};

// The bytes that the kernel took in a call that returned `value`.
std::uint64_t taken_by(const call& made, std::int64_t value, std::size_t message_bytes) {
  if (value < 0) return 0;
  const auto count = static_cast<std::uint64_t>(value);
  switch (made.number) {
    case SYS_write:
    case SYS_writev:
    case SYS_sendto:
    case SYS_sendmsg: return count < message_bytes ? 0 : count;  // less: it rings a bell
    case SYS_sendmmsg: return count * message_bytes;
    case SYS_mq_timedsend: return made.size;
    default: return 0;
  }
}

// Follows the threads of both sides from stop to stop.
class tracer {
 public:
  tracer(side_processes& sides, const load& how) : sides_(sides), how_(how) {
    for (const pid_t process : sides.all()) both_.push_back({process});
  }

  // Returns when both have ended. Calls `both_done` when both are at their second mark.
  void follow(const patience& until, const std::function<void()>& both_done) {
    while (left_ > 0) {
      until.check();
      int how = 0;
      const pid_t thread = waitpid(-1, &how, __WALL | WNOHANG);
      if (thread < 0) fail("waitpid");
      if (thread == 0) {
        side_processes::nap();
        continue;
      }
      if (WIFSTOPPED(how)) {
        stopped(thread, how, both_done);
      } else if (const auto of = std::ranges::find(both_, thread, &side::process);
                 of != both_.end()) {
        --left_;
        sides_.ended(static_cast<std::size_t>(of - both_.begin()), how);
      }
    }
  }

  [[nodiscard]] const side& producer() const { return both_[1]; }
  [[nodiscard]] const side& consumer() const { return both_[0]; }

 private:
  void stopped(pid_t thread, int how, const std::function<void()>& both_done) {
    const int signal = WSTOPSIG(how);
    if (signal == (SIGTRAP | 0x80)) {
      if (syscall_stop(thread)) return hold(thread, both_done);
      return go_on(thread);
    }
    if (known_.insert(thread).second) {
      // The first stop of a side or of a new thread.
      constexpr long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
      ptrace(PTRACE_SETOPTIONS, thread, nullptr, options);
      return go_on(thread);
    }
    go_on(thread, signal == SIGTRAP || signal == SIGSTOP ? 0 : signal);
  }

  // Returns true at the second mark of a side.
  bool syscall_stop(pid_t thread) {
    __ptrace_syscall_info info{};
    if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) < 0) return false;
    side& of = side_of(thread);
    if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
      const auto& made = underway_[thread];
      if (of.marks == 1) of.bytes_taken += taken_by(made, info.exit.rval, how_.bytes);
      return false;
    }
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY) return false;
    underway_[thread] = {info.entry.nr, info.entry.args[2]};
    if (info.entry.nr == mark_call) return ++of.marks == 2;
    if (of.marks == 1) ++of.calls;
    return false;
  }

  // A side at its second mark is held, so that its memory stays as it is.
  void hold(pid_t thread, const std::function<void()>& both_done) {
    held_.push_back(thread);
    if (held_.size() < both_.size()) return;
    both_done();
    for (const pid_t one : held_) go_on(one);
  }

  static void go_on(pid_t thread, int signal = 0) {
    ptrace(PTRACE_SYSCALL, thread, nullptr, static_cast<long>(signal));
  }

  side& side_of(pid_t thread) {
    const auto known = side_of_.find(thread);
    if (known != side_of_.end()) return both_[known->second];
    std::ifstream status("/proc/" + std::to_string(thread) + "/status");
    pid_t process = thread;
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("Tgid:")) process = std::stoi(line.substr(5));
    }
    const auto at = std::ranges::find(both_, process, &side::process) - both_.begin();
    return both_[side_of_[thread] = std::min<std::size_t>(static_cast<std::size_t>(at), 1)];
  }

  side_processes& sides_;
  const load& how_;
  std::vector<side> both_;
  std::size_t left_ = 2;
  std::set<pid_t> known_;
  std::vector<pid_t> held_;
  std::map<pid_t, call> underway_;
  std::map<pid_t, std::size_t> side_of_;
};

}  // namespace

void mark() { static_cast<void>(syscall(mark_call)); }

calls count_calls(link& open, load how, const processors& on, const patience& until) {
  how.is_counted = true;
  shared<stage> seen;
  stage& at = *seen.operator->();
  side_processes sides(on,
                       std::vector<std::function<void()>>{[&] { open.consume(how, at, {}); },
                                                          [&] { open.produce(how, at, 0); }},
                       true);
  std::set<place> places;
  tracer tracing(sides, how);
  tracing.follow(until, [&] {
    std::vector<std::byte> last(how.bytes);
    script(how.salt).write(last.data(), last.size(), at.last);
    last.resize(std::min(last.size(), pattern_bytes));
    for (const pid_t process : sides.all()) find_places(process, last, places);
  });
  const auto sent = static_cast<double>(at.producer.messages);
  const auto into = static_cast<double>(tracing.producer().bytes_taken);
  const double in_kernel = std::round(into / (sent * static_cast<double>(how.bytes)));
  return {static_cast<double>(tracing.producer().calls) / sent,
          static_cast<double>(tracing.consumer().calls) /
              static_cast<double>(std::max<std::uint64_t>(at.consumer.messages, 1)),
          places.empty() ? 0 : static_cast<double>(places.size()) - 1 + in_kernel};
}

}  // namespace annulus::bench
