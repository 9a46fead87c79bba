// News of a file's other users, by inotify: one of them closed it or died, or touched it, or its
// name was removed or renamed.
//
// When a process dies, the kernel closes its files just before it drops its locks. So news is a
// reason to check the locks again, now and for a while; it is not proof of a death.
//
// Threads    one at a time
// Errors     where the kernel has no watch left (a user has 128 by default), the role checks more
//            often instead
#pragma once

#include <array>

#include <annulus/channel/file.hpp>

namespace annulus {

class file_watch {
 public:
  // Watches the files that have these numbers; -1: none. Returns whether it does. It tries once.
  [[nodiscard]] bool covers(std::array<int, 2> files) noexcept;

  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(event_); }

  // Readable while there is news; -1 without a watch.
  [[nodiscard]] int event() const noexcept { return event_.number(); }
  // Whether there was news. It is taken.
  bool take() noexcept;

  // News for those who watch the file. Async-signal-safe; errno stays as it is.
  static void touch(int file) noexcept;

 private:
  descriptor event_;
  bool has_tried_ = false;
};

}  // namespace annulus
