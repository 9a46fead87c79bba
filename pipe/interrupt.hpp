// Ending a pipe's wait from outside: from another thread of the process, or from a signal handler.
//
// raise()    stores a word, then makes an eventfd readable that every nap polls
// Signals    raise() is async-signal-safe: a lock-free atomic and write(2); it keeps errno
#pragma once

#include <array>

#include <annulus/channel/file.hpp>
#include <annulus/channel/file_watch.hpp>
#include <annulus/channel/interrupt_word.hpp>
#include <annulus/channel/process.hpp>
#include <annulus/channel/result.hpp>
#include <annulus/channel/wait.hpp>
#include <annulus/pipe/edges.hpp>

namespace annulus::pipes {

class interruption : public interrupt_word<words> {
 public:
  interruption() = default;  // one that nobody raises
  [[nodiscard]] static result<interruption> make();

  void raise() noexcept;
  // One that was taken and not told: the next wait tells.
  void put_back() noexcept { raise(); }

  // What a nap polls for reading. It ends naps until drain(); what comes behind a drain() is seen
  // by take().
  [[nodiscard]] int event() const noexcept { return event_.number(); }
  static void drain(int event) noexcept;

 private:
  home home_;
  descriptor event_;
};

// What ends a nap besides the FIFO: an interrupt, and news of the pipe's files. They stay readable
// until they are drained.
struct wakers {
  int interrupt = -1, news = -1;
};

// What a role remembers of its own waiting.
struct wait_memory {
  peer_watch peer;
  interruption interrupt;
  std::array<int, 2> files{-1, -1};  // the pipe's, to be watched by a wait that becomes long
  file_watch watch;

  [[nodiscard]] wakers ends() const noexcept { return {interrupt.event(), watch.event()}; }
};

}  // namespace annulus::pipes
