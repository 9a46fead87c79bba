// Roles by name, and a gateway between two rings. With ANNULUS_LIMITED the same under gcc's own
// limit of inlining, which a large source file runs into.
#include "bench/systems/all.hpp"
#include "bench/systems/ring.hpp"

#include <optional>
#include <thread>

#include <annulus/bus/gateway.hpp>

namespace annulus::bench {
namespace {

template <by By>
class named {
 public:
  explicit named(const shape& of) : at_(of), made_(must(bus::open_segment(*at_))) {}

  role_producer<bus_producer, By, true> producer() { return {must(open_producer(*at_))}; }
  role_consumer<bus_consumer, true> consumer() { return {must(open_consumer(*at_))}; }

 private:
  ring_name at_;
  segment made_;
};

#ifndef ANNULUS_LIMITED
// The producer's ring, a gateway on a thread of its own, the consumer's ring.
class through_gateway {
 public:
  explicit through_gateway(const shape& of)
      : from_(of), to_(of), gateway_(must(bus::gateway::open({*from_}, *to_))) {
    lanes_ = std::jthread([this] { gateway_.run(); });
  }
  ~through_gateway() { gateway_.stop(); }
  through_gateway(const through_gateway&) = delete;
  through_gateway& operator=(const through_gateway&) = delete;

  role_producer<bus_producer, by::push, false> producer() { return {must(open_producer(*from_))}; }
  role_consumer<bus_consumer, false> consumer() { return {must(open_consumer(*to_))}; }

 private:
  ring_name from_;
  ring_name to_;
  bus::gateway gateway_;
  std::jthread lanes_;
};
#endif

template <std::size_t>
using pushes = named<by::push>;
template <std::size_t>
using claims = named<by::claim>;

system ours(std::string name, const char* setting, opening open) {
  auto one = in_threads(std::move(name), setting, std::move(open));
  one.is_ours = one.has_batches = true;
  return one;
}

std::vector<system> both(const std::string& name, const char* setting) {
  return {ours(name, setting, &open_sized<pushes>),
          ours(name + ", claims", setting, &open_sized<claims>)};
}

}  // namespace

#ifdef ANNULUS_LIMITED
std::vector<system> limited_systems() {
  return both("annulus by name, limited inlining", "the same source under gcc's default limits");
}
#else
std::vector<system> named_systems() {
  auto all = both("annulus by name", "an spsc ring; try_ forms");
  all.push_back(ours("annulus through a gateway", "two rings by name; both ends wait",
                     opens<through_gateway>()));
  all.back().helpers = 1;
  return all;
}
#endif

}  // namespace annulus::bench
