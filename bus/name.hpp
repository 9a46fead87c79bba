// An endpoint's name: TRANSPORT:NAME, and options behind a question mark.
//
//     shm:orders    pipe:orders?max_message=64KiB    auto:orders?latency=50us&producers=4
//
//   option        for          meaning, and what holds without it
//   capacity      all          bytes for records, a power of two                        1MiB
//   max_message   all          the largest message, at most half the capacity           that half
//   producers     all          how many may be attached at once; more than 1: mpsc      1
//   mode          all          permissions, octal, 0600 to 0666                         0600
//   integrity     shm, auto    structure or crc32c; a pipe heeds none                   structure
//   create        all          whether to make it if it does not exist: yes or no       yes
//   owner         all          whose it may be: own (or root's), or any                 own
//   dir           all          the directory of its files, an absolute path; both       ANNULUS_DIR
//                              sides must say the same: channel/directory.hpp           or /dev/shm
//   wait          all          how this role waits: spin, yield, block or nap           block
//   spin          all          how long yield and block spin first                      20us
//   nap           all          how long nap sleeps between two looks                    1ms
//   once          all          marked messages: the consumer drops redeliveries         no
//   portable      auto         must work where shared memory does not: yes or no        no
//   latency       auto         needed, one way                                          none
//   rate          auto         needed, messages a second                                none
//   guarded       auto         the system is to guard, and log who comes: yes or no     no
//
// Creation options apply to the creator alone. Opening an existing channel fails if it cannot
// satisfy the options. Each error says which option, and what it may be.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <annulus/bus/choice.hpp>
#include <annulus/channel/at_least_cxx20.hpp>
#include <annulus/channel/ownership.hpp>
#include <annulus/channel/result.hpp>
#include <annulus/channel/waiting.hpp>
#include <annulus/ring/layout.hpp>

namespace annulus::bus {

// A name and its options, as the table above tells them.
struct endpoint {
  bus::transport transport = transport::shm;    // in front of the colon
  std::string name;                             // behind the colon
  std::optional<std::uint64_t> capacity;        // bytes
  std::optional<std::uint64_t> max_message;     // bytes
  std::optional<std::uint32_t> producers;       // attached at once
  std::optional<annulus::integrity> integrity;  // of a ring
  unsigned mode = 0600;                         // of its files
  bool creates = true;                          // if it does not exist
  ownership owner = ownership::own_or_root;     // whose it may be
  std::string directory;                        // empty: as for all (channel/directory.hpp)
  waiting wait;                                 // of the role that is attached
  bool once = false;                            // marked messages
  bus::needs needs;                             // of auto:
};

// Fails with a message that says which option, and what it may be.
[[nodiscard]] result<endpoint> parse(std::string_view text);

// TRANSPORT:NAME, without the options.
[[nodiscard]] std::string to_string(const endpoint& e);

}  // namespace annulus::bus
