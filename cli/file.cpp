#include "cli/file.hpp"

#include "cli/exit_code.hpp"
#include "cli/signals.hpp"
#include "cli/text.hpp"
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>
#include <vector>

#include <annulus/channel/status.hpp>

namespace annulus::cli {
namespace {

std::string quoted(const std::string& path) { return "'" + path + "'"; }

// A FIFO's opening waits for its other end: a signal ends that, and so does the time limit.
template <class Open>
int opened(const std::string& path, const time_limit& limit, Open attempt) {
  const auto until = limit ? within(*limit) : no_deadline;
  std::optional<wake_up> at_its_end;
  if (limit) at_its_end.emplace(*limit);
  for (;;) {
    const int number = attempt(path);
    if (number >= 0 || errno != EINTR) return number;
    throw_if_stopped();
    if (!limit || std::chrono::steady_clock::now() < until) continue;
    end_with(exit_code::timed_out, "nobody opens the other end of {}, and {} have passed",
             quoted(path), show_span(*limit));
  }
}

}  // namespace

file::file(int descriptor, bool is_ours, std::string name)
    : descriptor_(descriptor), is_ours_(is_ours), name_(std::move(name)) {}

file::file(file&& other) noexcept
    : descriptor_(other.descriptor_),
      is_ours_(std::exchange(other.is_ours_, false)),
      name_(std::move(other.name_)),
      path_(std::move(other.path_)),
      has_begun_(other.has_begun_),
      is_new_(std::exchange(other.is_new_, false)) {}

file::~file() {
  if (is_new_ && !has_begun_) unlink(path_.c_str());
  if (is_ours_ && descriptor_ >= 0) close(descriptor_);
}

file file::for_reading(const std::string& path, const time_limit& limit) {
  file out = path.empty() ? file(STDIN_FILENO, false, "standard input")
                          : file(opened(path, limit, streams::open_to_read), true, quoted(path));
  if (out.descriptor_ < 0) out.fail("open");
  struct stat info {};
  if (fstat(out.descriptor_, &info) != 0) out.fail("read");
  if (S_ISDIR(info.st_mode)) {
    end_with(exit_code::failure, "{} is a directory; name a file", out.name_);
  }
  streams::widen(out.descriptor_);
  return out;
}

file file::for_writing(const std::string& path, const time_limit& limit) {
  file out = path.empty() ? file(STDOUT_FILENO, false, "standard output")
                          : file(opened(path, limit, streams::open_to_write), true, quoted(path));
  out.path_ = path;
  if (out.descriptor_ < 0 && errno == ENOENT) {
    out.descriptor_ = streams::make_to_write(path, true);
    out.is_new_ = out.descriptor_ >= 0;
    // A link that leads nowhere yet, or somebody else was faster.
    if (errno == EEXIST) out.descriptor_ = streams::make_to_write(path, false);
  }
  if (out.descriptor_ < 0) out.fail("open");
  struct stat info {};
  if (fstat(out.descriptor_, &info) != 0) out.fail("write to");
  streams::widen(out.descriptor_);
  return out;
}

void file::begin() {
  if (std::exchange(has_begun_, true) || path_.empty()) return;
  struct stat info {};
  if (fstat(descriptor_, &info) != 0 || !S_ISREG(info.st_mode)) return;
  if (ftruncate(descriptor_, 0) != 0) fail("empty");
}

bool file::is_at(const std::string& path) const { return streams::is_at(descriptor_, path); }

std::size_t file::read_some(std::span<std::byte> into) {
  for (;;) {
    const auto got = streams::read_some(descriptor_, into);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EAGAIN)
      streams::wait_to_read(descriptor_);
    else if (errno != EINTR)
      fail("read");
    throw_if_stopped();
  }
}

std::size_t file::read_full(std::span<std::byte> into) {
  std::size_t count = 0;
  while (count < into.size()) {
    const auto got = read_some(into.subspan(count));
    if (got == 0) break;
    count += got;
  }
  return count;
}

std::uint64_t file::skip(std::uint64_t count) {
  if (const auto left = rest()) {
    const auto step = std::min(count, *left);
    if (lseek(descriptor_, static_cast<off_t>(step), SEEK_CUR) >= 0) return step;
  }
  std::vector<std::byte> unread(1 << 20);
  std::uint64_t skipped = 0;
  while (skipped < count) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(1 << 20, count - skipped));
    const auto got = read_some(std::span(unread).first(want));
    if (got == 0) break;
    skipped += got;
  }
  return skipped;
}

bool file::write_all(std::span<piece> pieces) {
  using clock = std::chrono::steady_clock;
  std::optional<clock::time_point> gives_up_at;
  while (!pieces.empty()) {
    const auto got = streams::write_some(descriptor_, pieces);
    if (got < 0) {
      if (errno == EPIPE) return false;
      if (errno == EAGAIN)
        streams::wait_to_write(descriptor_);
      else if (errno != EINTR)
        fail("write to");
      if (stop_signal() != 0) {
        if (!gives_up_at) gives_up_at = clock::now() + std::chrono::seconds(1);
        if (clock::now() > *gives_up_at) throw stopped{};
      }
      continue;
    }
    auto written = static_cast<std::size_t>(got);
    while (!pieces.empty() && written >= pieces.front().size) {
      written -= pieces.front().size;
      pieces = pieces.subspan(1);
    }
    if (written > 0) {
      auto& half = pieces.front();
      half = {half.data + written, half.size - written};
    }
  }
  return true;
}

std::optional<std::uint64_t> file::rest() const {
  struct stat info {};
  if (fstat(descriptor_, &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  const auto at = lseek(descriptor_, 0, SEEK_CUR);
  if (at < 0) return std::nullopt;
  return at < info.st_size ? static_cast<std::uint64_t>(info.st_size - at) : 0;
}

void file::fail(const char* what) const {
  const int why = errno;
  if (why == EFAULT) {  // it reads and writes in place, and there the kernel raises no SIGBUS
    end_with(exit_code::damaged, "{}", no_memory_there);
  }
  const auto code = why == ENOENT   ? exit_code::not_found
                    : why == EACCES ? exit_code::refused
                                    : exit_code::failure;
  end_with(code, "cannot {} {}: {}", what, name_, std::strerror(why));
}

}  // namespace annulus::cli
