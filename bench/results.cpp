#include "results.hpp"

#include <algorithm>

namespace annulus::bench {
namespace {

bool is_in(const trial& t, const group& of) {
  return t.what == of.what && t.producers == of.producers && t.bytes == of.bytes;
}

template <class T>
void add_new(std::vector<T>& to, const T& value) {
  if (std::find(to.begin(), to.end(), value) == to.end()) to.push_back(value);
}

}  // namespace

results::results(const std::vector<trial>& trials, const std::vector<sample>& samples, bool near)
    : trials_(trials), by_trial_(trials.size()), near_(near) {
  for (const auto& one : samples) {
    if (one.is_near == near) by_trial_[one.trial].push_back(&one);
  }
}

bool results::are_enough(const group& of) const {
  for (std::size_t i = 0; i < trials_.size(); ++i) {
    if (is_in(trials_[i], of)) return by_trial_[i].size() >= 3;
  }
  return false;
}

std::vector<std::size_t> results::sizes(activity what, unsigned producers) const {
  std::vector<std::size_t> found;
  for (const auto& t : trials_) {
    if (t.what == what && t.producers == producers && are_enough({what, producers, t.bytes})) {
      add_new(found, t.bytes);
    }
  }
  return found;
}

std::vector<const traits*> results::systems(activity what) const {
  std::vector<const traits*> found;
  for (const auto& t : trials_) {
    const auto is_it = [&](const traits* s) { return s->name == std::string_view(t.system->name); };
    if (t.what != what || std::any_of(found.begin(), found.end(), is_it)) continue;
    found.push_back(t.system);
  }
  return found;
}

const traits* results::system(std::string_view name) const {
  for (const auto& t : trials_) {
    if (t.system->name == name) return t.system;
  }
  return nullptr;
}

std::optional<std::size_t> results::best(const traits* system, const group& in) const {
  std::optional<std::size_t> found;
  if (system == nullptr) return found;
  for (std::size_t i = 0; i < trials_.size(); ++i) {
    const auto& t = trials_[i];
    if (t.system->name != std::string_view(system->name)) continue;
    if (!is_in(t, in) || by_trial_[i].empty()) continue;
    const bool small_is_good = t.what == activity::round_trip;
    if (!found || (values(i).median < values(*found).median) == small_is_good) found = i;
  }
  return found;
}

spread results::values(std::size_t trial) const {
  std::vector<double> all;
  for (const auto* one : by_trial_[trial]) all.push_back(one->seen.value);
  return spread_of(std::move(all));
}

double results::raw(const group& of) const {
  std::vector<double> all;
  for (std::size_t i = 0; i < trials_.size(); ++i) {
    if (!is_in(trials_[i], of)) continue;
    for (const auto* one : by_trial_[i]) all.push_back(one->raw.value);
  }
  return median_of(std::move(all));
}

spread results::over_raw(std::size_t trial) const {
  std::vector<double> all;
  for (const auto* one : by_trial_[trial]) all.push_back(one->seen.value / one->raw.value);
  return spread_of(std::move(all));
}

spread results::ratio(std::size_t of, std::size_t to) const {
  // Both were measured in every repeat of their group, so the samples pair up.
  std::vector<double> all;
  for (std::size_t i = 0; i < by_trial_[of].size(); ++i) {
    all.push_back(by_trial_[of][i]->seen.value / by_trial_[to][i]->seen.value);
  }
  return spread_of(std::move(all));
}

}  // namespace annulus::bench
