// The ring's synchronisation, by name: every atomic access names the edge that it is an end of.
//
// An edge runs from a release to an acquire: what was done before the one is seen after the other.
//
//   Edge     From                                 To                         Gives
//   publish  a record's header, at commit         the consumer's load        the payload behind it
//   free     freed, after reading and zeroing     a producer's load          the space below it
//   claim    the CAS that moves write_pos         recovery's load            announcements below it
//   idle     an announcement, and its clearing    recovery's load            what it settled below
//   extent   write_pos of a lone producer         the consumer's search      the records below it
//   roll     a producer came or closed            the consumer's roll call   all that it committed
//   interrupt  interrupt()                        the wait that it ends      what was done before
//
// Two more are not between atomics: [stamp] and [redo] stand in program order before a compiler
// fence, against a death between two stores. And a lock drops after its holder's last store.
#pragma once

namespace annulus {

enum class edge {
  publish,
  free,
  claim,
  idle,
  extent,
  roll,
  interrupt,
  stamp,  // relaxed: a busy header, ahead of its payload in program order
  redo,   // relaxed: the position that a release is zeroing up to, ahead of the zeroing
  bell,   // relaxed: a sleeper's word; ordered by a fence on each side
  own,    // relaxed: written and read by one role only, or by its successor after the lock moved
  hint,   // relaxed: a stale value costs at most a retry
};

}  // namespace annulus
