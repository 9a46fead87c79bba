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

failure too_small(const target& to, std::uint64_t need) {
  return {fault::incompatible,
          to.name() + " takes messages up to " + std::to_string(to.max_message()) +
              " bytes, and its sources may bring " + std::to_string(need) +
              "; raise max_payload at the server, or make the sources with less"};
}

// The ends of a gateway while it is opened. Servers come first: where one cannot be reached, no
// channel of this machine is touched.
class opening {
 public:
  opening(const std::vector<std::string>& from, const std::string& to) : from_(from), to_(to) {}

  result<bool> open_streams() {
    sources_.resize(from_.size());
    for (std::size_t i = 0; i < from_.size(); ++i) {
      if (!is_address(from_[i])) continue;
      if (auto opened = keep(source::open, sources_[i], from_[i]); !opened) return opened;
    }
    if (!is_address(to_)) return true;
    targets_.resize(from_.size());
    for (auto& one : targets_) {
      if (auto opened = keep(target::open, one, to_); !opened) return opened;
    }
    return true;
  }

  result<bool> open_channels(bool once) {
    for (std::size_t i = 0; i < from_.size(); ++i) {
      if (is_address(from_[i])) continue;
      auto at = bus::parse(from_[i]);
      if (!at) return at.error();
      auto opened = ends_.open_source(*at);
      if (!opened) return opened.error();
      sources_[i] = std::make_unique<any_source>(std::move(*opened));
    }
    std::uint64_t need = 0;
    for (const auto& one : sources_) {
      const auto most = std::visit([](const auto& s) { return s.max_message(); }, *one);
      need = std::max<std::uint64_t>(need, most);
    }
    if (!is_address(to_)) return open_target(once, need);
    for (const auto& one : targets_) {
      const auto& to = *std::get_if<target>(&*one);
      if (to.max_message() < need) return too_small(to, need);
    }
    return true;
  }

  bus::gateway done(bus::gateway_options options) {
    std::vector<std::unique_ptr<bus::lane>> lanes;
    lanes.reserve(sources_.size());
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      lanes.push_back(lane_of(std::move(*sources_[i]), std::move(*targets_[i]), options));
    }
    ends_.stay();
    return bus::gateway(std::move(lanes));
  }

 private:
  template <class End, class Any>
  static result<bool> keep(result<End> (*open)(const address&), std::unique_ptr<Any>& into,
                           const std::string& name) {
    auto at = parse(name);
    if (!at) return at.error();
    auto opened = open(*at);
    if (!opened) return opened.error();
    into = std::make_unique<Any>(std::move(*opened));
    return true;
  }
  result<bool> open_target(bool once, std::uint64_t need) {
    auto at = bus::parse(to_);
    if (!at) return at.error();
    at->once |= once;
    auto opened = ends_.open_target(std::move(*at), need, from_.size());
    if (!opened) return opened.error();
    for (auto& one : *opened) targets_.push_back(std::make_unique<any_target>(std::move(one)));
    return true;
  }

  const std::vector<std::string>& from_;
  const std::string& to_;
  bus::opened_ends ends_;  // goes last, when the roles are closed
  std::vector<std::unique_ptr<any_source>> sources_;
  std::vector<std::unique_ptr<any_target>> targets_;
};

// A stream that is read and written at once would go round for ever.
bool is_in_a_circle(const std::string& from, const std::string& to) {
  if (!is_address(from) || !is_address(to)) return false;
  const auto one = parse(from), other = parse(to);
  return one && other && one->stream == other->stream &&
         std::ranges::find_first_of(one->hosts, other->hosts) != one->hosts.end();
}

}  // namespace

result<bus::gateway> open_gateway(const std::vector<std::string>& from, const std::string& to,
                                  bool once, bus::gateway_options options) {
  if (from.empty() || options.batch == 0) {
    return failure{fault::bad_argument, "a gateway takes at least one source and a batch of 1"};
  }
  for (const auto& one : from) {
    if (!is_in_a_circle(one, to)) continue;
    std::string why = one;
    why.append(" and ").append(to).append(
        " are the same stream; a gateway cannot read what it passes on");
    return failure{fault::bad_argument, std::move(why)};
  }
  opening all(from, to);
  if (auto opened = all.open_streams(); !opened) return opened.error();
  if (auto opened = all.open_channels(once); !opened) return opened.error();
  return all.done(options);
}

}  // namespace annulus::nats
