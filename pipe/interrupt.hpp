// Ending a pipe's wait from outside: from another thread of the process, or from a signal handler.
//
// raise()    stores a word, then sets an event that every nap waits for
// Signals    raise() is async-signal-safe: a lock-free atomic and one system call; it keeps errno
#pragma once

#include <array>
#include <utility>

#include <annulus/channel/file_watch.hpp>
#include <annulus/channel/interrupt_word.hpp>
#include <annulus/channel/process.hpp>
#include <annulus/channel/result.hpp>
#include <annulus/channel/wait.hpp>
#include <annulus/pipe/edges.hpp>

namespace annulus::pipes {

// What a nap can wait for besides the FIFO, by a number: an eventfd, or what the system has for it.
class wake_event {
 public:
  wake_event() = default;  // none
  wake_event(wake_event&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  wake_event& operator=(wake_event&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~wake_event();

  [[nodiscard]] static result<wake_event> make();

  [[nodiscard]] int number() const noexcept { return number_; }
  // Async-signal-safe.
  void set() const noexcept;
  static void clear(int number) noexcept;

 private:
  int number_ = -1;
};

class interruption : public interrupt_word<words> {
 public:
  interruption() = default;  // one that nobody raises
  [[nodiscard]] static result<interruption> make();

  void raise() noexcept;
  // One that was taken and not told: the next wait tells.
  void put_back() noexcept { raise(); }

  // What a nap waits for. It ends naps until it is cleared; what comes behind that is seen by
  // take().
  [[nodiscard]] int event() const noexcept { return event_.number(); }

 private:
  home home_;
  wake_event event_;
};

// What ends a nap besides the FIFO: an interrupt, and news of the pipe's files. They stay set
// until they are cleared.
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
