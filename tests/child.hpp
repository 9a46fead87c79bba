// A process of its own for part of a test: what must die, or must not be root.
#pragma once

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <utility>

namespace annulus::testing {

class child {
 public:
  // Runs `work`, whose answer is the exit status; nothing of the parent is destroyed there. In
  // namespaces of its own, if it is said which, as for clone().
  template <class Work>
  explicit child(Work work, int apart = 0) : pid_(apart == 0 ? fork() : fork_apart(apart)) {
    if (pid_ < 0) std::abort();
    if (pid_ == 0) _exit(work());
  }
  child(const child&) = delete;
  child& operator=(const child&) = delete;
  ~child() {
    if (pid_ > 0) (void)killed();
  }

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  // The exit status; a death by a signal is its number, negated.
  [[nodiscard]] int exit_status() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0) {
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  int killed() {
    ::kill(pid_, SIGKILL);
    return exit_status();
  }

 private:
  static pid_t fork_apart(int namespaces) {
    return static_cast<pid_t>(syscall(SYS_clone, namespaces | SIGCHLD, 0, 0, 0, 0));
  }

  pid_t pid_;
};

// Whether a process may have a pid namespace of its own here. Else it says that the test was not
// tried.
inline bool may_number_processes() {
  const bool may = child([] { return unshare(CLONE_NEWPID) == 0 ? 0 : 1; }).exit_status() == 0;
  if (!may) std::cerr << "not tried: this system allows no pid namespaces\n";
  return may;
}

// Whether a process may have mounts of its own here. Else it says that the test was not tried.
inline bool may_mount() {
  const bool may = child([] {
                     return unshare(CLONE_NEWNS) == 0 &&
                                    mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0
                                ? 0
                                : 1;
                   }).exit_status() == 0;
  if (!may) std::cerr << "not tried: this system allows no mount namespaces\n";
  return may;
}

// A pipe over which one process tells another that it has come so far.
class signpost {
 public:
  signpost() {
    if (::pipe(ends_) != 0) std::abort();
  }
  signpost(const signpost&) = delete;
  signpost& operator=(const signpost&) = delete;
  ~signpost() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

  void reached() const {
    if (::write(ends_[1], "!", 1) != 1) std::abort();
  }
  void wait() const {
    char mark = 0;
    if (::read(ends_[0], &mark, 1) != 1) std::abort();
  }

 private:
  int ends_[2];
};

// Works in a process that stays until it is killed; returns when `work` is done there.
template <class Work>
class lingering {
 public:
  explicit lingering(Work work, int apart = 0)
      : process_(
            [&] {
              const auto kept = work();  // alive until the process is not
              post_.reached();
              for (;;) pause();
              return 0;
            },
            apart) {
    post_.wait();
  }
  [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }
  void kill() { process_.killed(); }

 private:
  signpost post_;
  child process_;
};

}  // namespace annulus::testing
