#include "bench/trials.hpp"

#include "bench/statistics.hpp"
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <map>
#include <thread>

namespace annulus::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_at_once = 1024;
constexpr std::size_t batch_size = 100;
constexpr rhythm bursts{1e6, 100};  // 100 messages each 100 us
constexpr unsigned most_producers = 4;

const std::vector<std::size_t> all_sizes{8, 16, 32, 48, 64, 128, 256, 512, 1024, 2048, 4096};
const std::vector<std::size_t> fewer_sizes{8, 16, 32, 48, 128, 512, 4096};

struct series {
  experiment what;
  std::vector<std::size_t> sizes;
  std::vector<std::size_t> capacities;  // each system is shown with the better one
};
const std::vector<series> all_series{
    {experiment::per_message, all_sizes, {128 << 10, 1 << 20}},
    {experiment::drained, all_sizes, {128 << 10, 1 << 20}},
    {experiment::batches, {128}, {1 << 20}},
    {experiment::many_producers, {8, 16, 32, 48, 128, 512, 1024, 4096}, {128 << 10, 1 << 20}},
    {experiment::round_trip, fewer_sizes, {16 << 10, 128 << 10}},
    {experiment::bursts, {16, 128, 1024}, {1 << 20}},
};

bool takes_part(const system& one, experiment what) {
  if (what == experiment::many_producers) return one.most_producers > 1;
  return what != experiment::batches || one.has_batches;
}

sample measured(const trial& t, laboratory& lab) {
  const shape how{t.in.bytes, t.capacity, t.in.producers, true};
  sample one;
  const auto tail = [&](std::vector<std::uint64_t> each) {
    std::ranges::sort(each);
    const std::span<const std::uint64_t> sorted(each);
    for (const double q : {0.5, 0.99, 0.999, 1.0}) {
      one.each.push_back(static_cast<std::uint64_t>(quantile_of_sorted(sorted, q)));
    }
  };
  switch (t.in.what) {
    case experiment::per_message: one.value = lab.throughput(*t.of, how, 1, 1); break;
    case experiment::batches:
      one.value = lab.throughput(*t.of, how, batch_size, most_at_once);
      break;
    case experiment::drained:
    case experiment::many_producers: one.value = lab.throughput(*t.of, how, 1, most_at_once); break;
    case experiment::round_trip: {
      auto seen = lab.round_trip(*t.of, how);
      one.value = seen.mean;
      tail(std::move(seen.each));
      break;
    }
    case experiment::bursts:
      tail(lab.one_way(*t.of, how, bursts).each);
      one.value = static_cast<double>(one.each.front());
  }
  return one;
}

// Shows each percent on a terminal, each tenth in a file.
class progress {
 public:
  explicit progress(std::size_t all) : all_(all), step_(isatty(STDERR_FILENO) ? 1 : 10) {}

  void add(std::size_t some) {
    done_ += some;
    const std::size_t percent = std::min<std::size_t>(100, all_ == 0 ? 100 : 100 * done_ / all_);
    if (percent < next_) return;
    next_ = percent / step_ * step_ + step_;
    std::fprintf(stderr, step_ == 1 ? "\rmeasuring %3zu %%" : "measuring %3zu %%\n", percent);
    if (step_ == 1 && percent == 100) std::fputc('\n', stderr);
  }

 private:
  std::size_t all_;
  std::size_t step_;
  std::size_t done_ = 0;
  std::size_t next_ = 0;
};

// Measures all trials on one pair of processors.
class campaign {
 public:
  campaign(measurement& to, const rounds& how, std::vector<int> on)
      : to_(to),
        how_(how),
        // With many producers, the processors beside the pair serve the other producers.
        lab_(processors(std::move(on), how.wanted, how.is_quick),
             std::chrono::duration_cast<nanoseconds>(how.span), 60s) {
    for (std::size_t i = 0; i < to_.trials.size(); ++i) by_group_[to_.trials[i].in].push_back(i);
  }

  // One repeat of everything.
  void repeat(progress& shown) {
    for (const auto& [in, members] : by_group_) {
      leave_the_machine_to_others();
      const auto first = to_.samples.size();
      for (std::size_t k = 0; k < members.size(); ++k) {
        add(members[(k + repeat_) % members.size()]);
        shown.add(1);
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

  double raw() { return lab_.raw(where::threads, how_.is_quick ? 1ms : 2ms).mean; }

  void add(std::size_t trial) {
    const double before = raw();
    try {
      auto one = measured(to_.trials[trial], lab_);
      // No message at all: the machine stood still, as real-time priority lets others run now and
      // then. Nothing was measured.
      for (int again = 0; one.value == 0 && again < 3; ++again) {
        one = measured(to_.trials[trial], lab_);
      }
      one.trial = trial;
      one.repeat = repeat_;
      one.raw = before;
      to_.samples.push_back(std::move(one));
    } catch (const std::exception& e) {
      const auto& t = to_.trials[trial];
      to_.failures.push_back(fmt::format("{}, {}, {} bytes: {}", t.of->name, to_string(t.in.what),
                                         t.in.bytes, e.what()));
    }
  }

  static void note_distance(std::span<sample> of_visit) {
    if (of_visit.empty()) return;
    std::vector<double> raws;
    for (const auto& one : of_visit) raws.push_back(one.raw);
    const bool is_near = median_of(std::move(raws)) < near_below;
    for (auto& one : of_visit) one.is_near = is_near;
  }

  measurement& to_;
  const rounds& how_;
  laboratory lab_;
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
void wait_for_the_other(campaign& on, const measurement& seen, const rounds& how, progress& shown) {
  const auto until = clock::now() + how.wait;
  constexpr unsigned enough = 3;
  const auto met = std::ranges::count_if(seen.samples, &sample::is_near);
  const bool was_near = 2 * met > std::ssize(seen.samples);
  for (unsigned met_other = 0; met_other < enough && clock::now() < until;) {
    if (on.is_near() == was_near) {
      std::this_thread::sleep_for(200ms);
      continue;
    }
    on.repeat(shown);
    ++met_other;
  }
}

}  // namespace

const char* to_string(experiment e) noexcept {
  switch (e) {
    case experiment::per_message: return "per message";
    case experiment::drained: return "drained";
    case experiment::batches: return "in batches";
    case experiment::many_producers: return "many producers";
    case experiment::round_trip: return "round trip";
    case experiment::bursts: return "bursts";
  }
  return "unknown experiment";
}

std::vector<trial> trials_of(const std::vector<system>& all, std::size_t most_capacities) {
  std::vector<trial> out;
  for (const auto& [what, sizes, capacities] : all_series) {
    const unsigned most = what == experiment::many_producers ? most_producers : 1;
    for (unsigned producers = 1; producers <= most; ++producers) {
      for (const auto bytes : sizes) {
        for (const auto& one : all) {
          if (!one.missing.empty() || !takes_part(one, what)) continue;
          for (std::size_t i = 0; i < std::min(most_capacities, capacities.size()); ++i) {
            out.push_back({&one, {what, producers, bytes}, capacities[i]});
          }
        }
      }
    }
  }
  return out;
}

measurement measure(std::vector<trial> trials, const rounds& how) {
  measurement out;
  out.trials = std::move(trials);
  const bool may_choose = how.processors.size() > 1 && !how.is_quick;
  out.pairs = may_choose ? near_and_far_pairs(how.processors)
                         : std::vector<std::vector<int>>{how.processors};
  std::vector<campaign> all;
  for (const auto& pair : out.pairs) {
    all.emplace_back(out, how, with_the_others(pair, how.processors));
  }
  progress shown(how.repeats * out.trials.size() * out.pairs.size());
  for (unsigned i = 0; i < how.repeats; ++i) {
    for (auto& one : all) one.repeat(shown);
  }
  if (may_choose && all.size() == 1) wait_for_the_other(all.front(), out, how, shown);
  return out;
}

}  // namespace annulus::bench
