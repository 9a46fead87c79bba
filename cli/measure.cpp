#include "cli/measure.hpp"

#include "cli/exit_code.hpp"
#include "cli/signals.hpp"
#include "compare/round_trip.hpp"
#include "compare/sides.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>

#include <annulus/ring/ring.hpp>

namespace annulus::cli {
namespace {

using clock = std::chrono::steady_clock;

void pin_to(const std::vector<int>& cpus) {
  if (cpus.empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) {
    throw command_error{exit_code::failure, fmt::format("cannot pin to processor {}: {}",
                                                        cpus.front(), std::strerror(errno))};
  }
}

// The first is the consumer's alone, if there is another.
int cpu_of(const std::vector<int>& cpus, std::size_t producer) {
  return cpus.size() < 2 ? cpus.front() : cpus[1 + producer % (cpus.size() - 1)];
}

// The other side: a process of its own, gone when this object is.
class other_process {
 public:
  template <class F>
  other_process(const setting& how, std::size_t producer, F run) : child_(fork()) {
    if (child_ < 0) {
      throw command_error{exit_code::failure,
                          fmt::format("cannot start a process: {}", std::strerror(errno))};
    }
    if (child_ > 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
      if (!how.cpus.empty()) pin_to({cpu_of(how.cpus, producer)});
      run();
    } catch (...) {
      _exit(1);
    }
    _exit(0);
  }
  ~other_process() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  other_process(const other_process&) = delete;
  other_process& operator=(const other_process&) = delete;

 private:
  pid_t child_;
};

// Runs `once` for a tenth of the span unmeasured, then measured.
template <class F>
samples repeat_for(std::chrono::nanoseconds span, F once) {
  samples out;
  out.reserve(1 << 20);
  const auto warm = clock::now() + span / 10;
  while (clock::now() < warm) once();
  const auto until = clock::now() + span;
  for (auto last = clock::now(); last < until;) {
    once();
    const auto now = clock::now();
    out.push_back(std::chrono::duration<float, std::nano>(now - last).count());
    last = now;
  }
  throw_if_stopped();
  return out;
}

segment new_ring(const setting& how, std::uint64_t bytes) {
  ring_options shape;
  shape.topology = how.topology;
  shape.producers = how.producers;
  shape.capacity = std::max<std::uint64_t>(1 << 20, std::bit_ceil(8 * bytes));
  return must(segment::anonymous(shape));
}

void require(status s) {
  if (s != status::ok) {
    throw_if_stopped();
    throw command_error{exit_code::failure,
                        fmt::format("the measurement broke off: {}", to_string(s))};
  }
}

// Long enough for any message, short enough to end where the other side is stuck.
deadline soon() { return within(std::chrono::seconds(5)); }

template <class Producer, class Consumer>
void echo(const setting& how, const segment& there, const segment& back) {
  auto from = must(Consumer::attach(there, how.wait));
  auto to = must(Producer::attach(back, how.wait));
  for (;;) {
    const view seen = from.read(no_deadline);
    if (!seen || to.push(seen.bytes(), no_deadline) != status::ok) return;
    from.release();
  }
}

template <class Producer, class Consumer>
samples round_trip(const setting& how, std::uint64_t bytes, std::chrono::nanoseconds span) {
  const auto there = new_ring(how, bytes);
  const auto back = new_ring(how, bytes);
  const other_process other(how, 0, [&] { echo<Producer, Consumer>(how, there, back); });
  auto to = must(Producer::attach(there, how.wait));
  auto from = must(Consumer::attach(back, how.wait));
  const std::vector<std::byte> one(bytes, std::byte{1});
  return repeat_for(span, [&] {
    require(to.push(message(one), soon()));
    const view seen = from.read(soon());
    require(seen.status());
    from.release();
  });
}

template <class Producer>
void push_for_ever(const setting& how, const segment& ring, std::uint64_t bytes) {
  auto to = must(Producer::attach(ring, how.wait));
  const std::vector<std::byte> one(bytes, std::byte{1});
  while (to.push(message(one), no_deadline) == status::ok) {
  }
}

template <class Producer, class Consumer>
double throughput(const setting& how, std::uint64_t bytes, std::chrono::nanoseconds span) {
  const auto ring = new_ring(how, bytes);
  auto from = must(Consumer::attach(ring, how.wait));
  std::vector<std::unique_ptr<other_process>> others;
  for (std::uint32_t i = 0; i < how.producers; ++i) {
    others.push_back(std::make_unique<other_process>(
        how, i, [&] { push_for_ever<Producer>(how, ring, bytes); }));
  }
  std::uint64_t touched = 0;
  const auto read_some = [&] {
    const auto got = from.drain(
        [&](message one) { touched += std::to_integer<std::uint64_t>(one[0]); }, 1024, soon());
    if (got.count == 0) require(got.why);
  };
  const auto warm = clock::now() + span / 10;
  while (clock::now() < warm) read_some();
  const auto count_before = touched;
  const auto began = clock::now();
  while (clock::now() - began < span) read_some();
  const double seconds = std::chrono::duration<double>(clock::now() - began).count();
  throw_if_stopped();
  return static_cast<double>(touched - count_before) / seconds;
}

int core_of(int cpu) {
  std::ifstream in(fmt::format("/sys/devices/system/cpu/cpu{}/topology/core_id", cpu));
  int core = -1;
  in >> core;
  return core;
}

}  // namespace

samples measure_cache_line(const setting& how) {
  constexpr std::uint64_t trips = 40'000;
  const compare::processors on(how.cpus.empty() ? allowed_cpus() : how.cpus);
  try {
    const auto seen = compare::raw_round_trips(compare::where::processes, trips, on,
                                               {soon(), [] { return stop_signal() != 0; }});
    return {seen.each.begin(), seen.each.end()};
  } catch (const compare::broken_off&) {
    throw stopped{};
  }
}

samples measure_round_trip(const setting& how, std::uint64_t bytes, std::chrono::nanoseconds span) {
  return how.topology == topology::spsc
             ? round_trip<spsc_producer, spsc_consumer>(how, bytes, span)
             : round_trip<mpsc_producer, mpsc_consumer>(how, bytes, span);
}

double measure_throughput(const setting& how, std::uint64_t bytes, std::chrono::nanoseconds span) {
  return how.topology == topology::spsc
             ? throughput<spsc_producer, spsc_consumer>(how, bytes, span)
             : throughput<mpsc_producer, mpsc_consumer>(how, bytes, span);
}

std::vector<int> allowed_cpus() { return compare::processors::allowed(); }

std::vector<int> choose_cpus() {
  const auto all = allowed_cpus();
  if (all.size() < 2) return {};
  for (std::size_t i = 1; i < all.size(); ++i) {
    if (core_of(all[i]) != core_of(all[0])) return {all[0], all[i]};
  }
  return {all[0], all[1]};
}

void require_ours(const std::vector<int>& cpus) {
  const auto allowed = allowed_cpus();
  for (const int cpu : cpus) {
    if (std::ranges::find(allowed, cpu) != allowed.end()) continue;
    throw command_error{exit_code::usage,
                        fmt::format("processor {} is not ours to use; there are {}", cpu,
                                    fmt::join(allowed, ", "))};
  }
}

pinned::pinned(const std::vector<int>& cpus) : before_(allowed_cpus()) {
  if (!cpus.empty()) pin_to({cpus.front()});
}

pinned::~pinned() {
  try {
    pin_to(before_);
  } catch (const command_error&) {
    // The process ends anyway.
  }
}

}  // namespace annulus::cli
