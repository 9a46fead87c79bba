// moodycamel's queues for one producer and one consumer.
#pragma once

#include <readerwriterqueue/readerwritercircularbuffer.h>
#include <readerwriterqueue/readerwriterqueue.h>

#include "../message.hpp"
#include "../trial.hpp"

namespace annulus::bench {

template <std::size_t Bytes>
class reader_writer_queue {
 public:
  using message = payload<Bytes>;
  using queue_type = moodycamel::ReaderWriterQueue<message>;
  static constexpr traits about{"ReaderWriterQueue",
                                "try_enqueue, never allocates; peek in place and pop, up to 1024"};

  struct producer_end {
    queue_type* queue;
    bool push(const message& m) { return queue->try_enqueue(m); }
  };
  struct consumer_end {
    queue_type* queue;
    template <class F>
    std::uint64_t take(F& f) {
      std::uint64_t taken = 0;
      for (; taken < 1024; ++taken) {
        const message* next = queue->peek();
        if (next == nullptr) break;
        f(*next);
        queue->pop();
      }
      return taken;
    }
  };

  reader_writer_queue(std::uint64_t capacity, unsigned) : queue_(capacity / Bytes) {}
  producer_end producer() { return {&queue_}; }
  consumer_end consumer() { return {&queue_}; }

 private:
  queue_type queue_;
};

template <std::size_t Bytes>
class circular_buffer {
 public:
  using message = payload<Bytes>;
  using queue_type = moodycamel::BlockingReaderWriterCircularBuffer<message>;
  static constexpr traits about{"BlockingReaderWriterCircularBuffer",
                                "try_enqueue; try_dequeue, up to 1024 in a row"};

  struct producer_end {
    queue_type* queue;
    bool push(const message& m) { return queue->try_enqueue(m); }
  };
  struct consumer_end {
    queue_type* queue;
    message next{};
    template <class F>
    std::uint64_t take(F& f) {
      std::uint64_t taken = 0;
      for (; taken < 1024 && queue->try_dequeue(next); ++taken) f(next);
      return taken;
    }
  };

  circular_buffer(std::uint64_t capacity, unsigned) : queue_(capacity / Bytes) {}
  producer_end producer() { return {&queue_}; }
  consumer_end consumer() { return {&queue_}; }

 private:
  queue_type queue_;
};

}  // namespace annulus::bench
