// The samples, asked: who was how fast, and by how much within the same repeat.
#pragma once

#include "shared.hpp"
#include "trial.hpp"

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace annulus::bench {

// What was measured together: an activity, a number of producers, a message size.
struct group {
  activity what;
  unsigned producers;
  std::size_t bytes;
};

class results {
 public:
  // The samples that were taken with the cores near each other, or those with the cores far apart.
  results(const std::vector<trial>& trials, const std::vector<sample>& samples, bool near);

  [[nodiscard]] bool is_near() const noexcept { return near_; }
  [[nodiscard]] bool are_enough(const group& of) const;  // three repeats

  [[nodiscard]] std::vector<std::size_t> sizes(activity what, unsigned producers) const;
  [[nodiscard]] std::vector<const traits*> systems(activity what) const;
  [[nodiscard]] const traits* system(std::string_view name) const;

  // The system's trial with the better capacity: the one of the better median. None: it takes no
  // part.
  [[nodiscard]] std::optional<std::size_t> best(const traits* system, const group& in) const;

  [[nodiscard]] spread values(std::size_t trial) const;
  [[nodiscard]] double raw(const group& of) const;  // the median, ns
  [[nodiscard]] spread over_raw(std::size_t trial) const;
  // Requires: trials of one group.
  [[nodiscard]] spread ratio(std::size_t of, std::size_t to) const;

  // The median over the repeats of one figure of the trial's samples: get(sample).
  template <class Get>
  [[nodiscard]] double median(std::size_t trial, Get get) const {
    std::vector<double> all;
    for (const auto* one : by_trial_[trial]) all.push_back(get(*one));
    return median_of(std::move(all));
  }

 private:
  const std::vector<trial>& trials_;
  std::vector<std::vector<const sample*>> by_trial_;  // in the order of the repeats
  bool near_;
};

// The peer that comes closest to a system, or is the furthest ahead of it.
struct rival {
  const traits* peer = nullptr;
  spread ratio;  // the system's throughput over the peer's
};

// `admits(traits)` tells which peers count. None does, or `ours` takes no part: no rival.
template <class Admits>
[[nodiscard]] std::optional<rival> strongest_rival(const results& in, const traits* ours,
                                                   const group& at, Admits admits) {
  const auto us = in.best(ours, at);
  std::optional<rival> found;
  for (const traits* peer : in.systems(at.what)) {
    if (peer->is_annulus || !admits(*peer)) continue;
    const auto them = in.best(peer, at);
    if (!us || !them) continue;
    const spread ratio = in.ratio(*us, *them);
    if (!found || ratio.median < found->ratio.median) found = rival{peer, ratio};
  }
  return found;
}

[[nodiscard]] constexpr bool is_in_process(const traits& t) { return t.sides == where::threads; }
[[nodiscard]] constexpr bool keeps_order(const traits& t) { return t.keeps == ordering::of_all; }

}  // namespace annulus::bench
