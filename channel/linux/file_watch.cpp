#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>

#include <annulus/channel/file_watch.hpp>
#include <annulus/channel/uncancelled.hpp>

namespace annulus {

namespace {

constexpr std::uint32_t news = IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF;

bool add(int watch, int file) noexcept {
  char path[sizeof "/proc/self/fd/" + 16];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  return inotify_add_watch(watch, path, news) >= 0;
}

}  // namespace

bool file_watch::covers(std::array<int, 2> files) noexcept {
  if (event_ || has_tried_) return static_cast<bool>(event_);
  has_tried_ = true;
  const uncancelled here;
  descriptor made(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!made) return false;
  for (const int file : files) {
    if (file >= 0 && !add(made.number(), file)) return false;
  }
  event_ = std::move(made);
  return true;
}

bool file_watch::take() noexcept {
  if (!event_) return false;
  const uncancelled here;
  alignas(inotify_event) char events[1024];
  bool had_some = false;
  while (::read(event(), events, sizeof events) > 0) had_some = true;
  return had_some;
}

void file_watch::touch(int file) noexcept {
  const int kept = errno;
  (void)futimens(file, nullptr);
  errno = kept;
}

}  // namespace annulus
