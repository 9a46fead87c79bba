#include "cli/system.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>

namespace annulus::cli {
namespace streams {
namespace {

constexpr int patience_ms = 200;  // for a reader of stderr that does not read
constexpr int nap_ms = 100;

void wait_for(int number, short events) noexcept {
  pollfd one{number, events, 0};
  poll(&one, 1, nap_ms);
}

}  // namespace

void occupy() noexcept {
  for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number) {
    if (fcntl(number, F_GETFD) >= 0 || errno != EBADF) continue;
    // The wrong way round, so that each use fails as on the closed one. open() takes the lowest
    // number that is free: this one, as all below it are open.
    if (open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0) {
      static_cast<void>(open("/", O_PATH));
    }
  }
}

int open_to_read(const std::string& path) noexcept {
  return open(path.c_str(), O_RDONLY | O_CLOEXEC);
}

int open_to_write(const std::string& path) noexcept {
  return open(path.c_str(), O_WRONLY | O_CLOEXEC);
}

int make_to_write(const std::string& path, bool must_be_new) noexcept {
  return open(path.c_str(), O_WRONLY | O_CLOEXEC | O_CREAT | (must_be_new ? O_EXCL : 0), 0666);
}

void widen(int number) noexcept { fcntl(number, F_SETPIPE_SZ, 1 << 20); }

std::ptrdiff_t read_some(int number, std::span<std::byte> into) noexcept {
  return ::read(number, into.data(), std::min<std::size_t>(into.size(), 1 << 30));
}

std::ptrdiff_t write_some(int number, std::span<const piece> pieces) noexcept {
  std::array<iovec, IOV_MAX> all;
  const auto count = std::min(pieces.size(), all.size());
  for (std::size_t i = 0; i < count; ++i) {
    all[i] = {const_cast<std::byte*>(pieces[i].data), pieces[i].size};  // writev only reads
  }
  return writev(number, all.data(), static_cast<int>(count));
}

void wait_to_read(int number) noexcept { wait_for(number, POLLIN); }
void wait_to_write(int number) noexcept { wait_for(number, POLLOUT); }

void write_remark(std::string_view text) noexcept {
  while (!text.empty()) {
    // What poll() calls writable takes PIPE_BUF bytes without a wait.
    pollfd err{STDERR_FILENO, POLLOUT, 0};
    if (poll(&err, 1, patience_ms) != 1 || (err.revents & POLLOUT) == 0) return;
    const auto some = std::min<std::size_t>(text.size(), PIPE_BUF);
    const auto done = write(STDERR_FILENO, text.data(), some);
    if (done <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(done));
  }
}

bool is_reader_gone() noexcept {
  pollfd out{STDOUT_FILENO, 0, 0};
  return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

bool is_at(int number, const std::string& path) noexcept {
  struct stat own {};
  struct stat other {};
  return fstat(number, &own) == 0 && stat(path.c_str(), &other) == 0 &&
         own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

}  // namespace streams

void set_variable(const char* name, const std::string& value) { setenv(name, value.c_str(), 1); }

std::string name_of_user(std::uint32_t number) {
  const passwd* const entry = getpwuid(number);
  return entry != nullptr ? entry->pw_name : std::to_string(number);
}

}  // namespace annulus::cli
