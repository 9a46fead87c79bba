// boost::interprocess::message_queue without a name: its mapping is inherited by forked processes.
#pragma once

#include <boost/interprocess/ipc/message_queue.hpp>
#include <boost/interprocess/shared_memory_object.hpp>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace annulus::compare {

class boost_queue {
 public:
  using queue_type = boost::interprocess::message_queue;

  boost_queue(std::size_t count, std::size_t bytes)
      : queue_(boost::interprocess::create_only, next_name().c_str(), count, bytes),
        memory_bytes_(size_of(name().c_str())) {
    queue_type::remove(name().c_str());
  }

  [[nodiscard]] queue_type& operator*() noexcept { return queue_; }
  [[nodiscard]] std::uint64_t memory_bytes() const noexcept { return memory_bytes_; }

 private:
  static inline unsigned made = 0;
  static std::string name() {
    return "annulus.compare." + std::to_string(getpid()) + "." + std::to_string(made);
  }
  static std::string next_name() {
    ++made;
    return name();
  }
  static std::uint64_t size_of(const char* name) {
    namespace ipc = boost::interprocess;
    ipc::offset_t bytes = 0;
    ipc::shared_memory_object(ipc::open_only, name, ipc::read_only).get_size(bytes);
    return static_cast<std::uint64_t>(bytes);
  }

  queue_type queue_;
  std::uint64_t memory_bytes_;
};

}  // namespace annulus::compare
