// The ring, seen from outside.
#include "cli/exit_code.hpp"
#include "cli/options.hpp"
#include "cli/snapshot.hpp"
#include "cli/text.hpp"

#include <annulus/bus/channel.hpp>

namespace annulus::cli {
namespace {

std::string blocked_by(const ring_report& r) {
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
                       *r.front_producer, process_number(who), word_for(to_string(who.state)),
                       r.read_pos, since);
  }
  if (!r.producers_wait) return {};
  return for_the_consumer("producers wait for room", r.consumer);
}

}  // namespace

json ring_shape(const geometry& shape) {
  json out = {{"topology", to_string(shape.topology)},
              {"capacity", shape.capacity},
              {"max_message", shape.max_message},
              {"integrity", to_string(shape.integrity)},
              {"huge_pages", shape.huge_pages != 0}};
  add_making(out, shape);
  return out;
}

void add_ring(json& out, const bus::endpoint& at) {
  const auto memory =
      must(segment::open(must(bus::name_of(at)), access::read_only, ownership::any));
  const auto r = must(inspect(memory));
  const auto why = blocked_by(r);
  out.update(ring_shape(r.geometry));
  out.update({{"read_pos", r.read_pos},
              {"write_pos", r.write_pos},
              {"depth", r.depth},
              {"high_water", high_water(r)},
              {"front", to_string(r.front)},
              {"consumer_sleeps", r.consumer_sleeps},
              {"producers_wait", r.producers_wait},
              {"stalled_for_ns", r.stalled_for_ns},
              {"blocked_by", why.empty() ? json() : json(why)}});
  add_roles(out, r);
}

std::string size_of_ring(const json& shape) {
  return fmt::format("{}, capacity {}, messages up to {}, integrity {}", shape["topology"],
                     show_bytes(shape["capacity"]), show_bytes(shape["max_message"]),
                     shape["integrity"]);
}

void show_ring_shape(const json& seen) {
  print("{}  {}{}{}\n", seen["name"], size_of_ring(seen),
        seen["huge_pages"] == true ? ", huge pages" : "", making_of(seen));
}

void show_ring(const json& seen) {
  show_ring_shape(seen);
  print("  depth {} ({:.0f} %), high water {}, read up to {}, written up to {}, next: {}\n",
        show_bytes(seen["depth"]),
        100 * seen["depth"].get<double>() / seen["capacity"].get<double>(),
        show_bytes(seen["high_water"]), seen["read_pos"], seen["write_pos"], seen["front"]);
}

}  // namespace annulus::cli
