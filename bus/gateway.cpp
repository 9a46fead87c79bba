#include <algorithm>
#include <cstdint>
#include <system_error>
#include <thread>
#include <utility>

#include <annulus/bus/ends.hpp>
#include <annulus/bus/gateway.hpp>

namespace annulus::bus {

result<gateway> gateway::open(const std::vector<endpoint>& from, endpoint to,
                              gateway_options options) {
  if (from.empty() || options.batch == 0) {
    return failure{fault::bad_argument, "a gateway takes at least one source and a batch of 1"};
  }
  opened_ends ends;  // goes last, when the roles are closed
  std::vector<channel_source> sources;
  std::uint64_t need = 0;
  for (const auto& one : from) {
    auto source = ends.open_source(one);
    if (!source) return source.error();
    need = std::max<std::uint64_t>(need, source->max_message());
    sources.push_back(std::move(*source));
  }
  auto targets = ends.open_target(std::move(to), need, sources.size());
  if (!targets) return targets.error();
  std::vector<std::unique_ptr<lane>> lanes;
  lanes.reserve(sources.size());
  for (std::size_t i = 0; i < sources.size(); ++i) {
    lanes.push_back(std::make_unique<lane_between<channel_source, channel_target>>(
        std::move(sources[i]), std::move((*targets)[i]), options));
  }
  ends.stay();
  return gateway(std::move(lanes));
}

void gateway::run() {
  std::vector<std::jthread> threads;
  threads.reserve(lanes_.size());
  for (auto& one : lanes_) {
    try {
      threads.emplace_back([&one, this] { one->run(*stops_); });
    } catch (const std::system_error& e) {
      one->fail_to_start(e.what());
    }
  }
}

void gateway::stop() noexcept { stops_->store(true, std::memory_order_relaxed); }

std::vector<lane_report> gateway::report() const {
  std::vector<lane_report> out;
  out.reserve(lanes_.size());
  for (const auto& one : lanes_) out.push_back(one->report());
  return out;
}

bool gateway::is_over() const noexcept {
  return std::ranges::all_of(lanes_, [](const auto& one) {
    return one->state() == lane_state::ended || one->state() == lane_state::failed;
  });
}

}  // namespace annulus::bus
