#include "peers/all.hpp"
#include "throughput.hpp"

namespace annulus::bench {

void add_many_producers(std::vector<trial>& to) {
  for (unsigned producers = 1; producers <= 4; ++producers) {
    add_trials<throughput>(to, activity::many_producers, many_producers{}, fewer_sizes{}, producers,
                           {128 << 10, 1 << 20});
  }
}

}  // namespace annulus::bench
