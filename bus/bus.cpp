#include <annulus/bus/bus.hpp>
#include <annulus/bus/meeting.hpp>
#include <annulus/bus/open.hpp>

namespace annulus {
namespace {

// One role of either transport, as a variant of all.
template <class Roles, class Spsc, class Mpsc, class Pipe>
result<Roles> attach_once(const bus::endpoint& at) {
  const auto as_role = [](auto made) -> result<Roles> {
    if (!made) return made.error();
    return Roles(std::move(*made));
  };
  if (at.scheme == bus::scheme::pipe) {
    auto to = bus::open_pipe(at);
    if (!to) return to.error();
    return as_role(Pipe::attach(*to, at.wait));
  }
  auto to = bus::open_segment(at);
  if (!to) return to.error();
  if (to->geometry().topology == topology::spsc) return as_role(Spsc::attach(*to, at.wait));
  return as_role(Mpsc::attach(*to, at.wait));
}

// The same. A channel that is removed between its opening and its attaching is made anew.
template <class Roles, class Spsc, class Mpsc, class Pipe>
result<Roles> attach(const bus::endpoint& at) {
  constexpr int most_tries = 8;
  auto role = attach_once<Roles, Spsc, Mpsc, Pipe>(at);
  for (int tries = 1; tries < most_tries && !role && at.creates; ++tries) {
    if (role.error().kind != fault::not_found) break;
    role = attach_once<Roles, Spsc, Mpsc, Pipe>(at);
  }
  return role;
}

failure named(const bus::endpoint& at, failure why) {
  return {why.kind, to_string(at) + ": " + why.message};
}

}  // namespace

result<bus_producer> open_producer(const bus::endpoint& at) {
  auto to = bus::resolve(at);
  if (!to) return to.error();
  auto role = attach<bus_producer::roles, spsc_producer, mpsc_producer, pipe_producer>(to->where);
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
  auto role = attach<bus_consumer::roles, spsc_consumer, mpsc_consumer, pipe_consumer>(to->where);
  if (!role) return named(at, role.error());
  if (seen) seen->take_up();
  return bus_consumer(std::move(*role), std::move(to->why), std::move(seen));
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
