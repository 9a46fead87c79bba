// System calls and copies of a message, counted from outside by tracing both sides of a short run.
//
// Calls    every system call of every thread of a side, between its two marks. Tracing slows the
//          caller down, so a side that sleeps finds more messages at each waking than untraced
// Copies   when both sides have reached their second mark they are held, and their memory is
//          searched for the bytes of the last message. The application or a copy wrote each place
//          where they lie; shared memory counts once. The kernel's copies show in the bytes that
//          the producer's calls took. Hence
//              copies = places - 1 + (bytes into the kernel) / (bytes of the messages).
//          A place overwritten since is missed, so the figure is a lower bound.
#pragma once

#include "bench/system.hpp"

#include <cstdint>

namespace annulus::bench {

struct calls {
  double producer = 0;  // system calls per message
  double consumer = 0;
  double copies = 0;  // per message
};

// A traced side calls it around its measured stretch.
void mark();

// Runs one producer and the consumer as processes, traced. Throws where tracing is forbidden.
[[nodiscard]] calls count_calls(link& open, load how, const processors& on, const patience& until);

}  // namespace annulus::bench
