// Defers pthread_cancel of its thread while the object exists.
//
// Operations are noexcept and change what others share step by step. A thread that was cancelled in
// a system call of theirs would end the process, or leave a step undone. It is cancelled at its own
// next cancellation point instead.
#pragma once

#include <pthread.h>

namespace annulus {

class uncancelled {
 public:
  uncancelled() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  uncancelled(const uncancelled&) = delete;
  uncancelled& operator=(const uncancelled&) = delete;
  ~uncancelled() { pthread_setcancelstate(before_, nullptr); }

 private:
  int before_ = PTHREAD_CANCEL_ENABLE;
};

}  // namespace annulus
