// The audit log of a pipe: who came, who closed, who was found dead by the next in the role.
//
// The last audit_entries of them stand in the roles file. Roles write them, at any time, each its
// own entry; a reader takes those that are whole.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <annulus/pipe/layout.hpp>

namespace annulus {

// Who came and went. A death is told by the next in the role.
struct pipe_event {
  // What happened.
  enum class kind : std::uint8_t { attached, closed, found_dead };

  kind what = kind::attached;  // what happened
  bool is_consumer = false;    // the role
  std::uint32_t producer = 0;  // else: its number
  std::int64_t at = 0;         // seconds since 1970
  std::int32_t pid = 0;        // the process, in its own pid namespace
  std::uint32_t uid = 0;       // its user
};
// For people and logs.
[[nodiscard]] std::string_view to_string(pipe_event::kind what) noexcept;

namespace pipes {

// A kind as it stands in the file; 0 is no entry.
enum class act : std::uint32_t { attached = 1, closed, found_dead };

// Adds an entry of the role that a process holds, or held.
void record(const roles_memory& at, act what, std::uint32_t role, std::uint32_t pid,
            std::uint32_t uid) noexcept;
// The latest, oldest first.
[[nodiscard]] std::vector<pipe_event> events(const roles_memory& at);

}  // namespace pipes
}  // namespace annulus
