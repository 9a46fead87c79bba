// boost::lockfree: a ring for one producer and one consumer, and a linked queue for many.
#include "bench/systems/all.hpp"
#include "bench/systems/ends.hpp"
#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>

namespace annulus::bench {
namespace lockfree {

template <std::size_t Bytes>
struct spsc {
  using queue = boost::lockfree::spsc_queue<value<Bytes>>;
  static bool push(queue& to, const value<Bytes>& one) { return to.push(one); }
  template <class F>
  static std::size_t take(queue& from, F&& f, std::size_t limit) {
    return limit == 1 ? from.consume_one(f) : from.consume_all(f);
  }
};

template <std::size_t Bytes>
struct many {
  using queue = boost::lockfree::queue<value<Bytes>>;
  static bool push(queue& to, const value<Bytes>& one) { return to.bounded_push(one); }
  template <class F>
  static std::size_t take(queue& from, F&& f, std::size_t limit) {
    std::size_t taken = 0;
    while (taken < limit && from.consume_one(f)) ++taken;
    return taken;
  }
};

}  // namespace lockfree

std::vector<system> boost_systems() {
  return {value_system<lockfree::spsc>("boost spsc_queue",
                                       "push; consume_one or consume_all, in place"),
          value_system<lockfree::many>("boost lockfree::queue", "bounded_push; consume_one",
                                       script::most_producers)};
}

}  // namespace annulus::bench
