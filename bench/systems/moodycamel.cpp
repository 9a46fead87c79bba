// moodycamel's queues: for one producer and one consumer, and for many.
#include "bench/systems/all.hpp"
#include "bench/systems/ends.hpp"
#include <concurrentqueue/concurrentqueue.h>
#include <readerwriterqueue/readerwritercircularbuffer.h>
#include <readerwriterqueue/readerwriterqueue.h>

#include <algorithm>
#include <vector>

namespace annulus::bench {
namespace {

template <std::size_t Bytes>
struct reader_writer {
  using queue = moodycamel::ReaderWriterQueue<value<Bytes>>;
  static bool push(queue& to, const value<Bytes>& one) { return to.try_enqueue(one); }
  template <class F>
  static std::size_t take(queue& from, F&& f, std::size_t limit) {
    std::size_t taken = 0;
    for (; taken < limit; ++taken) {
      const auto* const next = from.peek();
      if (next == nullptr) break;
      f(*next);
      from.pop();
    }
    return taken;
  }
};

template <std::size_t Bytes>
struct circular {
  using queue = moodycamel::BlockingReaderWriterCircularBuffer<value<Bytes>>;
  static bool push(queue& to, const value<Bytes>& one) { return to.try_enqueue(one); }
  template <class F>
  static std::size_t take(queue& from, F&& f, std::size_t limit) {
    return take_each<Bytes>([&](auto& next) { return from.try_dequeue(next); }, f, limit);
  }
};

// Without allocation a producer has only as many blocks as its first index holds: by default 1024
// messages, fewer than the capacities here.
struct roomy_index : moodycamel::ConcurrentQueueDefaultTraits {
  static constexpr std::size_t EXPLICIT_INITIAL_INDEX_SIZE = 4096;
};

template <std::size_t Bytes>
class concurrent {
  using queue = moodycamel::ConcurrentQueue<value<Bytes>, roomy_index>;

  struct producer_end {
    queue* to;
    moodycamel::ProducerToken token;
    bool has_block = false;

    template <class Size, class Fill>
    void send(Size, Fill fill, poll& wait) {
      value<Bytes> one;
      fill(one.bytes);
      // Blocks never go from one producer to another, so a late producer without a block of its own
      // would wait for ever. The first message may allocate one.
      if (!has_block) [[unlikely]] {
        has_block = to->enqueue(token, one);
        return;
      }
      while (!to->try_enqueue(token, one)) wait.again();
    }
    void send_all(messages, poll&) { throw std::logic_error("values are pushed one by one"); }
  };
  struct consumer_end {
    queue* from;
    moodycamel::ConsumerToken token;
    std::vector<value<Bytes>> batch;

    template <class F>
    std::size_t receive(F&& f, std::size_t limit) {
      const auto most = std::min(limit, batch.size());
      const auto taken = from->try_dequeue_bulk(token, batch.data(), most);
      for (std::size_t i = 0; i < taken; ++i) f(message(batch[i].bytes));
      return taken;
    }
  };

 public:
  explicit concurrent(const shape& of) : queue_(of.capacity / Bytes, of.producers, 0) {}
  producer_end producer() { return {&queue_, moodycamel::ProducerToken(queue_)}; }
  // Batches of at most 8 KiB: larger ones drive the messages out of the nearest cache.
  consumer_end consumer() {
    return {&queue_, moodycamel::ConsumerToken(queue_),
            std::vector<value<Bytes>>(std::clamp<std::size_t>(8192 / Bytes, 1, 64))};
  }

 private:
  queue queue_;
};

}  // namespace

std::vector<system> moodycamel_systems() {
  auto many =
      in_threads("ConcurrentQueue", "producer tokens, try_enqueue; try_dequeue_bulk of up to 8 KiB",
                 &open_sized<concurrent>, script::most_producers);
  many.keeps_order_of_all = false;
  return {value_system<reader_writer>("ReaderWriterQueue",
                                      "try_enqueue, never allocates; peek in place and pop"),
          value_system<circular>("BlockingReaderWriterCircularBuffer", "try_enqueue; try_dequeue"),
          many};
}

}  // namespace annulus::bench
