// The words that the roles of one pipe share, and what each access of them is for.
#pragma once

#include <annulus/channel/counters.hpp>
#include <annulus/channel/lock.hpp>
#include <annulus/channel/roster.hpp>
#include <annulus/channel/word.hpp>

namespace annulus::pipes {

enum class edge {
  roll,       // enter, leave -> presence: who came, and who has closed after all that it wrote
  released,   // release -> the next consumer: what it must not read again
  abandon,    // push -> read: this message will not be finished
  kept,       // take out -> the next consumer: what left the FIFO and stands in a file
  interrupt,  // interrupt() -> the wait that it ends: what was done before
  audit,      // enter, leave -> inspect: one whole entry of the audit log

  hint,  // relaxed: a stale value costs a retry, or is only shown
  own,   // relaxed: one role reads what it, or the one before it, wrote
};

using annulus::word;

// What channel/roster.hpp and channel/counters.hpp ask for.
struct words {
  template <class T>
  using word = annulus::word<T>;
  using edge = pipes::edge;
  using witness = lock_witness;
};
using role_words = annulus::role_words<words>;
using counter_words = annulus::counter_words<words>;

}  // namespace annulus::pipes
