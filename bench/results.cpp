#include "bench/results.hpp"

#include <algorithm>

namespace annulus::bench {
namespace {

template <class T>
void add_new(std::vector<T>& to, const T& value) {
  if (std::ranges::find(to, value) == to.end()) to.push_back(value);
}

}  // namespace

results::results(const measurement& of, bool is_near)
    : trials_(of.trials), by_trial_(of.trials.size()), is_near_(is_near) {
  for (const auto& one : of.samples) {
    if (one.is_near == is_near) by_trial_[one.trial].push_back(&one);
  }
}

std::vector<std::size_t> results::sizes(experiment what, unsigned producers) const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < trials_.size(); ++i) {
    const auto& in = trials_[i].in;
    if (in.what == what && in.producers == producers && by_trial_[i].size() >= enough) {
      add_new(found, in.bytes);
    }
  }
  return found;
}

std::vector<const system*> results::systems(experiment what) const {
  std::vector<const system*> found;
  for (const auto& t : trials_) {
    if (t.in.what == what) add_new(found, t.of);
  }
  return found;
}

std::optional<std::size_t> results::best(std::string_view name, const group& in) const {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < trials_.size(); ++i) {
    const auto& t = trials_[i];
    if (t.of->name != name || t.in != in || by_trial_[i].size() < enough) continue;
    if (!found || (values(i).median < values(*found).median) == is_time(in.what)) found = i;
  }
  return found;
}

std::optional<rival> results::best_rival(std::string_view ours, const group& in,
                                         const admits& counts) const {
  const auto us = best(ours, in);
  std::optional<rival> found;
  for (const system* peer : systems(in.what)) {
    const auto them = counts(*peer) ? best(peer->name, in) : std::nullopt;
    if (!us || !them) continue;
    const spread seen = ratio(*us, *them);
    const bool is_better = !found || (seen.median < found->ratio.median) != is_time(in.what);
    if (is_better) found = rival{peer, seen};
  }
  return found;
}

spread results::values(std::size_t trial) const {
  return spread_of(each(by_trial_[trial], &sample::value));
}

double results::raw(const group& of) const {
  std::vector<double> all;
  for (std::size_t i = 0; i < trials_.size(); ++i) {
    if (trials_[i].in != of) continue;
    for (const auto* one : by_trial_[i]) all.push_back(one->raw);
  }
  return median_of(std::move(all));
}

spread results::over_raw(std::size_t trial) const {
  return spread_of(each(by_trial_[trial], [](auto* s) { return s->value / s->raw; }));
}

spread results::ratio(std::size_t of, std::size_t to) const {
  std::vector<double> all;
  for (const auto* one : by_trial_[of]) {
    const auto same = std::ranges::find(by_trial_[to], one->repeat, &sample::repeat);
    if (same != by_trial_[to].end()) all.push_back(one->value / (*same)->value);
  }
  return spread_of(std::move(all));
}

double results::tail(std::size_t trial, double percentiles::*which) const {
  return median_of(each(by_trial_[trial], [which](auto* s) { return s->tail.*which; }));
}

}  // namespace annulus::bench
