// System calls and copies of a message, counted from outside by tracing both sides of a short run.
//
// Calls    every system call of every thread of a side, between its two marks. Tracing slows who
//          makes them: a side that sleeps finds more at each waking than it would untraced
// Copies   when both sides have reached their second mark they are held, and all of their memory is
//          searched for the last message's bytes. Each place where they lie, shared memory counted
//          once, was written by the application or by one copy; so was each place in the kernel,
//          which is seen in the bytes that the producer's calls took. Hence
//              copies = places - 1 + (bytes into the kernel) / (bytes of the messages).
//          A place overwritten since is missed: the figure is a lower bound.
#pragma once

#include "compare/link.hpp"

#include <cstdint>

namespace annulus::compare {

struct calls {
  double producer = 0;  // system calls per message
  double consumer = 0;
  double copies = 0;  // per message, from the producer's hand to the consumer's eye
};

// What a traced side calls around its measured stretch.
void mark();

// Throws where the system forbids tracing.
[[nodiscard]] calls count_calls(link& open, load how, const processors& on, const patience& until);

}  // namespace annulus::compare
