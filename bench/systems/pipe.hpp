// The named pipe as a channel.
#pragma once

#include "bench/systems/ends.hpp"
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <string>

#include <annulus/pipe/pipe.hpp>

namespace annulus::bench {

// A claim in a pipe is memory of the producer's own, and asks for room first; a push does not.
class pipe_channel {
 public:
  explicit pipe_channel(const shape& of) : pipe_channel(of, of.producers) {}
  pipe_channel(const shape& of, unsigned producers) : memory_(make(of, producers)) {}
  ~pipe_channel() { static_cast<void>(named_pipe::remove(memory_.name(), true)); }
  pipe_channel(const pipe_channel&) = delete;
  pipe_channel& operator=(const pipe_channel&) = delete;

  role_producer<pipe_producer, by::push, false> producer() {
    return {must(pipe_producer::attach(memory_, at_once))};
  }
  role_consumer<pipe_consumer, false> consumer() {
    return {must(pipe_consumer::attach(memory_, at_once))};
  }
  [[nodiscard]] std::uint64_t memory_bytes() const {
    struct stat roles {};
    fstat(memory_.roles_file(), &roles);
    return memory_.kernel_bytes() + static_cast<std::uint64_t>(roles.st_size);
  }

 private:
  static constexpr waiting at_once{waiting::kind::block, nanoseconds(0)};

  static named_pipe make(const shape& of, unsigned producers) {
    static unsigned made = 0;
    pipe_options how;
    how.capacity = std::bit_ceil(std::max(of.capacity, 8 * of.bytes));
    how.producers = producers;
    return must(named_pipe::create(
        "bench-" + std::to_string(getpid()) + "-" + std::to_string(++made), how));
  }

  named_pipe memory_;
};

}  // namespace annulus::bench
