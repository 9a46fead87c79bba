// The named pipe, and bare write(2) and read(2) of the same frames on a FIFO.
#include "bench/systems/all.hpp"
#include "bench/systems/ends.hpp"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <string>

#include <annulus/pipe/pipe.hpp>

namespace annulus::bench {
namespace {

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
    pipe_options how;
    how.capacity = std::bit_ceil(std::max(of.capacity, 8 * of.bytes));
    how.producers = producers;
    return must(named_pipe::create(new_name(), how));
  }

  named_pipe memory_;
};

// One write and one read for each frame, header included.
class bare_fifo {
 public:
  explicit bare_fifo(const shape& of) : bytes_(of.bytes) {
    const auto path = "/tmp/annulus." + new_name();
    if (mkfifo(path.c_str(), 0600) != 0) fail("mkfifo");
    file_ = files::opened(path, O_RDWR);
    unlink(path.c_str());
    const auto bytes = static_cast<int>(of.capacity);
    if (!file_ || fcntl(file_.number(), F_SETPIPE_SZ, bytes) < 0) fail("open");
  }

  auto producer() {
    const auto put = [file = file_.number(), frame = frame_of(bytes_)](message one) mutable {
      std::copy(one.begin(), one.end(), frame.begin());
      if (write(file, frame.data(), frame.size()) != std::ssize(frame)) fail("write");
      return true;
    };
    return copying_producer(bytes_, put);
  }
  auto consumer() {
    const auto get = [file = file_.number(),
                      frame = frame_of(bytes_)](std::span<std::byte> to) mutable {
      if (read(file, frame.data(), frame.size()) != std::ssize(frame)) fail("read");
      std::copy_n(frame.begin(), to.size(), to.begin());
      return to.size();
    };
    return copying_consumer(bytes_, false, get);
  }

 private:
  static std::vector<std::byte> frame_of(std::size_t bytes) {
    return std::vector<std::byte>(pipes::frame_bytes(bytes));
  }

  std::size_t bytes_;
  descriptor file_;
};

}  // namespace

system pipe_system() {
  system one{pipe_name, "both sides sleep in poll; batches by writev", opens<pipe_channel>()};
  one.is_ours = one.has_steps = true;
  return one;
}

std::vector<system> pipe_systems() {
  system bare{"bare write and read", "one of each for each frame, on a FIFO", opens<bare_fifo>()};
  system one{"annulus pipe", "pushes; drains", opens<pipe_channel>()};
  system several{"annulus pipe, made for 4 producers", "the same, one of them there",
                 opens<pipe_channel>(4U)};
  one.is_ours = several.is_ours = true;
  bare.has_batches = one.has_batches = several.has_batches = true;
  return {bare, one, several};
}

}  // namespace annulus::bench
