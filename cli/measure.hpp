// Measurements between processes: round trips and throughput of a ring, and the round trip of a
// bare cache line, which no ring can beat.
//
// Closed loop   a round trip starts when the one before has ended: nothing queues, and what a stall
//               would have cost messages that arrive meanwhile is not seen
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include <annulus/ring/layout.hpp>
#include <annulus/ring/wait.hpp>

namespace annulus::cli {

struct setting {
  annulus::topology topology = topology::spsc;
  std::uint32_t producers = 1;
  waiting wait;
  std::vector<int> cpus;  // this process's, then the others'; empty: the system chooses
};

using samples = std::vector<float>;  // nanoseconds

// One word in each direction, each on a line of its own. Some thousand trips.
[[nodiscard]] samples measure_cache_line(const setting& how);

// A message there and back, through two rings.
[[nodiscard]] samples measure_round_trip(const setting& how, std::uint64_t bytes,
                                         std::chrono::nanoseconds span);

// Messages a second from all producers to the consumer, which reads the first byte of each in
// place.
[[nodiscard]] double measure_throughput(const setting& how, std::uint64_t bytes,
                                        std::chrono::nanoseconds span);

// Two processors on cores of their own, where there are; fewer than two: do not pin.
[[nodiscard]] std::vector<int> choose_cpus();
[[nodiscard]] std::vector<int> allowed_cpus();
// Throws what the user should know if one of them is not allowed.
void require_ours(const std::vector<int>& cpus);

// Pins this process while it lives.
class pinned {
 public:
  explicit pinned(const std::vector<int>& cpus);
  ~pinned();
  pinned(const pinned&) = delete;
  pinned& operator=(const pinned&) = delete;

 private:
  std::vector<int> before_;
};

}  // namespace annulus::cli
