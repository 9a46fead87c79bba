#include "bench/comparison.hpp"

#include "bench/statistics.hpp"
#include <fmt/format.h>

#include <algorithm>
#include <exception>

namespace annulus::bench {
namespace {

constexpr nanoseconds raw_span = std::chrono::milliseconds(12);

// So that all of it takes about as long as planned; a fifth is left for opening and counting.
nanoseconds slice_of(const plan& how) {
  const auto here =
      std::ranges::count_if(how.systems, [](auto& one) { return one.missing.empty(); });
  const auto of_one = static_cast<double>(how.batches.size() + how.sizes.size()) + 3;
  const double slices = static_cast<double>(how.rounds) * (static_cast<double>(here) * of_one + 1);
  return nanoseconds(static_cast<std::int64_t>(
      std::clamp(0.8 * how.seconds / std::max(slices, 1.0), 0.01, 5.0) * 1e9));
}

class run {
 public:
  explicit run(const plan& how)
      : lab_(processors(how.processors), slice_of(how), how.patience, how.is_asked_to_stop) {
    out_.how = how;
    for (const auto& one : how.systems) out_.all.push_back({one});
    out_.slice_ms = static_cast<double>(lab_.span().count()) / 1e6;
  }

  comparison all() {
    for (unsigned round = 0; round < out_.how.rounds; ++round) {
      where_ = fmt::format("round {} of {}", round + 1, out_.how.rounds);
      out_.raw_trips.push_back(lab_.raw(where::processes, raw_span).mean);
      out_.pacing_cpu.push_back(lab_.cpu_of_pacing(out_.how.rate));
      // Another system is first each time.
      for (std::size_t i = 0; i < out_.all.size(); ++i) {
        measure_round(out_.all[(i + round) % out_.all.size()]);
      }
    }
    where_ = "counting system calls";
    for (auto& one : out_.all) {
      attempt(one, "counting", [&] {
        one.single = lab_.calls_at(one.of, {out_.how.bytes}, out_.how.rate);
        one.batched = lab_.calls_in_batches(one.of, {out_.how.bytes});
      });
      std::ranges::sort(one.trips);
      std::ranges::sort(one.latencies);
    }
    return std::move(out_);
  }

 private:
  void measure_round(figures& one) {
    const shape how{out_.how.bytes};
    for (const auto batch : out_.how.batches) {
      attempt(one, fmt::format("throughput, {} at a time", batch),
              [&] { one.rates[batch].push_back(lab_.throughput(one.of, how, batch, batch)); });
    }
    attempt(one, "closed loop", [&] {
      const auto seen = lab_.round_trip(one.of, how);
      one.trips.insert(one.trips.end(), seen.each.begin(), seen.each.end());
    });
    attempt(one, "open loop", [&] {
      const auto seen = lab_.one_way(one.of, how, {out_.how.rate});
      one.memory_bytes = seen.memory_bytes;
      one.latencies.insert(one.latencies.end(), seen.each.begin(), seen.each.end());
      one.medians.push_back(median_of({seen.each.begin(), seen.each.end()}));
    });
    attempt(one, "CPU at the rate",
            [&] { one.cpu.push_back(lab_.cpu(one.of, how, out_.how.rate)); });
    if (one.of.has_steps) {
      attempt(one, "step by step", [&] {
        const auto seen = lab_.steps(one.of, how, out_.how.rate);
        for (std::size_t i = 0; i < step_count; ++i) one.steps[i].push_back(seen[i]);
      });
    }
    // A size that a system does not carry is no failure of the others.
    for (const auto bytes : out_.how.sizes) {
      static_cast<void>(attempted(one, fmt::format("throughput, {} bytes", bytes), [&] {
        one.rates_by_size[bytes].push_back(lab_.throughput(one.of, {bytes}, 1, 1));
      }));
    }
  }

  // A failure is the system's own: the others go on.
  template <class Part>
  void attempt(figures& one, const std::string& what, Part part) {
    const auto why = attempted(one, what, part);
    if (!why.empty()) one.failure = fmt::format("{}: {}", what, why);
  }
  // Returns why it failed; empty: it did not.
  template <class Part>
  std::string attempted(const figures& one, const std::string& what, Part part) {
    if (!one.of.missing.empty() || !one.failure.empty()) return {};
    const auto& how = out_.how;
    if (how.is_asked_to_stop && how.is_asked_to_stop()) throw broken_off{};
    if (how.tell) how.tell(fmt::format("{}: {}, {}", where_, one.of.name, what));
    try {
      part();
    } catch (const std::exception& e) {
      return e.what();
    }
    return {};
  }

  comparison out_;
  laboratory lab_;
  std::string where_;
};

}  // namespace

comparison measure(const plan& how) {
  run all(how);
  return all.all();
}

}  // namespace annulus::bench
