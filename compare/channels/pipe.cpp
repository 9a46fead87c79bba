#include "compare/channels/all.hpp"
#include "compare/channels/roles.hpp"
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <span>
#include <string>
#include <vector>

#include <annulus/pipe/pipe.hpp>

namespace annulus::compare {
namespace {

// A claim in a pipe is memory of the producer's own, and asks for room first: a push does not.
struct pushing_role : sending_role<pipe_producer> {
  std::vector<std::byte> own{};

  template <class Fill>
  void send(std::size_t bytes, Fill fill) {
    own.resize(bytes);
    fill(std::span(own));
    require(role.push(own, no_deadline));
  }
};

class pipe_channel : public role_channel<named_pipe, pipe_producer, pipe_consumer> {
 public:
  explicit pipe_channel(const shape& of) : role_channel(make(of), {at_once, at_once}) {}
  ~pipe_channel() { static_cast<void>(named_pipe::remove(memory_.name(), true)); }
  pipe_channel(const pipe_channel&) = delete;
  pipe_channel& operator=(const pipe_channel&) = delete;

  pushing_role producer() { return {role_channel::producer()}; }
  [[nodiscard]] std::uint64_t memory_bytes() const {
    struct stat roles {};
    fstat(memory_.roles_file(), &roles);
    return memory_.kernel_bytes() + static_cast<std::uint64_t>(roles.st_size);
  }

 private:
  static constexpr waiting at_once{waiting::kind::block, nanoseconds(0)};

  static named_pipe make(const shape& of) {
    static unsigned made = 0;
    pipe_options how;
    how.capacity = std::bit_ceil(std::max(of.capacity, 8 * of.bytes));
    how.producers = 1;
    return must(named_pipe::create(
        "compare-" + std::to_string(getpid()) + "-" + std::to_string(++made), how));
  }
};

}  // namespace

transport pipe_transport() {
  return {pipe_name,
          "both sides sleep in poll; batches by writev",
          &link_of<pipe_channel>::open,
          "",
          true,
          true};
}

}  // namespace annulus::compare
