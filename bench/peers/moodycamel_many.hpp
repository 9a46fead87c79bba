// moodycamel::ConcurrentQueue: many producers, many consumers. It keeps the order of each producer
// only; what different producers push has no order among them.
#pragma once

#include <concurrentqueue/concurrentqueue.h>

#include <algorithm>
#include <vector>

#include "../message.hpp"
#include "../trial.hpp"

namespace annulus::bench {

// Without allocation a producer has only as many blocks as its first index holds: by default 1024
// messages, less than the capacities here.
struct roomy_index : moodycamel::ConcurrentQueueDefaultTraits {
  static constexpr std::size_t EXPLICIT_INITIAL_INDEX_SIZE = 4096;
};

template <std::size_t Bytes>
class concurrent_queue {
 public:
  using message = payload<Bytes>;
  using queue_type = moodycamel::ConcurrentQueue<message, roomy_index>;
  static constexpr traits about{"ConcurrentQueue",
                                "producer tokens, try_enqueue; try_dequeue_bulk of up to 8 KiB",
                                false, where::threads, ordering::of_each_producer};

  struct producer_end {
    queue_type* queue;
    moodycamel::ProducerToken token;
    bool has_block = false;
    // Blocks never go from one producer to another: without one of its own, a late producer would
    // wait for ever. So the first message may allocate.
    bool push(const message& m) {
      if (has_block) [[likely]] return queue->try_enqueue(token, m);
      return has_block = queue->enqueue(token, m);
    }
  };
  struct consumer_end {
    queue_type* queue;
    moodycamel::ConsumerToken token;
    std::vector<message> batch;
    template <class F>
    std::uint64_t take(F& f) {
      const std::size_t taken = queue->try_dequeue_bulk(token, batch.data(), batch.size());
      for (std::size_t i = 0; i < taken; ++i) f(batch[i]);
      return taken;
    }
  };

  // Batches of at most 8 KiB: larger ones drive the messages out of the nearest cache.
  concurrent_queue(std::uint64_t capacity, unsigned producers)
      : queue_(capacity / Bytes, producers, 0), batch_(std::min<std::size_t>(64, 8192 / Bytes)) {}
  producer_end producer() { return {&queue_, moodycamel::ProducerToken(queue_)}; }
  consumer_end consumer() {
    return {&queue_, moodycamel::ConsumerToken(queue_), std::vector<message>(batch_)};
  }

 private:
  queue_type queue_;
  std::size_t batch_;
};

}  // namespace annulus::bench
