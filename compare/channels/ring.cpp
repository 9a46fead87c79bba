#include "compare/channels/all.hpp"
#include "compare/channels/roles.hpp"
#include <sys/stat.h>

#include <algorithm>
#include <bit>

#include <annulus/ring/ring.hpp>

namespace annulus::compare {
namespace {

using kind = waiting::kind;

class ring : public role_channel<segment, spsc_producer, spsc_consumer> {
 public:
  ring(const shape& of, const waits& how) : role_channel(make(of), how) {}

  [[nodiscard]] std::uint64_t memory_bytes() const {
    struct stat seen {};
    fstat(memory_.file(), &seen);
    return static_cast<std::uint64_t>(seen.st_size);
  }

 private:
  static segment make(const shape& of) {
    ring_options how;
    how.capacity = std::bit_ceil(std::max(of.capacity, 8 * of.bytes));
    how.max_message = std::max<std::uint64_t>(of.bytes, 64);
    return must(segment::anonymous(how));
  }
};

struct spinning : ring {
  explicit spinning(const shape& of) : ring(of, {{kind::spin}, {kind::spin}}) {}
};
struct blocking : ring {
  static constexpr waiting at_once{kind::block, nanoseconds(0)};
  explicit blocking(const shape& of) : ring(of, {at_once, at_once}) {}
};

// Nobody wakes this consumer: it looks once a millisecond.
struct napping : ring {
  explicit napping(const shape& of)
      : ring(of, {blocking::at_once, {kind::nap, {}, std::chrono::milliseconds(1)}}) {}
};

template <class Channel>
transport ours(const char* name, const char* setting) {
  return {name, setting, &link_of<Channel>::open, "", true, true};
}

}  // namespace

std::vector<transport> ring_transports() {
  return {
      ours<spinning>("ring spin", "in place both ways; both sides poll"),
      ours<blocking>("ring block", "in place both ways; both sides sleep at once, on a futex"),
      ours<napping>("ring nap", "in place both ways; the consumer looks every 1 ms, unwoken"),
  };
}

}  // namespace annulus::compare
