#include "bench/systems/ring.hpp"

#include "bench/systems/all.hpp"

namespace annulus::bench {
namespace {

using kind = waiting::kind;

template <class Roles, by By>
opening waiting_ring(const waiting& producer, const waiting& consumer) {
  return opens<ring_channel<Roles, By, false>>(producer, consumer);
}

system ours(const char* name, const char* setting, const waiting& producer,
            const waiting& consumer) {
  system one{name, setting, waiting_ring<spsc_roles<tallied>, by::claim>(producer, consumer)};
  one.is_ours = one.has_steps = true;
  return one;
}

}  // namespace

std::vector<system> ring_systems() {
  constexpr waiting at_once{kind::block, nanoseconds(0)};
  constexpr waiting unwoken{kind::nap, {}, std::chrono::milliseconds(1)};
  return {
      ours("ring spin", "in place both ways; both sides poll", {kind::spin}, {kind::spin}),
      ours("ring block", "in place both ways; both sides sleep at once, on a futex", at_once,
           at_once),
      ours("ring nap", "in place both ways; the consumer looks every 1 ms, unwoken", at_once,
           unwoken),
  };
}

system ring_system(topology of, const waiting& how) {
  system one{"ring", std::string("producers push; ") + std::string(to_string(how.how))};
  one.open = of == topology::spsc ? waiting_ring<spsc_roles<tallied>, by::push>(how, how)
                                  : waiting_ring<mpsc_roles<tallied>, by::push>(how, how);
  one.most_producers = of == topology::spsc ? 1 : script::most_producers;
  return one;
}

std::vector<system> all_transports() {
  auto all = ring_systems();
  for (const auto& one : {pipe_system(), unix_socket_system(), posix_queue_system(),
                          boost_message_queue_system(), zeromq_system()}) {
    all.push_back(one);
  }
  all.push_back({"iceoryx", "", nullptr, "not in this build"});
  return all;
}

}  // namespace annulus::bench
