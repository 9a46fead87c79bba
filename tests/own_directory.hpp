// A directory of a test program's own for its channels, which goes however the program ends:
// killed, aborted, or past its time.
//
//     const own_directory all_channels;   // outside of all functions
#pragma once

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include <annulus/channel/directory.hpp>

namespace annulus::testing {

class own_directory {
 public:
  own_directory() : path_(files::directory() + "/annulus-test.XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) std::abort();
    setenv(files::directory_variable, path_.c_str(), 1);
    const auto program = static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0));
    const pid_t between = fork();
    if (program < 0 || between < 0) std::abort();
    if (between == 0) {
      // An orphan, in a session and with streams of its own: what ends the tests leaves it alone.
      setsid();
      if (fork() == 0) clear_after(program);
      _exit(0);
    }
    waitpid(between, nullptr, 0);
    close(program);
  }
  own_directory(const own_directory&) = delete;
  own_directory& operator=(const own_directory&) = delete;
  ~own_directory() = default;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  [[noreturn]] void clear_after(int program) const {
    dup2(program, STDIN_FILENO);
    closefrom(STDOUT_FILENO);
    pollfd ended{STDIN_FILENO, POLLIN, 0};
    while (poll(&ended, 1, -1) != 1) {
    }
    std::error_code none;
    std::filesystem::remove_all(path_, none);
    _exit(0);
  }

  std::string path_;
};

}  // namespace annulus::testing
