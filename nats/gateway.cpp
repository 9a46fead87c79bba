#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include <annulus/bus/ends.hpp>
#include <annulus/nats/gateway.hpp>
#include <annulus/nats/leg.hpp>

namespace annulus::nats {
namespace {

using any_source = std::variant<bus::channel_source, source>;
using any_target = std::variant<bus::channel_target, target>;

std::unique_ptr<bus::lane> lane_of(any_source from, any_target to, bus::gateway_options options) {
  return std::visit(
      [&](auto& f, auto& t) -> std::unique_ptr<bus::lane> {
        using lane = bus::lane_between<std::decay_t<decltype(f)>, std::decay_t<decltype(t)>>;
        return std::make_unique<lane>(std::move(f), std::move(t), options);
      },
      from, to);
}

result<any_source> open_source(const std::string& name, bus::opened_ends& ends) {
  const auto as_any = [](auto opened) -> result<any_source> {
    if (!opened) return opened.error();
    return any_source(std::move(*opened));
  };
  if (is_address(name)) {
    auto at = parse(name);
    if (!at) return at.error();
    return as_any(source::open(*at));
  }
  auto at = bus::parse(name);
  if (!at) return at.error();
  return as_any(ends.open_source(*at));
}

failure too_small(const target& to, std::uint64_t need) {
  return {fault::incompatible,
          to.name() + " takes messages up to " + std::to_string(to.max_message()) +
              " bytes, and its sources may bring " + std::to_string(need) +
              "; raise max_payload at the server, or make the sources with less"};
}

result<std::vector<any_target>> open_targets(const std::string& name, bool once, std::uint64_t need,
                                             std::size_t lanes, bus::opened_ends& ends) {
  std::vector<any_target> out;
  if (is_address(name)) {
    auto at = parse(name);
    if (!at) return at.error();
    for (std::size_t i = 0; i < lanes; ++i) {
      auto to = target::open(*at);
      if (!to) return to.error();
      if (to->max_message() < need) return too_small(*to, need);
      out.emplace_back(std::move(*to));
    }
    return out;
  }
  auto at = bus::parse(name);
  if (!at) return at.error();
  at->once |= once;
  auto to = ends.open_target(std::move(*at), need, lanes);
  if (!to) return to.error();
  for (auto& one : *to) out.emplace_back(std::move(one));
  return out;
}

// A stream that is read and written at once would go round for ever.
bool is_in_a_circle(const std::string& from, const std::string& to) {
  if (!is_address(from) || !is_address(to)) return false;
  const auto one = parse(from), other = parse(to);
  return one && other && one->host == other->host && one->port == other->port &&
         one->stream == other->stream;
}

}  // namespace

result<bus::gateway> open_gateway(const std::vector<std::string>& from, const std::string& to,
                                  bool once, bus::gateway_options options) {
  if (from.empty() || options.batch == 0) {
    return failure{fault::bad_argument, "a gateway takes at least one source and a batch of 1"};
  }
  bus::opened_ends ends;  // goes last, when the roles are closed
  std::vector<any_source> sources;
  std::uint64_t need = 0;
  for (const auto& one : from) {
    if (is_in_a_circle(one, to)) {
      return failure{fault::bad_argument, one + " and " + to +
                                              " are the same stream; a gateway cannot read what it "
                                              "passes on"};
    }
    auto opened = open_source(one, ends);
    if (!opened) return opened.error();
    const auto most = std::visit([](const auto& s) { return s.max_message(); }, *opened);
    need = std::max<std::uint64_t>(need, most);
    sources.push_back(std::move(*opened));
  }
  auto targets = open_targets(to, once, need, sources.size(), ends);
  if (!targets) return targets.error();
  std::vector<std::unique_ptr<bus::lane>> lanes;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    lanes.push_back(lane_of(std::move(sources[i]), std::move((*targets)[i]), options));
  }
  ends.stay();
  return bus::gateway(std::move(lanes));
}

}  // namespace annulus::nats
