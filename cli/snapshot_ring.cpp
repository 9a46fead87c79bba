// The ring, seen from outside.
#include "cli/console.hpp"
#include "cli/exit_code.hpp"
#include "cli/options.hpp"
#include "cli/snapshot.hpp"
#include "cli/text.hpp"
#include <fmt/format.h>

#include <annulus/bus/channel.hpp>

namespace annulus::cli {

void inspect(const bus::endpoint& at, ring_snapshot& into) {
  const auto memory =
      must(segment::open(must(bus::name_of(at)), access::read_only, ownership::any));
  static_cast<ring_report&>(into) = must(inspect(memory));
}

std::string blocked_by(const ring_snapshot& r) {
  const auto since = r.stalled_for_ns > 0
                         ? ", for " + show_span(std::chrono::nanoseconds(r.stalled_for_ns))
                         : std::string();
  if (r.front == front::unfinished) {
    if (!r.front_producer) {
      return fmt::format("a claim at {} without a header holds the consumer up{}", r.read_pos,
                         since);
    }
    const auto& who = r.producers[*r.front_producer];
    return fmt::format("producer {} (process {}, {}) has claimed at {} and not committed{}",
                       *r.front_producer, process_number(who), word_for(who.state), r.read_pos,
                       since);
  }
  if (!r.producers_wait) return {};
  return for_the_consumer("producers wait for room", r.consumer);
}

std::string in_words(const geometry& shape) {
  return fmt::format("{}, capacity {}, messages up to {}, integrity {}", to_string(shape.topology),
                     show_bytes(shape.capacity), show_bytes(shape.max_message),
                     to_string(shape.integrity));
}

void add_shape(json& out, const geometry& shape) {
  out["topology"] = to_string(shape.topology);
  out["capacity"] = shape.capacity;
  out["max_message"] = shape.max_message;
  out["integrity"] = to_string(shape.integrity);
}

void show(const ring_snapshot& r, const std::string& name) {
  const auto& shape = r.geometry;
  print("{}  {}{}{}, since {}\n", name, in_words(shape),
        shape.huge_pages != 0 ? ", huge pages" : "",
        shape.transient != 0 ? ", made in passing" : "", show_time(shape.created_at));
  print("  depth {} ({:.0f} %), high water {}, read up to {}, written up to {}, next: {}\n",
        show_bytes(r.depth),
        100 * static_cast<double>(r.depth) / static_cast<double>(shape.capacity),
        show_bytes(high_water(r)), r.read_pos, r.write_pos, to_string(r.front));
}

void show_audit_log(const ring_snapshot&) {}

void add_to(json& out, const ring_snapshot& r) {
  const auto& shape = r.geometry;
  add_shape(out, shape);
  out["huge_pages"] = shape.huge_pages != 0;
  add_making(out, shape);
  out.update({{"read_pos", r.read_pos},
              {"write_pos", r.write_pos},
              {"depth", r.depth},
              {"high_water", high_water(r)},
              {"front", std::string(to_string(r.front))},
              {"consumer_sleeps", r.consumer_sleeps},
              {"producers_wait", r.producers_wait},
              {"stalled_for_ns", r.stalled_for_ns}});
}

std::string kind_of(const ring_snapshot& r) { return to_string(r.geometry.topology); }
std::uint64_t capacity_of(const ring_snapshot& r) { return r.geometry.capacity; }

}  // namespace annulus::cli
