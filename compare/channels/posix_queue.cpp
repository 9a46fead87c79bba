#include "compare/channels/all.hpp"
#include "compare/channels/copied.hpp"
#include "compare/channels/handles.hpp"
#include "compare/loops.hpp"
#include <mqueue.h>

namespace annulus::compare {
namespace {

class queue {
 public:
  explicit queue(const shape& of)
      : bytes_(of.bytes), queue_(of.capacity, of.bytes, posix_queue::mode::blocks) {}

  auto producer() {
    return sending_copies(bytes_, [file = queue_.file()](message one) {
      if (mq_send(file, reinterpret_cast<const char*>(one.data()), one.size(), 0) != 0) {
        fail("mq_send");
      }
    });
  }
  auto consumer() {
    return receiving_copies(bytes_, [file = queue_.file()](std::span<std::byte> to) {
      const auto got = mq_receive(file, reinterpret_cast<char*>(to.data()), to.size(), nullptr);
      if (got < 0) fail("mq_receive");
      return static_cast<std::size_t>(got);
    });
  }
  [[nodiscard]] std::uint64_t memory_bytes() const { return queue_.memory_bytes(); }

 private:
  std::size_t bytes_;
  posix_queue queue_;
};

}  // namespace

transport posix_queue_transport() {
  return {"POSIX mq", "blocking, as deep as the system allows; it has no batches",
          &link_of<queue>::open};
}

}  // namespace annulus::compare
