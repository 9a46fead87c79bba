#include <annulus/bus/bus.hpp>
#include <annulus/bus/channel.hpp>
#include <annulus/bus/rendezvous.hpp>
#include <annulus/channel/settled.hpp>

namespace annulus {
namespace {

// A role of a channel that is open, as a variant of all.
template <class Roles, class Spsc, class Mpsc, class Pipe>
result<Roles> attach_to(const bus::channel& to, waiting how) {
  const auto as_role = [](auto made) -> result<Roles> {
    if (!made) return made.error();
    return Roles(std::move(*made));
  };
  if (!to.is_ring()) return as_role(Pipe::attach(to.pipe(), how));
  if (to.topology() == topology::spsc) return as_role(Spsc::attach(to.ring(), how));
  return as_role(Mpsc::attach(to.ring(), how));
}
result<bus_producer::roles> as_producer(const bus::channel& to, waiting how) {
  return attach_to<bus_producer::roles, spsc_producer, mpsc_producer, pipe_producer>(to, how);
}
using consumers = bus::once_consumer::roles;
result<consumers> as_consumer(const bus::channel& to, waiting how) {
  return attach_to<consumers, spsc_consumer, mpsc_consumer, pipe_consumer>(to, how);
}
bus_consumer as_bus_consumer(consumers role, std::string why) {
  const auto make = [&](auto& one) {
    return bus_consumer(bus_consumer::roles(std::move(one)), std::move(why));
  };
  return std::visit(make, role);
}

// The same by name. A channel that goes away between its opening and its attaching is looked for,
// or made, anew.
template <class Roles>
result<Roles> attach(const bus::endpoint& at,
                     result<Roles> (*attach_once)(const bus::channel&, waiting)) {
  return files::settled<Roles>(at.name, [&]() -> std::optional<result<Roles>> {
    auto to = bus::channel::open_or_create(at);
    if (!to) return to.error();
    auto role = attach_once(*to, at.wait);
    if (bus::went_away(role)) return std::nullopt;
    return role;
  });
}

failure named(const bus::endpoint& at, const failure& why) {
  return {why.kind, to_string(at) + ": " + why.message};
}

}  // namespace

result<bus_producer> bus_producer::attach(const bus::channel& to, waiting how) {
  auto role = as_producer(to, how);
  if (!role) return role.error();
  return bus_producer(std::move(*role), {});
}
result<bus_consumer> bus_consumer::attach(const bus::channel& to, waiting how) {
  auto role = as_consumer(to, how);
  if (!role) return role.error();
  return as_bus_consumer(std::move(*role), {});
}

result<bus_producer> open_producer(const bus::endpoint& at) {
  auto to = bus::resolve(at);
  if (!to) return to.error();
  auto role = attach<bus_producer::roles>(to->where, as_producer);
  if (!role) return named(at, role.error());
  return bus_producer(std::move(*role), std::move(to->why));
}

result<bus_consumer> open_consumer(const bus::endpoint& at) {
  auto to = bus::resolve(at);
  if (!to) return to.error();
  std::unique_ptr<bus::seen_list> seen;
  if (auto name = bus::name_of(to->where); !name) return named(at, name.error());
  if (at.once) {  // before the role is taken, so that a refusal leaves no trace at the channel
    auto opened = bus::seen_list::open(bus::seen_path_of(to->where));
    if (!opened) return named(at, opened.error());
    seen = std::make_unique<bus::seen_list>(std::move(*opened));
  }
  auto role = attach<consumers>(to->where, as_consumer);
  if (!role) return named(at, role.error());
  if (seen == nullptr) return as_bus_consumer(std::move(*role), std::move(to->why));
  seen->take_up();
  return bus_consumer(bus::once_consumer(std::move(*role), std::move(seen)), std::move(to->why));
}

result<bus_producer> open_producer(std::string_view name) {
  auto at = bus::parse(name);
  if (!at) return at.error();
  return open_producer(*at);
}
result<bus_consumer> open_consumer(std::string_view name) {
  auto at = bus::parse(name);
  if (!at) return at.error();
  return open_consumer(*at);
}

}  // namespace annulus
