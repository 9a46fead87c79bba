// What is seen of a channel of either transport, and its roles.
#include "cli/snapshot.hpp"

#include "cli/text.hpp"

namespace annulus::cli {

json snapshot_of(const found_endpoint& at) {
  json out = {{"name", to_string(at.where)}};
  if (!at.why.empty()) {
    out["asked_for"] = "auto:" + at.where.name;
    out["why"] = at.why;
  }
  at.where.transport == bus::transport::shm ? add_ring(out, at.where) : add_pipe(out, at.where);
  return out;
}

json json_of(const role_report& role) {
  const auto& c = role.counters;
  return {{"state", to_string(role.state)},
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

json json_of(const producer_report& role) {
  auto out = json_of(static_cast<const role_report&>(role));
  out["has_claim"] = role.has_claim;
  if (role.has_claim) out["claim_pos"] = role.claim_pos;
  return out;
}

std::string_view word_for(std::string_view presence) noexcept {
  return presence == "attached" ? "alive" : presence == "died" ? "dead" : presence;
}

std::string who_of(const json& role) {
  return role.contains("number") ? fmt::format("producer {}", role["number"]) : "consumer";
}

std::string count_of_producers(std::uint32_t count) {
  return count == 1 ? "1 producer" : fmt::format("{} producers", count);
}

std::string making_of(const json& seen) {
  return fmt::format("{}, since {}", seen["transient"] == true ? ", made in passing" : "",
                     show_time(seen["created_at"]));
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

void show_roles(const json& seen) {
  constexpr const char* line = "  {:<12} {:<10} {:>8}  {:<19} {:>12} {:>10} {:>8} {:>8} {:>8}\n";
  print(line, "role", "state", "process", "attached", "messages", "bytes", "refused", "dropped",
        "waits");
  bool has_star = false;
  const auto show = [&](const json& role) {
    const auto& space = role["pid_namespace"];
    const auto& c = role["counters"];
    const bool is_elsewhere = !space.is_null() && is_of_another_namespace(space);
    has_star |= is_elsewhere;
    print(line, who_of(role), word_for(role["state"].get<std::string>()),
          fmt::format("{}{}", role["pid"], is_elsewhere ? "*" : ""),
          role["attached_at"] != 0 ? show_time(role["attached_at"]) : "", c["messages"],
          show_bytes(c["bytes"]), c["refused"], c["dropped"], c["waits"]);
  };
  show(seen["consumer"]);
  for (const auto& one : seen["producers"]) show(one);
  if (has_star) print("  * its number in its own pid namespace, which is another than ours\n");
}

}  // namespace annulus::cli
