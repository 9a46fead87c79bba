#include "cli/console.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>

namespace annulus::cli {
namespace {

constexpr int patience_ms = 200;  // for a reader of stderr that does not read

// The UTF-8 sequence that text starts with; no bytes: it starts with none.
struct sequence {
  std::size_t bytes = 0;
  char32_t code = 0;
};

sequence decode(std::string_view text) noexcept {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return {1, first};
  const std::size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < bytes) return {};
  char32_t code = first & (0x7fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80) return {};
    code = code << 6 | (next & 0x3fu);
  }
  constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < least[bytes] || code > 0x10ffff || is_surrogate) return {};
  return {bytes, code};
}

bool is_printable(char32_t code) noexcept {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false;
  const bool is_unseen = (code >= 0x200b && code <= 0x200f) || code == 0xfeff;
  const bool turns = (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f);
  return !is_unseen && !turns;
}

}  // namespace

void occupy_standard_streams() noexcept {
  for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number) {
    if (fcntl(number, F_GETFD) >= 0 || errno != EBADF) continue;
    // The wrong way round, so that each use fails as on the closed one. open() takes the lowest
    // number that is free: this one, as all below it are open.
    if (open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0) {
      static_cast<void>(open("/", O_PATH));
    }
  }
}

std::string shown(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto one = decode(text);
    const auto bytes = std::max<std::size_t>(one.bytes, 1);
    if (one.bytes != 0 && is_printable(one.code)) {
      out += text.substr(0, bytes);
    } else {
      for (const char c : text.substr(0, bytes)) {
        out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
      }
    }
    text.remove_prefix(bytes);
  }
  return out;
}

void print_text(std::string_view text) noexcept { fwrite(text.data(), 1, text.size(), stdout); }

bool is_stdout_whole() noexcept {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return true;
  pollfd out{STDOUT_FILENO, 0, 0};
  return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

void remark_text(std::string_view text) noexcept {
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

}  // namespace annulus::cli
