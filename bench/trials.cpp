#include "bench/trials.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <map>
#include <stdexcept>
#include <thread>

namespace annulus::bench {
namespace {

using namespace std::chrono_literals;

// Measures all trials on one pair of processors.
class campaign {
 public:
  campaign(measurement& to, const plan& how, std::vector<int> on)
      : to_(to),
        how_(how),
        // With many producers, the processors beside the pair serve the other producers.
        lab_(processors(std::move(on), how.wanted, how.are_busy), how),
        has_failed_(how.trials.size()) {
    for (std::size_t i = 0; i < how.trials.size(); ++i) by_group_[how.trials[i].in].push_back(i);
  }

  // One repeat of everything.
  void repeat() {
    if (how_.before_each_repeat) how_.before_each_repeat(lab_);
    for (const auto& [in, members] : by_group_) {
      if (in.what == experiment::calls && repeat_ > 0) continue;
      leave_the_machine_to_others();
      const auto first = to_.samples.size();
      for (std::size_t k = 0; k < members.size(); ++k) {
        add(members[(k + repeat_) % members.size()]);
      }
      note_distance(std::span(to_.samples).subspan(first));
    }
    ++repeat_;
  }

  [[nodiscard]] bool is_near() { return raw() < near_below; }

 private:
  void leave_the_machine_to_others() {
    if (how_.rest.count() == 0 || clock::now() - rested_ < 60s - how_.rest) return;
    std::this_thread::sleep_for(how_.rest);
    rested_ = clock::now();
  }

  double raw() {
    return how_.raw_span.count() == 0 ? 0 : lab_.raw(where::threads, how_.raw_span).mean;
  }

  void add(std::size_t trial) {
    const auto& t = how_.trials[trial];
    if (has_failed_[trial]) return;
    if (how_.is_asked_to_stop && how_.is_asked_to_stop()) throw broken_off{};
    if (how_.tell) {
      how_.tell(fmt::format("round {} of {}: {}, {}, {} bytes", repeat_ + 1, how_.repeats,
                            t.of->name, to_string(t.in.what), t.in.bytes));
    }
    const double before = raw();
    try {
      auto one = lab_.measure(t);
      one.trial = trial;
      one.repeat = repeat_;
      one.raw = before;
      to_.samples.push_back(std::move(one));
    } catch (const std::exception& e) {
      has_failed_[trial] = true;
      to_.failures.push_back({trial, fmt::format("{}, {}, {} bytes: {}", t.of->name,
                                                 to_string(t.in.what), t.in.bytes, e.what())});
    }
  }

  static void note_distance(std::span<sample> of_visit) {
    if (of_visit.empty()) return;
    const bool is_near = median_of(each(of_visit, &sample::raw)) < near_below;
    for (auto& one : of_visit) one.is_near = is_near;
  }

  measurement& to_;
  const plan& how_;
  laboratory lab_;
  std::vector<bool> has_failed_;
  std::map<group, std::vector<std::size_t>> by_group_;
  unsigned repeat_ = 0;
  clock::time_point rested_ = clock::now();
};

// The pair, and then the processors that other producers may have.
std::vector<int> with_the_others(std::vector<int> pair, const std::vector<int>& all) {
  for (const int one : all) {
    if (std::ranges::find(pair, one) == pair.end()) pair.push_back(one);
  }
  return pair;
}

// Repeats for the distance that was not met yet, once the host has moved us there.
void wait_for_the_other(campaign& on, const measurement& seen, const plan& how) {
  const auto until = clock::now() + how.wait;
  constexpr unsigned enough = 3;
  const auto met = std::ranges::count_if(seen.samples, &sample::is_near);
  const bool was_near = 2 * met > std::ssize(seen.samples);
  for (unsigned met_other = 0; met_other < enough && clock::now() < until;) {
    if (on.is_near() == was_near) {
      std::this_thread::sleep_for(200ms);
      continue;
    }
    on.repeat();
    ++met_other;
  }
}

}  // namespace

std::vector<std::uint64_t> pooled(const samples& of) {
  std::vector<std::uint64_t> all;
  for (const auto* one : of) all.insert(all.end(), one->each.begin(), one->each.end());
  std::ranges::sort(all);
  return all;
}

samples measurement::of_trial(std::size_t trial) const {
  bench::samples all;
  for (const auto& one : samples) {
    if (one.trial == trial) all.push_back(&one);
  }
  return all;
}

nanoseconds span_for(double seconds, std::size_t measurements) {
  const double each = 0.8 * seconds / static_cast<double>(std::max<std::size_t>(measurements, 1));
  return nanoseconds(static_cast<std::int64_t>(std::clamp(each, 0.005, 5.0) * 1e9));
}

measurement measure(const plan& how) {
  measurement out;
  out.span = how.span;
  out.trials = how.trials;
  const bool may_choose = how.has_distances && how.processors.size() > 1;
  out.pairs = may_choose ? near_and_far_pairs(how.processors)
                         : std::vector<std::vector<int>>{how.processors};
  std::vector<campaign> all;
  for (const auto& pair : out.pairs) {
    all.emplace_back(out, how, with_the_others(pair, how.processors));
  }
  for (unsigned i = 0; i < how.repeats; ++i) {
    for (auto& one : all) one.repeat();
  }
  if (may_choose && all.size() == 1) wait_for_the_other(all.front(), out, how);
  return out;
}

measurement measure_or_throw(const plan& how) {
  auto out = measure(how);
  for (const auto& one : out.failures) throw std::runtime_error(one.why);
  return out;
}

}  // namespace annulus::bench
