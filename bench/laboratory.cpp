#include "bench/laboratory.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace annulus::bench {
namespace {

constexpr std::size_t most_at_once = 1024;
constexpr std::size_t batch_size = 100;
constexpr double burst_rate = 1e6;                        // 100 messages each 100 us
constexpr std::size_t most_trips = std::size_t{1} << 20;  // kept of one run
constexpr std::uint64_t most_traced = 1000;
constexpr std::uint64_t counted_messages = 1000;

}  // namespace

const char* to_string(experiment e) noexcept {
  constexpr const char* names[] = {
      "per message", "drained",   "in batches",      "many producers", "throughput",  "round trip",
      "bursts",      "open loop", "CPU at the rate", "step by step",   "system calls"};
  return names[static_cast<std::size_t>(e)];
}

shape laboratory::shape_of(const trial& t) const {
  return {t.in.bytes, t.capacity, t.in.producers, how_.polls};
}

load laboratory::load_of(const trial& t) {
  load out;
  out.bytes = t.in.bytes;
  out.producers = t.in.producers;
  out.batch = t.in.batch;
  out.rate = how_.rate;
  out.salt = random_();
  out.is_crowded = on_.are_crowded_by(t.in.producers + 1 + t.of->helpers);
  // The first lap of a large ring maps its pages, at some 2 bytes a nanosecond. It must end in the
  // first fifth of a run, which is not measured.
  out.span =
      t.capacity > shape().capacity ? std::max(how_.span, nanoseconds(5 * t.capacity)) : how_.span;
  using enum experiment;
  switch (t.in.what) {
    case per_message: break;
    case batches: out.batch = batch_size; [[fallthrough]];
    case drained:
    case many_producers: out.limit = most_at_once; break;
    case at_once: out.limit = t.in.batch; break;
    case round_trip: break;
    case bursts: out.rate = burst_rate, out.burst = batch_size; [[fallthrough]];
    case on_time:
    case steps:
    case calls: out.pace = pace::on_time; break;
    case cpu: out.pace = pace::asleep; break;
  }
  return out;
}

patience laboratory::until(nanoseconds span) const {
  return {clock::now() + 10 * span + how_.patience, how_.is_asked_to_stop};
}

sample laboratory::measure(const trial& t) {
  const load how = load_of(t);
  using enum experiment;
  switch (t.in.what) {
    case round_trip: return this->round_trip(t, how);
    case bursts:
    case on_time: return one_way(t, how);
    case cpu: return this->cpu(t, how);
    case steps: return this->steps(t, how);
    case calls: return count(t, how);
    default: return throughput(t, how);
  }
}

shared<stage> laboratory::run(const trial& t, const load& how, const side& consumer,
                              const side& producer) {
  shared<stage> seen;
  stage& at = *seen.operator->();
  std::vector<std::function<void()>> sides{[&] { consumer(at, 0); }};
  for (unsigned i = 0; i < how.producers; ++i) sides.emplace_back([&, i] { producer(at, i); });
  run_sides(t.of->sides, on_, sides, until(how.span));
  const auto wrong = at.consumer.wrong + at.producer.wrong;
  if (wrong == 0) return seen;
  throw std::runtime_error(std::to_string(wrong) + " messages were damaged or out of order");
}

shared<stage> laboratory::deliver(const trial& t, link& channel, const load& how,
                                  std::span<std::uint64_t> latencies) {
  return run(
      t, how, [&](stage& at, unsigned) { channel.consume(how, at, latencies); },
      [&](stage& at, unsigned i) { channel.produce(how, at, i); });
}

void laboratory::keep(sample& in, std::span<const std::uint64_t> each) const {
  std::vector<std::uint64_t> sorted(each.begin(), each.end());
  std::ranges::sort(sorted);
  in.tail = percentiles_of(sorted).value_or(percentiles());
  if (how_.keeps_each) in.each = std::move(sorted);
}

sample laboratory::throughput(const trial& t, const load& how) {
  sample out;
  // No message at all: the machine stood still, as real-time priority lets others run now and then.
  // Nothing was measured.
  for (int again = 0; out.value == 0 && again < 4; ++again) {
    const auto seen = deliver(t, *t.of->open(shape_of(t)), how);
    out.value = static_cast<double>(seen->consumer.messages) / seen->consumer.seconds();
  }
  return out;
}

sample laboratory::round_trip(const trial& t, const load& how) {
  const auto there = t.of->open(shape_of(t)), back = t.of->open(shape_of(t));
  shared<trips> told;
  const auto enough = static_cast<std::size_t>(how.span / nanoseconds(50));
  shared<std::uint64_t> each(std::clamp<std::size_t>(enough, 1, most_trips));
  run(
      t, how, [&](stage& at, unsigned) { there->answer(*back, how, at); },
      [&](stage& at, unsigned) { told.all()[0] = there->ask(*back, how, at, each.all()); });
  sample out;
  keep(out, each.all().first(told->timed));
  out.value = told->mean;
  return out;
}

sample laboratory::one_way(const trial& t, const load& how) {
  const auto channel = t.of->open(shape_of(t));
  shared<std::uint64_t> each(how.count());
  deliver(t, *channel, how, each.all());
  sample out;
  keep(out, each.all());
  out.value = out.tail.p50;
  out.memory_bytes = channel->memory_bytes();
  return out;
}

sample laboratory::cpu(const trial& t, const load& how) {
  const auto seen = deliver(t, *t.of->open(shape_of(t)), how);
  sample out;
  out.cpu = {seen->producer.cpu_share(), seen->producer.call_share(), seen->consumer.cpu_share()};
  return out;
}

sample laboratory::steps(const trial& t, const load& how) {
  const auto channel = t.of->open(shape_of(t));
  shared<trace> traces(std::min(how.count(), most_traced));
  run(
      t, how, [&](stage& at, unsigned) { channel->consume_traced(how, at, traces.all()); },
      [&](stage& at, unsigned) { channel->produce_traced(how, at, traces.all()); });
  std::array<std::vector<double>, step_count> each;
  for (const trace& one : traces.all()) {
    const auto& [before, claimed, filled, committed] = one.producer;
    const auto& [noticed, read, released] = one.consumer;
    const clock::time_point points[] = {before,  claimed, filled,  committed,
                                        noticed, read,    released};
    for (std::size_t i = 0; i < step_count; ++i) {
      const auto took = std::chrono::duration<double, std::nano>(points[i + 1] - points[i]);
      each[i].push_back(std::max(took.count(), 0.0));
    }
  }
  sample out;
  for (std::size_t i = 0; i < step_count; ++i) out.steps[i] = median_of(std::move(each[i]));
  return out;
}

sample laboratory::count(const trial& t, load how) {
  sample out;
  how.span = nanoseconds(static_cast<std::int64_t>(counted_messages / how.rate * 1e9));
  out.single = count_calls(*t.of->open(shape_of(t)), how, on_, until(how_.span));
  how.pace = pace::flood;
  how.batch = how.limit = batch_size;
  how.span = std::chrono::milliseconds(5);
  out.batched = count_calls(*t.of->open(shape_of(t)), how, on_, until(how_.span));
  return out;
}

round_trips laboratory::raw(where at, nanoseconds span) {
  return raw_round_trips(at, span, on_, until(how_.span));
}

double laboratory::cpu_of_pacing() {
  load wanted;
  wanted.span = how_.span;
  wanted.rate = how_.rate;
  shared<stage> seen;
  const std::function<void()> pacing = [&] {
    sleep_exactly();
    seen->producer.begin(wanted);
    send_on_time(schedule(clock::now(), wanted.rate), wanted.count(), sleep_until, [](auto) {});
    seen->producer.end(wanted);
  };
  run_sides(where::processes, on_, {&pacing, 1}, until(wanted.span));
  return seen->producer.cpu_share();
}

}  // namespace annulus::bench
