#include "compare/channels/all.hpp"

#ifdef ANNULUS_HAS_BOOST

#include "compare/channels/boost_queue.hpp"
#include "compare/channels/copied.hpp"
#include "compare/loops.hpp"

namespace annulus::compare {
namespace {

class queue {
 public:
  explicit queue(const shape& of)
      : bytes_(of.bytes), count_(of.capacity / of.bytes), queue_(count_, of.bytes) {}

  auto producer() {
    return sending_copies(
        bytes_, [&queue = *queue_](message one) { queue.send(one.data(), one.size(), 0); });
  }
  auto consumer() {
    return receiving_copies(bytes_, [&queue = *queue_](std::span<std::byte> to) {
      boost_queue::queue_type::size_type bytes = 0;
      unsigned priority = 0;
      queue.receive(to.data(), to.size(), bytes, priority);
      return std::size_t{bytes};
    });
  }
  [[nodiscard]] std::uint64_t memory_bytes() const { return queue_.memory_bytes(); }

 private:
  std::size_t bytes_;
  std::size_t count_;
  boost_queue queue_;
};

}  // namespace

transport boost_queue_transport() {
  return {"Boost message_queue", "blocking; it has no batches", &link_of<queue>::open};
}

}  // namespace annulus::compare

#else

annulus::compare::transport annulus::compare::boost_queue_transport() {
  return {"Boost message_queue", "", nullptr, "not installed at build time: libboost-dev"};
}

#endif
