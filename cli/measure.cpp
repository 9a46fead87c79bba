#include "cli/measure.hpp"

#include "cli/exit_code.hpp"
#include "cli/signals.hpp"
#include "compare/sides.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
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

// Two words that two processes share.
class lines {
 public:
  lines()
      : words_(static_cast<both*>(mmap(nullptr, sizeof(both), PROT_READ | PROT_WRITE,
                                       MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    if (words_ == MAP_FAILED) {
      throw command_error{exit_code::failure, "cannot map memory to share"};
    }
  }
  ~lines() { munmap(words_, sizeof(both)); }
  lines(const lines&) = delete;
  lines& operator=(const lines&) = delete;

  [[nodiscard]] std::atomic_ref<std::uint64_t> there() const noexcept {
    return std::atomic_ref(words_->there);
  }
  [[nodiscard]] std::atomic_ref<std::uint64_t> back() const noexcept {
    return std::atomic_ref(words_->back);
  }

 private:
  struct both {
    alignas(line_bytes) std::uint64_t there;
    alignas(line_bytes) std::uint64_t back;
  };
  both* words_;
};

// Spins, giving way now and then where both share one processor.
void spin_until(std::atomic_ref<std::uint64_t> word, std::uint64_t value, bool gives_way) {
  while (word.load(std::memory_order_acquire) != value) {
    if (gives_way) sched_yield();
  }
}

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
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now - last).count();
    out.push_back(static_cast<std::uint32_t>(std::min<std::int64_t>(ns, UINT32_MAX)));
    last = now;
  }
  throw_if_stopped();
  return out;
}

segment new_ring(const setting& how, std::uint64_t bytes) {
  segment_options shape;
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

samples measure_cache_line(const setting& how, std::chrono::nanoseconds span) {
  constexpr std::uint64_t the_end = ~std::uint64_t{0};
  const lines shared;
  const auto cpus = how.cpus.empty() ? allowed_cpus() : how.cpus;
  const bool gives_way = std::ranges::adjacent_find(cpus, std::not_equal_to()) == cpus.end();
  const other_process other(how, 0, [&] {
    for (std::uint64_t n = 1; n != the_end; ++n) {
      spin_until(shared.there(), n, gives_way);
      shared.back().store(n, std::memory_order_release);
    }
  });
  std::uint64_t n = 0;
  return repeat_for(span, [&] {
    shared.there().store(++n, std::memory_order_release);
    spin_until(shared.back(), n, gives_way);
  });
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
