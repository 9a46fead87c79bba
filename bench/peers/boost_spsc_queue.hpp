// boost::lockfree::spsc_queue: a ring of fixed-size values, one producer, one consumer.
#pragma once

#include <boost/lockfree/spsc_queue.hpp>

#include "../message.hpp"
#include "../trial.hpp"

namespace annulus::bench {

template <std::size_t Bytes>
class boost_spsc_queue {
 public:
  using message = payload<Bytes>;
  static constexpr traits about{"boost spsc_queue", "push; consume_all, in place"};

  struct producer_end {
    boost::lockfree::spsc_queue<message>* queue;
    bool push(const message& m) { return queue->push(m); }
  };
  struct consumer_end {
    boost::lockfree::spsc_queue<message>* queue;
    template <class F>
    std::uint64_t take(F& f) { return queue->consume_all(f); }
  };

  boost_spsc_queue(std::uint64_t capacity, unsigned) : queue_(capacity / Bytes) {}
  producer_end producer() { return {&queue_}; }
  consumer_end consumer() { return {&queue_}; }

 private:
  boost::lockfree::spsc_queue<message> queue_;
};

}  // namespace annulus::bench
