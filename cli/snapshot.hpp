// A channel seen from outside, as `annulus stat` shows it: what the transports have in common, and
// what each has of its own.
#pragma once

#include "cli/json.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <annulus/bus/name.hpp>
#include <annulus/pipe/inspect.hpp>
#include <annulus/ring/inspect.hpp>

namespace annulus::cli {

struct ring_snapshot : ring_report {};
struct pipe_snapshot : pipe_report {
  pipes::geometry geometry;
  std::string path;
  bool is_full = false;  // no free page in the FIFO
  bool is_held = false;  // a live process has a role's lock, whatever the words say
};

// A snapshot, and when it was taken.
template <class Snapshot>
struct timed {
  Snapshot seen;
  std::chrono::steady_clock::time_point at = std::chrono::steady_clock::now();
};

struct rates {
  double messages = 0;  // read, a second
  double bytes = 0;
};

template <class Snapshot>
[[nodiscard]] rates between(const timed<Snapshot>& before, const timed<Snapshot>& now) {
  const double seconds = std::chrono::duration<double>(now.at - before.at).count();
  const auto per_second = [&](std::uint64_t was, std::uint64_t is) {
    return is >= was && seconds > 0 ? static_cast<double>(is - was) / seconds : 0;
  };
  const auto& was = before.seen.consumer.counters;
  const auto& is = now.seen.consumer.counters;
  return {per_second(was.messages, is.messages), per_second(was.bytes, is.bytes)};
}

// Of all producers together.
template <class Snapshot>
[[nodiscard]] counters_report sum_of_producers(const Snapshot& seen) {
  counters_report all;
  for (const auto& one : seen.producers) {
    all.messages += one.counters.messages;
    all.high_water = std::max(all.high_water, one.counters.high_water);
  }
  return all;
}
template <class Snapshot>
[[nodiscard]] std::uint64_t high_water(const Snapshot& seen) {
  return std::max(
      {seen.consumer.counters.high_water, sum_of_producers(seen).high_water, seen.depth});
}

// Inspects a channel of any owner: writes nothing, and trusts no word of it.
// Throws command_error when there is none.
void inspect(const bus::endpoint& at, ring_snapshot& into);
void inspect(const bus::endpoint& at, pipe_snapshot& into);

[[nodiscard]] std::string count_of_producers(std::uint32_t count);
// A ring's shape, as one line and as JSON tell it.
[[nodiscard]] std::string in_words(const geometry& shape);
void add_shape(json& out, const geometry& shape);
// What files of both kinds tell of their making.
template <class Geometry>
void add_making(json& out, const Geometry& shape) {
  out["transient"] = shape.transient != 0;
  out["created_at"] = shape.created_at;
  out["created_by"] = shape.created_by;
}

// Why what stands in a channel is not read: `what` waits, and the consumer is slow, dead or absent.
[[nodiscard]] std::string for_the_consumer(const std::string& what, const role_report& consumer);

// Who holds whom up, in words; empty: nobody.
[[nodiscard]] std::string blocked_by(const ring_snapshot& seen);
[[nodiscard]] std::string blocked_by(const pipe_snapshot& seen);

// What a transport has of its own: its table, and its entries in JSON.
void show(const ring_snapshot& seen, const std::string& name);
void show(const pipe_snapshot& seen, const std::string& name);
void show_audit_log(const ring_snapshot& seen);
void show_audit_log(const pipe_snapshot& seen);
void add_to(json& out, const ring_snapshot& seen);
void add_to(json& out, const pipe_snapshot& seen);

// For a line of a list: its kind and its capacity.
[[nodiscard]] std::string kind_of(const ring_snapshot& seen);
[[nodiscard]] std::string kind_of(const pipe_snapshot& seen);
[[nodiscard]] std::uint64_t capacity_of(const ring_snapshot& seen);
[[nodiscard]] std::uint64_t capacity_of(const pipe_snapshot& seen);

[[nodiscard]] const char* word_for(presence p) noexcept;

// Each role that ever came: a line of a table, and an entry in JSON.
void show_roles_head();
void show_roles_foot(bool has_star);
void show_role(const std::string& who, const role_report& role);
[[nodiscard]] json json_of(const role_report& role);

template <class Seen>
void show_roles(const Seen& seen) {
  show_roles_head();
  show_role("consumer", seen.consumer);
  bool has_star = is_of_another_namespace(seen.consumer.pid_namespace);
  for (std::size_t i = 0; i < seen.producers.size(); ++i) {
    if (seen.producers[i].state == presence::never_came) continue;
    show_role("producer " + std::to_string(i), seen.producers[i]);
    has_star |= is_of_another_namespace(seen.producers[i].pid_namespace);
  }
  show_roles_foot(has_star);
}
template <class Seen>
void add_roles(json& out, const Seen& seen) {
  out["consumer"] = json_of(seen.consumer);
  out["producers"] = json::array();
  for (std::size_t i = 0; i < seen.producers.size(); ++i) {
    const auto& role = seen.producers[i];
    if (role.state == presence::never_came) continue;
    auto one = json_of(role);
    one["number"] = i;
    if constexpr (requires { role.has_claim; }) {  // a pipe's claims are its producer's own
      one["has_claim"] = role.has_claim;
      if (role.has_claim) one["claim_pos"] = role.claim_pos;
    }
    out["producers"].push_back(std::move(one));
  }
}

}  // namespace annulus::cli
