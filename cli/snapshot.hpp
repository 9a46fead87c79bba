// A channel seen from outside, as JSON. `annulus stat` and `annulus dump` print that, or the text
// that is made from it here.
#pragma once

#include "cli/endpoint.hpp"
#include "cli/json.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include <annulus/channel/report.hpp>
#include <annulus/ring/inspect.hpp>

namespace annulus::cli {

// What a channel of any owner is like now, and who holds whom up. Writes nothing, and trusts no
// word of it. Throws command_error when there is none.
[[nodiscard]] json snapshot_of(const found_endpoint& at);
// What a transport tells of its own.
void add_ring(json& out, const bus::endpoint& at);
void add_pipe(json& out, const bus::endpoint& at);

// A ring's size and limits.
[[nodiscard]] json ring_shape(const geometry& shape);
// What files of both kinds tell of their making.
template <class Geometry>
void add_making(json& out, const Geometry& shape) {
  out["transient"] = shape.transient != 0;
  out["created_at"] = shape.created_at;
  out["created_by"] = shape.created_by;
}

// Each role that ever came.
[[nodiscard]] json json_of(const role_report& role);
[[nodiscard]] json json_of(const producer_report& role);
template <class Report>
void add_roles(json& out, const Report& seen) {
  out["consumer"] = json_of(seen.consumer);
  out["producers"] = json::array();
  for (std::size_t i = 0; i < seen.producers.size(); ++i) {
    if (seen.producers[i].state == presence::never_came) continue;
    out["producers"].push_back(json_of(seen.producers[i]));
    out["producers"].back()["number"] = i;
  }
}

template <class Report>
[[nodiscard]] std::uint64_t high_water(const Report& seen) {
  auto most = std::max(seen.depth, seen.consumer.counters.high_water);
  for (const auto& one : seen.producers) most = std::max(most, one.counters.high_water);
  return most;
}

[[nodiscard]] inline bool is_ring(const json& seen) { return seen.contains("topology"); }

// In words.
[[nodiscard]] std::string_view word_for(std::string_view presence) noexcept;
// A role, or an entry of the audit log: "consumer", "producer 3".
[[nodiscard]] std::string who_of(const json& role);
[[nodiscard]] std::string count_of_producers(std::uint32_t count);
[[nodiscard]] std::string size_of_ring(const json& shape);
// How it was made.
[[nodiscard]] std::string making_of(const json& seen);
// Why what stands in a channel is not read: `what` waits, and the consumer is slow, dead or absent.
[[nodiscard]] std::string for_the_consumer(const std::string& what, const role_report& consumer);

// Lines of text: what a transport tells of its own, and tables.
void show_ring_shape(const json& seen);
void show_ring(const json& seen);
void show_pipe(const json& seen);
void show_roles(const json& seen);
void show_audit_log(const json& log);

}  // namespace annulus::cli
