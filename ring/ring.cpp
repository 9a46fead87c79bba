#include <optional>
#include <string>

#include <annulus/ring/ring.hpp>

namespace annulus {
namespace {

std::string name_of(topology t) { return std::string(to_string(t)); }

result<bool> check_topology(const attachment& held, topology expected) {
  const auto found = held.memory().geometry.topology;
  if (found == expected) return true;
  return failure{fault::incompatible, "the segment is " + name_of(found) + ", this role is " +
                                          name_of(expected) + "; attach the " + name_of(found) +
                                          " role, or make the segment anew"};
}

// Whether the role could be taken: first its lock, which a live holder keeps.
template <class Words>
bool take(const attachment& held, Words& of, std::uint32_t number) {
  const auto& kernel = held.memory().witness;
  if (!kernel.take(number)) return false;
  const auto who = holder::here();
  if (!enter<std_atomics>(of.role, kernel.has_file(), who)) return false;
  tell_origin<std_atomics>(of.origin, who);
  return true;
}

}  // namespace

std::optional<failure> lost_name(const segment& of) {
  if (!of.has_lost_name()) return std::nullopt;
  return files::lost(files::quoted(of.name()) + " (" + of.path() + ")");
}

result<bool> take_consumer(const attachment& held, topology expected) {
  if (auto fits = check_topology(held, expected); !fits) return fits.error();
  auto& control = *held.memory().control;
  if (!past_a_remover(held.memory().witness,
                      [&] { return take(held, control.consumer, consumer_role); })) {
    return consumer_in_use("segment", holder_of(control.consumer.role, control.consumer.origin));
  }
  set_bell<std_atomics>(control.consumer_bell, bell_state::none);
  return true;
}

result<std::uint32_t> take_producer(const attachment& held, topology expected) {
  if (auto fits = check_topology(held, expected); !fits) return fits.error();
  const auto& ring = held.memory();
  const auto number = take_first_free(ring.witness, ring.geometry.producers, [&](std::uint32_t i) {
    return take(held, ring.producers[i], producer_role(i));
  });
  if (number) return *number;
  const auto& first = ring.producers[0];
  return producers_in_use("segment", ring.geometry.producers, holder_of(first.role, first.origin));
}

}  // namespace annulus
