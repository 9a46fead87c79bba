// The roles of a channel, as `annulus stat` and `annulus dump` show them.
#include "cli/console.hpp"
#include "cli/snapshot.hpp"
#include "cli/text.hpp"

namespace annulus::cli {
void show_role(const std::string& who, const role_report& role) {
  const auto& c = role.counters;
  print("  {:<12} {:<10} {:>8}  {:<19} {:>12} {:>10} {:>8} {:>8} {:>8}\n", who,
        word_for(role.state), role.pid, role.attached_at != 0 ? show_time(role.attached_at) : "",
        c.messages, show_bytes(c.bytes), c.refused, c.dropped, c.waits);
}

json json_of(const role_report& role) {
  const auto& c = role.counters;
  return {{"state", std::string(to_string(role.state))},
          {"pid", role.pid},
          {"uid", role.uid},
          {"attached_at", role.attached_at},
          {"incarnation", role.incarnation},
          {"counters",
           {{"messages", c.messages},
            {"bytes", c.bytes},
            {"refused", c.refused},
            {"dropped", c.dropped},
            {"waits", c.waits},
            {"recovered", c.recovered},
            {"corrupt", c.corrupt},
            {"high_water", c.high_water}}}};
}

const char* word_for(presence p) noexcept {
  switch (p) {
    case presence::never_came: return "never came";
    case presence::attached: return "alive";
    case presence::closed: return "closed";
    case presence::died: return "dead";
  }
  return "?";
}

void show_roles_head() {
  print("  {:<12} {:<10} {:>8}  {:<19} {:>12} {:>10} {:>8} {:>8} {:>8}\n", "role", "state",
        "process", "attached", "messages", "bytes", "refused", "dropped", "waits");
}

}  // namespace annulus::cli
