#include "throughput.hpp"

#include "peers/all.hpp"

namespace annulus::bench {

void add_throughput(std::vector<trial>& to) {
  add_trials<throughput>(to, activity::throughput, one_producer{}, all_sizes{}, 1,
                         {128 << 10, 1 << 20});
}

}  // namespace annulus::bench
