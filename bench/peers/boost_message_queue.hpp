// boost::interprocess::message_queue: between processes, in a shared segment under a lock.
#pragma once

#include "../message.hpp"
#include "../trial.hpp"
#include "compare/channels/boost_queue.hpp"

namespace annulus::bench {

template <std::size_t Bytes>
class boost_message_queue {
  using queue_type = compare::boost_queue::queue_type;

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

  boost_message_queue(std::uint64_t capacity, unsigned) : queue_(capacity / Bytes, Bytes) {}
  producer_end producer() { return {&*queue_}; }
  consumer_end consumer() { return {&*queue_}; }

 private:
  compare::boost_queue queue_;
};

}  // namespace annulus::bench
