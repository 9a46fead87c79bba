// The message queue of POSIX: in the kernel, between processes.
#pragma once

#include "../message.hpp"
#include "../trial.hpp"
#include "compare/channels/handles.hpp"
#include <mqueue.h>

namespace annulus::bench {

template <std::size_t Bytes>
class posix_mq {
 public:
  using message = payload<Bytes>;
  static constexpr traits about{"POSIX mq", "O_NONBLOCK, polling; as deep as the system allows",
                                false, where::processes};

  struct producer_end {
    mqd_t queue;
    bool push(const message& m) {
      return mq_send(queue, reinterpret_cast<const char*>(&m), sizeof m, 0) == 0;
    }
  };
  struct consumer_end {
    mqd_t queue;
    message next{};
    template <class F>
    std::uint64_t take(F& f) {
      if (mq_receive(queue, reinterpret_cast<char*>(&next), sizeof next, nullptr) < 0) return 0;
      f(next);
      return 1;
    }
  };

  posix_mq(std::uint64_t capacity, unsigned)
      : queue_(capacity, Bytes, compare::posix_queue::mode::polls) {}
  producer_end producer() { return {queue_.file()}; }
  consumer_end consumer() { return {queue_.file()}; }

 private:
  compare::posix_queue queue_;
};

}  // namespace annulus::bench
