// A look at a pipe from outside: read-only, at any time, disturbing nobody.
//
// The words are read one by one while the pipe works, so they need not fit together to the byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <annulus/channel/report.hpp>
#include <annulus/pipe/audit_log.hpp>
#include <annulus/pipe/named_pipe.hpp>

namespace annulus {

// A pipe as it was at one moment.
struct pipe_report {
  pipe_options options;             // what it was made with
  std::uint64_t kernel_bytes = 0;   // what the kernel grants: less than the capacity if it refused
  std::uint64_t most_at_once = 0;   // so the largest message that try_ forms pass
  std::uint64_t depth = 0;          // bytes in the FIFO, headers included
  bool consumer_closed = false;     // the last one left by closing
  std::optional<stall> stalled_by;  // as the consumer noticed it
  role_report consumer;             // its role
  std::vector<role_report> producers;  // one for each number
  std::vector<pipe_event> audit_log;   // the latest, oldest first
};

// Reads the words as they are now.
[[nodiscard]] result<pipe_report> inspect(const named_pipe& of);

}  // namespace annulus
