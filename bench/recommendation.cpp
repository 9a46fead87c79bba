#include "bench/recommendation.hpp"

#include "bench/system.hpp"
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include <annulus/bus/choice.hpp>
#include <annulus/bus/quantity.hpp>

namespace annulus::bench {
namespace {

using bus::show_count;
using bus::show_ns;

constexpr double margin = 2;  // the pipe is taken if it has so many times what is needed
constexpr double low_latency_ns = static_cast<double>(bus::low_latency.count());
constexpr double high_rate = static_cast<double>(bus::high_rate);
constexpr double patient_latency_ns = 5'000'000;  // the most that saving CPU may cost

struct candidate {
  std::string name;
  double p99;                 // ns, open loop
  double rate;                // messages a second, one by one
  double batched_rate;        // in the largest batch
  std::optional<double> cpu;  // of the busier process, of one core

  [[nodiscard]] double cost() const { return cpu.value_or(std::numeric_limits<double>::max()); }
  [[nodiscard]] std::string cpu_in_words() const {
    return cpu ? fmt::format("{:.1f} % of a core", 100 * *cpu) : "CPU unknown";
  }
};

struct field_of_ours {
  std::vector<candidate> rings;
  std::optional<candidate> pipe;
};

field_of_ours ours_in(const json& transports) {
  field_of_ours out;
  for (const auto& one : transports) {
    const auto p99 = number_at(one, "/open_loop_ns/p99");
    const auto rate = number_at(one, "/throughput/0/messages_per_second/median");
    if (!one.contains("targets") || !p99 || !rate) continue;
    const auto last = one["throughput"].size() - 1;
    const auto batched =
        number_at(one, fmt::format("/throughput/{}/messages_per_second/median", last));
    candidate found{one["name"], *p99, *rate, batched.value_or(*rate),
                    number_at(one, "/cpu/busier_of_one_core")};
    if (found.name == pipe_name) {
      out.pipe = std::move(found);
    } else {
      out.rings.push_back(std::move(found));
    }
  }
  return out;
}

// The least by `get` of those with a p99 of so much at most; null: there is none.
const candidate* least(const std::vector<candidate>& all, auto get,
                       double p99 = std::numeric_limits<double>::max()) {
  const candidate* best = nullptr;
  for (const auto& one : all) {
    if (one.p99 <= p99 && (best == nullptr || std::invoke(get, one) < std::invoke(get, *best)))
      best = &one;
  }
  return best;
}

constexpr const char* no_pipe = "the pipe was not measured here";
constexpr const char* no_ring = "no ring was measured here";

advice soon(const field_of_ours& of, double rate) {
  const auto need =
      fmt::format("latency below {} at {}/s", bus::low_latency_words, show_count(rate));
  const auto& pipe = of.pipe;
  if (pipe && pipe->p99 * margin <= low_latency_ns) {
    return {
        need, pipe->name,
        fmt::format("p99 {} is within half of it: no need for shared memory", show_ns(pipe->p99))};
  }
  const auto told = pipe ? "the pipe's p99 is " + show_ns(pipe->p99) : std::string(no_pipe);
  if (const auto* ring = least(of.rings, &candidate::cost, low_latency_ns)) {
    return {need, ring->name,
            fmt::format("p99 {}, {}; {}", show_ns(ring->p99), ring->cpu_in_words(), told)};
  }
  if (pipe && pipe->p99 <= low_latency_ns) {
    return {need, pipe->name, fmt::format("p99 {}, and no ring here keeps it", show_ns(pipe->p99))};
  }
  const auto* nearest = least(of.rings, &candidate::p99);
  if (pipe && (nearest == nullptr || pipe->p99 < nearest->p99)) nearest = &*pipe;
  if (nearest == nullptr) return {need, "", no_ring};
  return {need, "",
          fmt::format("none keeps it here; the nearest is {}, p99 {}; {}", nearest->name,
                      show_ns(nearest->p99), told)};
}

advice many(const field_of_ours& of, const candidate* fastest) {
  const auto need = fmt::format("more than {} messages a second", show_count(high_rate));
  if (of.pipe && of.pipe->rate >= margin * high_rate) {
    return {need, of.pipe->name,
            fmt::format("it carries {}/s one by one: take it up to half of that, {}/s",
                        show_count(of.pipe->rate), show_count(of.pipe->rate / margin))};
  }
  if (fastest == nullptr) return {need, "", no_ring};
  const auto told =
      of.pipe ? fmt::format("the pipe carries {}/s", show_count(of.pipe->rate)) : no_pipe;
  return {need, fastest->name, fmt::format("{}/s; {}", show_count(fastest->rate), told)};
}

advice more(const field_of_ours& of, const candidate* fastest) {
  const char* need = "as many messages as there can be";
  if (fastest == nullptr) return {need, "", no_ring};
  auto why = fmt::format("{}/s one by one, {}/s in batches", show_count(fastest->rate),
                         show_count(fastest->batched_rate));
  if (of.pipe) {
    why += fmt::format(": {:.0f} and {:.0f} times the pipe", fastest->rate / of.pipe->rate,
                       fastest->batched_rate / of.pipe->batched_rate);
  }
  return {need, fastest->name, why};
}

advice cheaply(const field_of_ours& of, double rate) {
  const auto need = fmt::format("{}/s on a tight CPU budget", show_count(rate));
  std::vector<candidate> all = of.rings;
  if (of.pipe) all.insert(all.begin(), *of.pipe);  // of two alike, the pipe
  const auto* best = least(all, &candidate::cost, patient_latency_ns);
  if (best == nullptr || !best->cpu) {
    return {need, "", "none that was measured here keeps p99 below 5 ms"};
  }
  return {
      need, best->name,
      fmt::format("{} in the busier process, p99 {}", best->cpu_in_words(), show_ns(best->p99))};
}

// The pipe, where it was measured.
advice pipe_for(const char* need, const field_of_ours& of, const std::string& why) {
  return {need, of.pipe ? of.pipe->name : "", of.pipe ? why : no_pipe};
}

}  // namespace

std::vector<advice> recommend(const json& transports, double rate) {
  const auto of = ours_in(transports);
  const auto* fastest = least(of.rings, [](const candidate& one) { return -one.rate; });
  const auto carries =
      of.pipe ? fmt::format("a FIFO needs no shared memory; here it carries {}/s, p99 {}",
                            show_count(of.pipe->rate), show_ns(of.pipe->p99))
              : "";
  return {
      pipe_for("processes that share a folder, but no shared memory", of, carries),
      soon(of, rate),
      many(of, fastest),
      more(of, fastest),
      cheaply(of, rate),
      {"another machine, or another system than Linux", "",
       "the ring and the pipe both end at this machine: a gateway to nats:// reaches another"},
      pipe_for("none of these", of, "the default: the simplest, and the kernel keeps its rights")};
}

}  // namespace annulus::bench
