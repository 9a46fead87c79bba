// What the transports that copy have in common: one message's memory at each end.
#pragma once

#include <cerrno>
#include <cstddef>
#include <span>
#include <system_error>
#include <vector>

#include <annulus/channel/concepts.hpp>

namespace annulus::compare {

[[noreturn]] inline void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// `put(message)` sends one.
template <class Put>
class sending_copies {
 public:
  sending_copies(std::size_t bytes, Put put) : own_(bytes), put_(put) {}

  template <class Fill>
  void send(std::size_t bytes, Fill fill) {
    const std::span<std::byte> mine(own_.data(), bytes);
    fill(mine);
    put_(mine);
  }
  void send_all(messages many) {
    for (const auto& one : many) put_(one);
  }

 private:
  std::vector<std::byte> own_;
  Put put_;
};

// `get(span)` waits for a message, writes it there and returns its size.
template <class Get>
class receiving_copies {
 public:
  receiving_copies(std::size_t bytes, Get get) : own_(bytes), get_(get) {}

  template <class F>
  void receive(F&& f, std::size_t) {
    f(message(own_).first(get_(std::span(own_))));
  }

 private:
  std::vector<std::byte> own_;
  Get get_;
};

}  // namespace annulus::compare
