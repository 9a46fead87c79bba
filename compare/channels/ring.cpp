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
    segment_options how;
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

template <class Channel>
transport ours(const char* name, const char* setting) {
  return {name, setting, &link_of<Channel>::open, "", true, true};
}

// A consumer that looks once in a while, where the channel has such a waiting.
template <class Waiting>
void add_napping(std::vector<transport>& to) {
  if constexpr (requires { Waiting::kind::nap; }) {
    struct napping : ring {
      explicit napping(const shape& of)
          : ring(of, {blocking::at_once, {.how = Waiting::kind::nap}}) {}
    };
    to.push_back(ours<napping>("ring, nap", "in place both ways; the consumer looks every 1 ms"));
  }
}

}  // namespace

std::vector<transport> ring_transports() {
  std::vector<transport> all{
      ours<spinning>("ring, spin", "in place both ways; both sides poll"),
      ours<blocking>("ring, block", "in place both ways; both sides sleep at once, on a futex"),
  };
  add_napping<waiting>(all);
  return all;
}

}  // namespace annulus::compare
