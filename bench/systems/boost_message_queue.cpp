// boost::interprocess::message_queue without a name: forked processes inherit its mapping.
#include "bench/systems/all.hpp"

#ifdef ANNULUS_HAS_BOOST

#include "bench/systems/ends.hpp"
#include <boost/interprocess/ipc/message_queue.hpp>
#include <boost/interprocess/shared_memory_object.hpp>

#include <string>

namespace annulus::bench {
namespace {

namespace ipc = boost::interprocess;

class boost_message_queue {
 public:
  explicit boost_message_queue(const shape& of)
      : bytes_(of.bytes),
        polls_(of.polls),
        name_("annulus." + new_name()),
        queue_(ipc::create_only, name_.c_str(), of.capacity / of.bytes, of.bytes) {
    ipc::offset_t bytes = 0;
    ipc::shared_memory_object(ipc::open_only, name_.c_str(), ipc::read_only).get_size(bytes);
    memory_bytes_ = static_cast<std::uint64_t>(bytes);
    ipc::message_queue::remove(name_.c_str());
  }

  auto producer() {
    return copying_producer(bytes_, [this](message one) {
      if (polls_) return queue_.try_send(one.data(), one.size(), 0);
      queue_.send(one.data(), one.size(), 0);
      return true;
    });
  }
  auto consumer() {
    return copying_consumer(bytes_, polls_, [this](std::span<std::byte> to) -> std::size_t {
      ipc::message_queue::size_type bytes = 0;
      unsigned priority = 0;
      if (polls_) {
        return queue_.try_receive(to.data(), to.size(), bytes, priority) ? bytes : 0;
      }
      queue_.receive(to.data(), to.size(), bytes, priority);
      return bytes;
    });
  }
  [[nodiscard]] std::uint64_t memory_bytes() const { return memory_bytes_; }

 private:
  std::size_t bytes_;
  bool polls_;
  std::string name_;
  ipc::message_queue queue_;
  std::uint64_t memory_bytes_ = 0;
};

}  // namespace

system boost_message_queue_system() {
  return {"Boost message_queue", "it has no batches", opens<boost_message_queue>()};
}

}  // namespace annulus::bench

#else

annulus::bench::system annulus::bench::boost_message_queue_system() {
  return {"Boost message_queue", "", nullptr, "not installed at build time: libboost-dev"};
}

#endif
