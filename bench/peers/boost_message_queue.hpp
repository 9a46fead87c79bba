// boost::interprocess::message_queue: between processes, in a shared segment under a lock.
#pragma once

#include <unistd.h>

#include <boost/interprocess/ipc/message_queue.hpp>
#include <string>

#include "../message.hpp"
#include "../trial.hpp"

namespace annulus::bench {

template <std::size_t Bytes>
class boost_message_queue {
  using queue_type = boost::interprocess::message_queue;

 public:
  using message = payload<Bytes>;
  static constexpr traits about{"boost message_queue", "try_send and try_receive, polling", false,
                                where::processes};

  struct producer_end {
    queue_type* queue;
    bool push(const message& m) { return queue->try_send(&m, sizeof m, 0); }
  };
  struct consumer_end {
    queue_type* queue;
    message next{};
    template <class F>
    std::uint64_t take(F& f) {
      queue_type::size_type bytes = 0;
      unsigned priority = 0;
      if (!queue->try_receive(&next, sizeof next, bytes, priority)) return 0;
      f(next);
      return 1;
    }
  };

  boost_message_queue(std::uint64_t capacity, unsigned)
      : queue_(boost::interprocess::create_only, name().c_str(), capacity / Bytes, Bytes) {
    // The mapping is inherited by the sides: the name has served.
    queue_type::remove(name().c_str());
    ++made;
  }
  producer_end producer() { return {&queue_}; }
  consumer_end consumer() { return {&queue_}; }

 private:
  static inline unsigned made = 0;
  static std::string name() {
    return "annulus.bench." + std::to_string(getpid()) + "." + std::to_string(made);
  }

  queue_type queue_;
};

}  // namespace annulus::bench
