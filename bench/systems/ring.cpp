#include "bench/systems/ring.hpp"

#include "bench/systems/all.hpp"

namespace annulus::bench {
namespace {

using kind = waiting::kind;

struct waits {
  waiting producer;
  waiting consumer;
};

template <class Roles, by By>
std::function<std::unique_ptr<link>(const shape&)> opened(const waits& how) {
  using channel = ring_channel<Roles, By, false>;
  return [how](const shape& of) -> std::unique_ptr<link> {
    return std::make_unique<link_of<channel>>(of, how.producer, how.consumer);
  };
}

system ours(const char* name, const char* setting, const waits& how) {
  system one{name, setting, opened<spsc_roles<tallied>, by::claim>(how)};
  one.is_ours = one.has_steps = true;
  return one;
}

}  // namespace

std::vector<system> ring_systems() {
  constexpr waiting at_once{kind::block, nanoseconds(0)};
  constexpr waiting unwoken{kind::nap, {}, std::chrono::milliseconds(1)};
  return {
      ours("ring spin", "in place both ways; both sides poll", {{kind::spin}, {kind::spin}}),
      ours("ring block", "in place both ways; both sides sleep at once, on a futex",
           {at_once, at_once}),
      ours("ring nap", "in place both ways; the consumer looks every 1 ms, unwoken",
           {at_once, unwoken}),
  };
}

system ring_system(topology of, const waiting& how) {
  const waits both{how, how};
  system one{"ring", std::string("producers push; ") + std::string(to_string(how.how))};
  one.open = of == topology::spsc ? opened<spsc_roles<tallied>, by::push>(both)
                                  : opened<mpsc_roles<tallied>, by::push>(both);
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
