#include "bench/experiments.hpp"

#include "bench/statistics.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace annulus::bench {
namespace {

constexpr std::size_t most_trips = std::size_t{1} << 20;  // kept of one run
constexpr std::uint64_t most_traced = 1000;
constexpr std::uint64_t counted_messages = 1000;
constexpr std::size_t counted_batch = 100;

void require_whole(std::uint64_t wrong) {
  if (wrong == 0) return;
  throw std::runtime_error(std::to_string(wrong) + " messages were damaged or out of order");
}

}  // namespace

laboratory::laboratory(processors on, nanoseconds span, std::chrono::seconds patience,
                       std::function<bool()> is_asked_to_stop)
    : on_(std::move(on)),
      span_(span),
      patience_(patience),
      is_asked_to_stop_(std::move(is_asked_to_stop)) {}

laboratory laboratory::lasting(nanoseconds at_least) const {
  return {on_, std::max(span_, at_least), patience_, is_asked_to_stop_};
}

load laboratory::load_of(const system& of, const shape& how, pace how_fast) {
  load wanted;
  wanted.pace = how_fast;
  wanted.bytes = how.bytes;
  wanted.producers = how.producers;
  wanted.span = span_;
  wanted.salt = random_();
  wanted.is_crowded = on_.are_crowded_by(how.producers + 1 + of.helpers);
  return wanted;
}

patience laboratory::until() const {
  return {clock::now() + 10 * span_ + patience_, is_asked_to_stop_};
}

shared<stage> laboratory::run(const system& of, const consuming& consumer,
                              const producing& producer, unsigned producers) {
  shared<stage> seen;
  stage& at = *seen.operator->();
  std::vector<std::function<void()>> sides{[&] { consumer(at); }};
  for (unsigned i = 0; i < producers; ++i) sides.emplace_back([&, i] { producer(at, i); });
  run_sides(of.sides, on_, sides, until());
  require_whole(at.consumer.wrong + at.producer.wrong);
  return seen;
}

shared<stage> laboratory::deliver(const system& of, link& channel, const load& how,
                                  std::span<std::uint64_t> latencies) {
  return run(
      of, [&](stage& at) { channel.consume(how, at, latencies); },
      [&](stage& at, unsigned i) { channel.produce(how, at, i); }, how.producers);
}

round_trips laboratory::raw(where at, nanoseconds span) {
  return raw_round_trips(at, span, on_, until());
}

double laboratory::throughput(const system& of, const shape& how, std::size_t batch,
                              std::size_t limit) {
  auto wanted = load_of(of, how, pace::flood);
  wanted.batch = batch;
  wanted.limit = limit;
  const auto seen = deliver(of, *of.open(how), wanted);
  return static_cast<double>(seen->consumer.messages) / seen->consumer.seconds();
}

round_trips laboratory::round_trip(const system& of, const shape& how) {
  const auto wanted = load_of(of, how, pace::flood);
  const auto there = of.open(how), back = of.open(how);
  shared<trips> told;
  const auto enough = static_cast<std::size_t>(span_ / nanoseconds(50));
  shared<std::uint64_t> each(std::clamp<std::size_t>(enough, 1, most_trips));
  run(
      of, [&](stage& at) { there->answer(*back, wanted, at); },
      [&](stage& at, unsigned) { told.all()[0] = there->ask(*back, wanted, at, each.all()); });
  const auto timed = each.all().first(told->timed);
  return {told->mean, {timed.begin(), timed.end()}};
}

one_way_latencies laboratory::one_way(const system& of, const shape& how, rhythm when) {
  auto wanted = load_of(of, how, pace::on_time);
  wanted.rate = when.rate;
  wanted.burst = when.burst;
  const auto channel = of.open(how);
  shared<std::uint64_t> each(wanted.count());
  deliver(of, *channel, wanted, each.all());
  return {{each.all().begin(), each.all().end()}, channel->memory_bytes()};
}

cpu_shares laboratory::cpu(const system& of, const shape& how, double rate) {
  auto wanted = load_of(of, how, pace::asleep);
  wanted.rate = rate;
  const auto seen = deliver(of, *of.open(how), wanted);
  return {seen->producer.cpu_share(), seen->producer.call_share(), seen->consumer.cpu_share()};
}

double laboratory::cpu_of_pacing(double rate) {
  load wanted;
  wanted.span = span_;
  wanted.rate = rate;
  shared<stage> seen;
  const std::function<void()> pacing = [&] {
    sleep_exactly();
    seen->producer.begin(wanted);
    send_on_time(schedule(clock::now(), rate), wanted.count(), sleep_until, [](auto) {});
    seen->producer.end(wanted);
  };
  run_sides(where::processes, on_, {&pacing, 1}, until());
  return seen->producer.cpu_share();
}

std::array<double, step_count> laboratory::steps(const system& of, const shape& how, double rate) {
  auto wanted = load_of(of, how, pace::on_time);
  wanted.rate = rate;
  const auto channel = of.open(how);
  shared<trace> traces(std::min(wanted.count(), most_traced));
  run(
      of, [&](stage& at) { channel->consume_traced(wanted, at, traces.all()); },
      [&](stage& at, unsigned) { channel->produce_traced(wanted, at, traces.all()); });
  std::array<std::vector<double>, step_count> each;
  for (const trace& t : traces.all()) {
    const clock::time_point points[] = {t.producer[0], t.producer[1], t.producer[2], t.producer[3],
                                        t.consumer[0], t.consumer[1], t.consumer[2]};
    for (std::size_t i = 0; i < step_count; ++i) {
      const auto took = std::chrono::duration<double, std::nano>(points[i + 1] - points[i]);
      each[i].push_back(std::max(took.count(), 0.0));
    }
  }
  std::array<double, step_count> medians{};
  for (std::size_t i = 0; i < step_count; ++i) medians[i] = median_of(std::move(each[i]));
  return medians;
}

calls laboratory::calls_at(const system& of, const shape& how, double rate) {
  auto wanted = load_of(of, how, pace::on_time);
  wanted.rate = rate;
  wanted.span = nanoseconds(static_cast<std::int64_t>(counted_messages / rate * 1e9));
  return count_calls(*of.open(how), wanted, on_, until());
}

calls laboratory::calls_in_batches(const system& of, const shape& how) {
  auto wanted = load_of(of, how, pace::flood);
  wanted.batch = wanted.limit = counted_batch;
  wanted.span = std::chrono::milliseconds(5);
  return count_calls(*of.open(how), wanted, on_, until());
}

}  // namespace annulus::bench
