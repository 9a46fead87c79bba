// A look at a pipe from outside: read-only, at any time, disturbing nobody.
//
// The words are read one by one while the pipe works, so they need not fit together to the byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <annulus/channel/report.hpp>
#include <annulus/pipe/named_pipe.hpp>

namespace annulus {

// Who came and went. A death is told by the next in the role.
struct pipe_event {
  enum class kind : std::uint8_t { attached, closed, found_dead } what = kind::attached;
  bool is_consumer = false;
  std::uint32_t producer = 0;  // else: its number
  std::int64_t at = 0;         // seconds since 1970
  std::int32_t pid = 0;
  std::uint32_t uid = 0;
};
[[nodiscard]] std::string_view to_string(pipe_event::kind what) noexcept;

struct pipe_report {
  pipe_options options;
  std::uint64_t kernel_bytes = 0;  // what the kernel grants: less than the capacity if it refused
  std::uint64_t most_at_once = 0;  // so the largest message that try_ forms pass
  std::uint64_t depth = 0;         // bytes in the FIFO, headers included
  bool consumer_closed = false;
  std::optional<stall> stalled_by;  // as the consumer noticed it
  role_report consumer;
  std::vector<role_report> producers;  // one for each number
  std::vector<pipe_event> trail;       // the latest, oldest first
};

[[nodiscard]] result<pipe_report> inspect(const named_pipe& of);

}  // namespace annulus
