#include "measure.hpp"

#include "shared.hpp"
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace annulus::bench {
namespace {

constexpr std::uint64_t raw_trips = 8000;
constexpr std::uint64_t quick_count = 2000;
constexpr std::chrono::duration<double> quick_limit = std::chrono::minutes(1);

// How many messages, or trips, one measurement of a trial takes to last as long as planned.
class lengths {
 public:
  lengths(const std::vector<trial>& trials, const processors& on, const plan& how)
      : trials_(trials), on_(on), how_(how), counts_(trials.size(), quick_count) {}

  [[nodiscard]] std::uint64_t of(std::size_t i) const { return counts_[i]; }

  [[nodiscard]] std::chrono::duration<double> planned(std::size_t i) const {
    return how_.span * (on_.are_crowded_by(trials_[i].producers + 1) ? 3 : 1);
  }

  // A trial's speed changes with the machine's: each measurement sets the length of the next.
  void learn(std::size_t i, double value) {
    if (how_.quick) return;
    const double per_second = trials_[i].what == activity::round_trip ? 1e9 / value : value;
    const double many = per_second * planned(i).count();
    counts_[i] = static_cast<std::uint64_t>(std::clamp(many, 1000.0, 50e6));
  }

 private:
  const std::vector<trial>& trials_;
  const processors& on_;
  const plan& how_;
  std::vector<std::uint64_t> counts_;
};

// Consecutive trials of one group: [first, last).
struct visit {
  std::size_t first;
  std::size_t last;
};

std::vector<visit> visits_of(const std::vector<trial>& trials) {
  std::vector<visit> all;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    if (i == 0 || trials[i].group() != trials[i - 1].group()) all.push_back({i, i});
    all.back().last = i + 1;
  }
  return all;
}

void settle_distance(std::span<sample> of_visit) {
  std::vector<double> raws;
  for (const auto& one : of_visit) raws.push_back(one.raw.value);
  const bool is_near = median_of(raws) < near_below;
  for (auto& one : of_visit) one.is_near = is_near;
}

// Tells each percent to a terminal, each tenth to a file.
class progress {
 public:
  progress(const char* what, std::size_t all)
      : what_(what), all_(all), step_(isatty(STDERR_FILENO) ? 1 : 10) {}

  void tell(std::size_t done) {
    const std::size_t percent = all_ == 0 ? 100 : 100 * done / all_;
    if (percent < next_) return;
    next_ = percent / step_ * step_ + step_;
    std::fprintf(stderr, step_ == 1 ? "\r%s %3zu %%" : "%s %3zu %%\n", what_, percent);
    if (step_ == 1 && percent == 100) std::fputc('\n', stderr);
  }

 private:
  const char* what_;
  std::size_t all_;
  std::size_t step_;
  std::size_t next_ = 0;
};

}  // namespace

std::vector<sample> measure(const std::vector<trial>& trials, const processors& on,
                            const plan& how) {
  const auto visits = visits_of(trials);
  lengths length(trials, on, how);
  const auto run = [&](std::size_t i) {
    const auto& one = trials[i];
    const auto limit = how.quick ? quick_limit : 10 * length.planned(i);
    const auto seen = one.run({length.of(i), one.capacity, one.producers, &on, limit});
    length.learn(i, seen.value);
    return seen;
  };

  if (!how.quick) {
    progress warming("warming up", trials.size());
    for (std::size_t i = 0; i < trials.size(); ++i) {
      (void)run(i);
      warming.tell(i + 1);
    }
  }

  std::vector<sample> samples;
  samples.reserve(how.repeats * trials.size());
  progress measuring("measuring", how.repeats * trials.size());
  for (unsigned repeat = 0; repeat < how.repeats; ++repeat) {
    for (const auto& [first, last] : visits) {
      const std::size_t begin = samples.size(), size = last - first;
      for (std::size_t k = 0; k < size; ++k) {
        const std::size_t i = first + (k + repeat) % size;
        const auto raw = raw_round_trip(how.quick ? quick_count : raw_trips, on);
        samples.push_back({i, repeat, raw, false, run(i)});
      }
      settle_distance(std::span(samples).subspan(begin));
      measuring.tell(samples.size());
    }
  }
  return samples;
}

}  // namespace annulus::bench
