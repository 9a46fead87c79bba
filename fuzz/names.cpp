// Any text as an endpoint's name with options, a size or a time: refused with a reason, or within
// the limits that bus/name.hpp tells.
#include "input.hpp"
#include "target.hpp"

#include <chrono>

#include <annulus/bus/choice.hpp>
#include <annulus/bus/name.hpp>
#include <annulus/bus/quantity.hpp>

namespace annulus::fuzz {
namespace {

constexpr auto a_century = std::chrono::hours(24) * 366 * 100;

bool is_span(std::chrono::nanoseconds span) {
  return span >= std::chrono::nanoseconds(0) && span <= a_century;
}

void check_limits(const bus::endpoint& e) {
  demand(!e.name.empty(), "an endpoint without a name");
  demand((e.mode & ~0666u) == 0 && (e.mode & 0600) == 0600, "a mode beyond 0600 to 0666");
  demand(!e.producers || (*e.producers >= 1 && *e.producers <= max_producers),
         "more producers than there may be");
  demand(is_span(e.wait.spin_for) && is_span(e.wait.nap_for) && is_span(e.wait.longest_sleep),
         "a wait beyond a century");
  demand(!e.needs.latency || is_span(*e.needs.latency), "a latency beyond a century");
  if (e.transport == bus::transport::pipe) {
    demand(!e.integrity, "a pipe takes an option of the ring");
    demand(!e.needs.latency && !e.needs.rate, "a pipe takes an option of auto");
  }
}

void parse_name(const std::string& text) {
  const auto e = [&] {
    auto parsed = bus::parse(text);
    if (!parsed) demand(!parsed.error().message.empty(), "a refusal says nothing");
    return parsed;
  }();
  if (!e) return;
  auto found = bus::parse(text).value();
  check_limits(found);
  if (has_canary() && found.once && found.name.size() >= 4) {
    planted();
    broken("the planted error");
  }
  auto again = bus::parse(bus::to_string(found));
  demand(again && again->name == found.name && again->transport == found.transport,
         "a name does not stand for itself");
  demand(!bus::choose(found.needs).why.empty(), "a choice without a reason");
}

void parse_quantities(const std::string& text) {
  (void)bus::parse_bytes(text);
  const auto span = bus::parse_span(text);
  demand(!span || is_span(*span), "a time beyond a century");
}

}  // namespace
}  // namespace annulus::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t count) {
  const std::string text(reinterpret_cast<const char*>(data), count);
  annulus::fuzz::parse_name(text);
  annulus::fuzz::parse_quantities(text);
  return 0;
}
