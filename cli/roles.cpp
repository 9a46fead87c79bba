// The roles of a channel, as `annulus stat` and `annulus dump` show them.
#include "cli/console.hpp"
#include "cli/snapshot.hpp"
#include "cli/text.hpp"

namespace annulus::cli {
namespace {

std::string number_of(const role_report& role) {
  return std::to_string(role.pid) + (is_of_another_namespace(role.pid_namespace) ? "*" : "");
}

}  // namespace

void show_role(const std::string& who, const role_report& role) {
  const auto& c = role.counters;
  print("  {:<12} {:<10} {:>8}  {:<19} {:>12} {:>10} {:>8} {:>8} {:>8}\n", who,
        word_for(role.state), number_of(role),
        role.attached_at != 0 ? show_time(role.attached_at) : "", c.messages, show_bytes(c.bytes),
        c.refused, c.dropped, c.waits);
}

json json_of(const role_report& role) {
  const auto& c = role.counters;
  return {{"state", std::string(to_string(role.state))},
          {"pid", role.pid},
          {"pid_namespace", role.pid_namespace != 0 ? json(role.pid_namespace) : json()},
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

std::string count_of_producers(std::uint32_t count) {
  return count == 1 ? "1 producer" : fmt::format("{} producers", count);
}

std::string for_the_consumer(const std::string& what, const role_report& consumer) {
  switch (consumer.state) {
    case presence::attached:
      return fmt::format("{}: the consumer (process {}) is slow", what, process_number(consumer));
    case presence::died:
      return fmt::format("{}: the consumer (process {}) is dead", what, process_number(consumer));
    default: return what + ": there is no consumer";
  }
}

void show_roles_head() {
  print("  {:<12} {:<10} {:>8}  {:<19} {:>12} {:>10} {:>8} {:>8} {:>8}\n", "role", "state",
        "process", "attached", "messages", "bytes", "refused", "dropped", "waits");
}

void show_roles_foot(bool has_star) {
  if (has_star) print("  * its number in its own pid namespace, which is another than ours\n");
}

}  // namespace annulus::cli
