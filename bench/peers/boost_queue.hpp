// boost::lockfree::queue: a linked queue over a free list, many producers, many consumers.
#pragma once

#include <boost/lockfree/queue.hpp>

#include "../message.hpp"
#include "../trial.hpp"

namespace annulus::bench {

template <std::size_t Bytes>
class boost_queue {
 public:
  using message = payload<Bytes>;
  static constexpr traits about{"boost lockfree::queue",
                                "bounded_push; consume_one, up to 1024 in a row"};

  struct producer_end {
    boost::lockfree::queue<message>* queue;
    bool push(const message& m) { return queue->bounded_push(m); }
  };
  struct consumer_end {
    boost::lockfree::queue<message>* queue;
    template <class F>
    std::uint64_t take(F& f) {
      // It would go on for as long as messages come: consume one at a time, up to a batch.
      std::uint64_t taken = 0;
      while (taken < 1024 && queue->consume_one(f)) ++taken;
      return taken;
    }
  };

  boost_queue(std::uint64_t capacity, unsigned) : queue_(capacity / Bytes) {}
  producer_end producer() { return {&queue_}; }
  consumer_end consumer() { return {&queue_}; }

 private:
  boost::lockfree::queue<message> queue_;
};

}  // namespace annulus::bench
