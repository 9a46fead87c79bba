#include <optional>
#include <string>

#include <annulus/ring/ring.hpp>

namespace annulus {
namespace {

std::string name_of(topology t) { return t == topology::spsc ? "spsc" : "mpsc"; }

result<bool> check_topology(const attachment& held, topology expected) {
  const auto found = held.memory().geometry.topology;
  if (found == expected) return true;
  return failure{fault::incompatible, "the segment is " + name_of(found) + ", this role is " +
                                          name_of(expected) + "; attach the " + name_of(found) +
                                          " role, or make the segment anew"};
}

// Whether the role could be taken: first its lock, which a live holder keeps.
bool take(const attachment& held, role_words<std_atomics>& role, std::uint32_t number) {
  const auto& kernel = held.memory().witness;
  if (!kernel.take(number)) return false;
  return enter<std_atomics>(role, kernel.has_file(), holder::here());
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
                      [&] { return take(held, control.consumer.role, consumer_role); })) {
    return consumer_in_use("segment", pid_of(control.consumer.role));
  }
  set_bell<std_atomics>(control.consumer_bell, bell_state::none);
  return true;
}

result<std::uint32_t> take_producer(const attachment& held, topology expected) {
  if (auto fits = check_topology(held, expected); !fits) return fits.error();
  const auto& ring = held.memory();
  const auto number = take_first_free(ring.witness, ring.geometry.producers, [&](std::uint32_t i) {
    return take(held, ring.producers[i].role, producer_role(i));
  });
  if (number) return *number;
  return producers_in_use("segment", ring.geometry.producers, pid_of(ring.producers[0].role));
}

}  // namespace annulus
