// A ring by its name, for two processes that meet there, whoever comes first.
//
// A ring that nobody created is made in passing (transient), and the consumer that ends it removes
// it. No message may be lost to that: a producer may come just then, or the name may already stand
// for another ring. So the consumer first closes, so that no push succeeds; then takes its lock
// back, so that no other consumer comes; and removes the name only if nobody is there, nothing is
// left and the name still stands for this ring. A producer that took its lock later finds the ring
// closed before its first push, and starts over with the next one.
#pragma once

#include <cstdint>
#include <string>

#include <annulus/ring/inspect.hpp>
#include <annulus/ring/segment.hpp>

namespace annulus::cli {

// Whether the name still stands for this segment.
[[nodiscard]] bool is_still_named(const segment& memory);

// Removes a transient ring whose stream has ended. False: somebody or something came; read on.
// Requires: the caller was its consumer and has closed.
[[nodiscard]] bool remove_if_over(const segment& memory);

// How many times a producer came, of all that ever did.
[[nodiscard]] std::uint64_t arrivals(const ring_report& seen) noexcept;

// Says, once, after a second, that the command waits, and for what.
class patience {
 public:
  // `what` for example "waiting for a producer of shm:x".
  void waits(const std::string& what);
  void over() noexcept { since_ = {}; }

 private:
  deadline since_{};
  bool has_said_ = false;
};

}  // namespace annulus::cli
