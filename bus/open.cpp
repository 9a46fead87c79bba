#include <annulus/bus/open.hpp>

namespace annulus::bus {
namespace {

failure unfit(const endpoint& e, const std::string& what, std::uint64_t found,
              std::uint64_t wanted) {
  return {fault::incompatible, to_string(e) + " exists and has " + what + " " +
                                   std::to_string(found) + ", not " + std::to_string(wanted) +
                                   "; ask for less, or remove it and make it anew"};
}

// Whether what is there can do what was asked for.
result<bool> is_fit(const endpoint& e, std::uint64_t max_message, std::uint32_t producers) {
  if (e.max_message.value_or(0) > max_message) {
    return unfit(e, "max_message", max_message, *e.max_message);
  }
  if (e.producers.value_or(0) > producers) {
    return unfit(e, "producers", producers, *e.producers);
  }
  return true;
}

}  // namespace

segment_options shape_of(const endpoint& e) {
  segment_options out;
  out.producers = e.producers.value_or(1);
  out.topology = out.producers > 1 ? topology::mpsc : topology::spsc;
  if (e.capacity) out.capacity = *e.capacity;
  if (e.max_message) out.max_message = *e.max_message;
  if (e.integrity) out.integrity = *e.integrity;
  out.mode = e.mode;
  return out;
}

pipe_options pipe_shape_of(const endpoint& e) {
  pipe_options out;
  out.producers = e.producers.value_or(1);
  if (e.capacity) out.capacity = *e.capacity;
  if (e.max_message) out.max_message = *e.max_message;
  out.mode = e.mode;
  return out;
}

result<segment> open_segment(const endpoint& e) {
  for (;;) {
    auto found = segment::open(e.name, access::read_write, e.owner);
    if (found) {
      const auto& shape = found->geometry();
      if (auto fit = is_fit(e, shape.max_message, shape.producers); !fit) return fit.error();
      if (e.integrity && *e.integrity != shape.integrity) {
        return failure{fault::incompatible, to_string(e) +
                                                " exists with the other integrity; leave the "
                                                "option out, or remove it and make it anew"};
      }
      return found;
    }
    if (found.error().kind != fault::not_found || !e.creates) return found;
    auto made = segment::create(e.name, shape_of(e));
    if (made || made.error().kind != fault::already_exists) return made;
  }
}

result<named_pipe> open_pipe(const endpoint& e) {
  for (;;) {
    auto found = named_pipe::open(e.name, e.owner);
    if (found) {
      const auto& shape = found->geometry();
      if (auto fit = is_fit(e, shape.max_message, shape.producers); !fit) return fit.error();
      return found;
    }
    if (found.error().kind != fault::not_found || !e.creates) return found;
    auto made = named_pipe::create(e.name, pipe_shape_of(e));
    if (made || made.error().kind != fault::already_exists) return made;
  }
}

}  // namespace annulus::bus
