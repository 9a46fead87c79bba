#include "compare/comparison.hpp"

#include "compare/round_trip.hpp"
#include "compare/statistics.hpp"
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <random>
#include <stdexcept>

namespace annulus::compare {
namespace {

constexpr std::uint64_t raw_trip_count = 4000;
constexpr std::size_t most_trips = std::size_t{1} << 20;  // kept of one slice
constexpr std::uint64_t most_traced = 1000;
constexpr std::uint64_t counted_messages = 1000;
constexpr std::size_t counted_batch = 100;

class run {
 public:
  explicit run(const plan& how) : on_(how.processors) {
    out_.how = how;
    for (const auto& one : how.transports) out_.all.emplace_back().of = one;
    const auto here = std::ranges::count_if(out_.all, [](auto& f) { return f.of.open != nullptr; });
    const double slices =
        static_cast<double>(how.rounds) * (static_cast<double>(here) * slices_of_one() + 1);
    slice_ = nanoseconds(static_cast<std::int64_t>(
        std::clamp(0.8 * how.seconds / std::max(slices, 1.0), 0.01, 5.0) * 1e9));
    out_.slice_ms = static_cast<double>(slice_.count()) / 1e6;
  }

  comparison all() {
    for (unsigned round = 0; round < out_.how.rounds; ++round) {
      where_ = fmt::format("round {} of {}", round + 1, out_.how.rounds);
      measure_machine();
      // Another one is first each time.
      for (std::size_t i = 0; i < out_.all.size(); ++i) {
        measure_round(out_.all[(i + round) % out_.all.size()]);
      }
    }
    where_ = "counting system calls";
    for (auto& one : out_.all) {
      attempt(one, "counting", [&] { count(one); });
    }
    for (auto& one : out_.all) {
      std::ranges::sort(one.trips);
      std::ranges::sort(one.latencies);
    }
    return std::move(out_);
  }

 private:
  [[nodiscard]] double slices_of_one() const {
    return static_cast<double>(out_.how.batches.size() + out_.how.sizes.size()) + 3;
  }

  void measure_machine() {
    out_.raw_trips.push_back(
        raw_round_trips(where::processes, raw_trip_count, on_, patience_for(slice_)).mean);
    auto how = load_of(pace::asleep);
    shared<stage> seen;
    run_side([&] {
      sleep_exactly();
      seen->producer.begin(how);
      send_on_time(schedule(clock::now(), how.rate), how.count(), sleep_until, [](auto) {});
      seen->producer.end(how);
    });
    out_.pacing_cpu.push_back(seen->producer.cpu_share());
  }

  void measure_round(figures& one) {
    for (const auto batch : out_.how.batches) {
      attempt(one, fmt::format("throughput, {} at a time", batch),
              [&] { one.rates[batch].push_back(throughput(one, out_.how.bytes, batch)); });
    }
    attempt(one, "closed loop", [&] { round_trips_of(one); });
    attempt(one, "open loop", [&] { open_loop(one); });
    attempt(one, "CPU at the rate", [&] { cpu_at_rate(one); });
    if (one.of.has_steps) attempt(one, "step by step", [&] { steps_of(one); });
    for (const auto bytes : out_.how.sizes) {
      const auto rate = [&] { one.rates_by_size[bytes].push_back(throughput(one, bytes, 1)); };
      try_one(one, fmt::format("throughput, {} bytes", bytes), rate, [](const auto&) {});
    }
  }

  // A failure is the transport's own: the others go on.
  template <class Part>
  void attempt(figures& one, const std::string& what, Part part) {
    try_one(one, what, part,
            [&](const std::string& why) { one.failure = fmt::format("{}: {}", what, why); });
  }
  template <class Part, class Failed>
  void try_one(const figures& one, const std::string& what, Part part, Failed failed) {
    if (one.of.open == nullptr || !one.failure.empty()) return;
    const auto& how = out_.how;
    if (how.is_asked_to_stop && how.is_asked_to_stop()) throw broken_off{};
    if (how.tell) how.tell(fmt::format("{}: {}, {}", where_, one.of.name, what));
    try {
      part();
    } catch (const std::exception& e) {
      failed(e.what());
    }
  }

  [[nodiscard]] load load_of(pace how_fast) {
    load how;
    how.pace = how_fast;
    how.bytes = out_.how.bytes;
    how.rate = out_.how.rate;
    how.span = slice_;
    how.salt = random_();
    how.is_crowded = on_.are_crowded_by(2);
    return how;
  }
  [[nodiscard]] patience patience_for(nanoseconds span) const {
    return {clock::now() + 10 * span + out_.how.patience, out_.how.is_asked_to_stop};
  }
  [[nodiscard]] std::unique_ptr<link> open(const figures& one, std::size_t bytes) const {
    return one.of.open({bytes});
  }

  void run_side(std::function<void()> side) {
    run_sides(where::processes, on_, std::vector{std::move(side)}, patience_for(slice_));
  }
  // The consumer is side 0.
  void run_both(std::function<void()> consumer, std::function<void()> producer) {
    run_sides(where::processes, on_, std::vector{std::move(consumer), std::move(producer)},
              patience_for(slice_));
  }
  static void require_whole(std::uint64_t wrong) {
    if (wrong != 0) throw std::runtime_error(fmt::format("{} messages were damaged", wrong));
  }

  double throughput(const figures& one, std::size_t bytes, std::size_t batch) {
    auto how = load_of(pace::flood);
    how.bytes = bytes;
    how.batch = batch;
    const auto channel = open(one, bytes);
    shared<stage> seen;
    stage& at = *seen.operator->();
    run_both([&] { channel->consume(how, at, {}); }, [&] { channel->produce(how, at); });
    require_whole(at.consumer.wrong);
    return static_cast<double>(at.consumer.messages) / at.consumer.seconds();
  }

  void round_trips_of(figures& one) {
    const auto how = load_of(pace::flood);
    const auto there = open(one, how.bytes), back = open(one, how.bytes);
    shared<stage> seen;
    shared<std::uint64_t> trips(most_trips);
    stage& at = *seen.operator->();
    run_both([&] { there->answer(*back, how, at); },
             [&] { there->ask(*back, how, at, trips.all()); });
    require_whole(at.consumer.wrong + at.producer.wrong);
    const auto some = trips.all().first(at.producer.messages);
    one.trips.insert(one.trips.end(), some.begin(), some.end());
  }

  void open_loop(figures& one) {
    const auto how = load_of(pace::on_time);
    const auto channel = open(one, how.bytes);
    one.memory_bytes = channel->memory_bytes();
    shared<stage> seen;
    shared<std::uint64_t> latencies(how.count());
    stage& at = *seen.operator->();
    run_both([&] { channel->consume(how, at, latencies.all()); },
             [&] { channel->produce(how, at); });
    require_whole(at.consumer.wrong);
    std::vector<double> some(latencies.all().begin(), latencies.all().end());
    one.latencies.insert(one.latencies.end(), latencies.all().begin(), latencies.all().end());
    one.medians.push_back(median_of(std::move(some)));
  }

  void cpu_at_rate(figures& one) {
    const auto how = load_of(pace::asleep);
    const auto channel = open(one, how.bytes);
    shared<stage> seen;
    stage& at = *seen.operator->();
    run_both([&] { channel->consume(how, at, {}); }, [&] { channel->produce(how, at); });
    require_whole(at.consumer.wrong);
    one.producer_cpu.push_back(at.producer.cpu_share());
    one.producer_calls.push_back(at.producer.call_share());
    one.consumer_cpu.push_back(at.consumer.cpu_share());
  }

  void steps_of(figures& one) {
    const auto how = load_of(pace::on_time);
    const auto channel = open(one, how.bytes);
    shared<stage> seen;
    shared<trace> traces(std::min(how.count(), most_traced));
    stage& at = *seen.operator->();
    run_both([&] { channel->consume_traced(how, at, traces.all()); },
             [&] { channel->produce_traced(how, at, traces.all()); });
    require_whole(at.consumer.wrong);
    std::array<std::vector<double>, step_count> each;
    for (const trace& t : traces.all()) {
      const clock::time_point points[] = {t.producer[0], t.producer[1], t.producer[2],
                                          t.producer[3], t.consumer[0], t.consumer[1],
                                          t.consumer[2]};
      for (std::size_t i = 0; i < step_count; ++i) {
        const auto took = std::chrono::duration<double, std::nano>(points[i + 1] - points[i]);
        each[i].push_back(std::max(took.count(), 0.0));
      }
    }
    for (std::size_t i = 0; i < step_count; ++i) {
      one.steps[i].push_back(median_of(std::move(each[i])));
    }
  }

  void count(figures& one) {
    auto how = load_of(pace::on_time);
    how.span = nanoseconds(static_cast<std::int64_t>(counted_messages / how.rate * 1e9));
    one.single = count_calls(*open(one, how.bytes), how, on_, patience_for(slice_));
    how = load_of(pace::flood);
    how.batch = counted_batch;
    how.span = std::chrono::milliseconds(5);
    one.batched = count_calls(*open(one, how.bytes), how, on_, patience_for(slice_));
  }

  comparison out_;
  processors on_;
  nanoseconds slice_{};
  std::string where_;
  std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace

comparison measure(const plan& how) {
  run all(how);
  return all.all();
}

}  // namespace annulus::compare
