#include "bench/recommendation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
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

std::string cpu(const summary& s) {
  return fmt::format("{:.1f} % of a core", 100 * s.cpu->busier());
}

class adviser {
 public:
  adviser(const std::vector<summary>& all, double rate) : rate_(rate) {
    for (const auto& one : all) {
      if (!one.is_ours || !one.latency || one.rate() <= 0) continue;
      one.is_pipe ? void(pipe_ = &one) : rings_.push_back(&one);
    }
  }

  [[nodiscard]] std::vector<advice> all() const {
    return {anywhere(), soon(), many(), more(), cheaply(), elsewhere(), otherwise()};
  }

 private:
  static constexpr const char* no_pipe = "the pipe was not measured here";

  [[nodiscard]] static advice elsewhere() {
    return {"another machine, or another system than Linux", "",
            "the ring and the pipe both end at this machine: a gateway to nats:// reaches another"};
  }

  [[nodiscard]] advice anywhere() const {
    const char* need = "processes that share a folder, but no shared memory";
    if (pipe_ == nullptr) return {need, "", no_pipe};
    return {need, pipe_->name,
            fmt::format("a FIFO needs no shared memory; here it carries {}/s, p99 {}",
                        show_count(pipe_->rate()), show_ns(pipe_->latency->p99))};
  }

  [[nodiscard]] advice soon() const {
    const std::string need =
        fmt::format("latency below {} at {}/s", bus::low_latency_words, show_count(rate_));
    if (pipe_ != nullptr && pipe_->latency->p99 * margin <= low_latency_ns) {
      return {need, pipe_->name,
              fmt::format("p99 {} is within half of it: no need for shared memory",
                          show_ns(pipe_->latency->p99))};
    }
    const auto keeps = [](const summary& s) { return s.latency->p99 <= low_latency_ns; };
    const auto told = pipe_ == nullptr
                          ? std::string(no_pipe)
                          : fmt::format("the pipe's p99 is {}", show_ns(pipe_->latency->p99));
    if (const auto* best = cheapest(keeps)) {
      return {need, best->name,
              fmt::format("p99 {}{}; {}", show_ns(best->latency->p99),
                          best->cpu ? ", " + cpu(*best) : "", told)};
    }
    const auto* best = quickest();
    if (best == nullptr) return {need, "", "no ring was measured here"};
    if (keeps(*best)) {
      return {need, best->name,
              fmt::format("p99 {}, and no ring here keeps it", show_ns(best->latency->p99))};
    }
    return {need, "",
            fmt::format("none keeps it here; the nearest is {}, p99 {}; {}", best->name,
                        show_ns(best->latency->p99), told)};
  }

  [[nodiscard]] advice many() const {
    const std::string need = fmt::format("more than {} messages a second", show_count(high_rate));
    if (pipe_ != nullptr && pipe_->rate() >= margin * high_rate) {
      return {need, pipe_->name,
              fmt::format("it carries {}/s one by one: take it up to half of that, {}/s",
                          show_count(pipe_->rate()), show_count(pipe_->rate() / margin))};
    }
    const auto* best = fastest();
    if (best == nullptr) return {need, "", "no ring was measured here"};
    return {need, best->name,
            fmt::format("{}/s; {}", show_count(best->rate()),
                        pipe_ == nullptr
                            ? no_pipe
                            : fmt::format("the pipe carries {}/s", show_count(pipe_->rate())))};
  }

  [[nodiscard]] advice more() const {
    const char* need = "as many messages as there can be";
    const auto* best = fastest();
    if (best == nullptr) return {need, "", "no ring was measured here"};
    return {
        need, best->name,
        fmt::format("{}/s one by one, {}/s in batches{}", show_count(best->rate()),
                    show_count(best->batched_rate()),
                    pipe_ == nullptr ? ""
                                     : fmt::format(": {:.0f} and {:.0f} times the pipe",
                                                   best->rate() / pipe_->rate(),
                                                   best->batched_rate() / pipe_->batched_rate()))};
  }

  [[nodiscard]] advice cheaply() const {
    const std::string need = fmt::format("{}/s on a tight CPU budget", show_count(rate_));
    const summary* best =
        cheapest([](const summary& s) { return s.cpu && s.latency->p99 <= patient_latency_ns; });
    if (pipe_ != nullptr && pipe_->cpu && pipe_->latency->p99 <= patient_latency_ns &&
        (best == nullptr || pipe_->cpu->busier() <= best->cpu->busier())) {
      best = pipe_;
    }
    if (best == nullptr) return {need, "", "none that was measured here keeps p99 below 5 ms"};
    return {
        need, best->name,
        fmt::format("{} in the busier process, p99 {}", cpu(*best), show_ns(best->latency->p99))};
  }

  [[nodiscard]] advice otherwise() const {
    const char* need = "none of these";
    if (pipe_ == nullptr) return {need, "", no_pipe};
    return {need, pipe_->name, "the default: the simplest, and the kernel keeps its rights"};
  }

  // Of the rings that will do; one without a known share of the CPU comes last.
  [[nodiscard]] const summary* cheapest(const std::function<bool(const summary&)>& will_do) const {
    const summary* best = nullptr;
    const auto cost = [](const summary& s) { return s.cpu ? s.cpu->busier() : 1e9; };
    for (const auto* one : rings_) {
      if (will_do(*one) && (best == nullptr || cost(*one) < cost(*best))) best = one;
    }
    return best;
  }
  // Of all, the pipe too.
  [[nodiscard]] const summary* quickest() const {
    const summary* best = pipe_;
    for (const auto* one : rings_) {
      if (best == nullptr || one->latency->p99 < best->latency->p99) best = one;
    }
    return best;
  }
  [[nodiscard]] const summary* fastest() const {
    const auto best = std::ranges::max_element(rings_, {}, &summary::rate);
    return best == rings_.end() ? nullptr : *best;
  }

  double rate_;
  const summary* pipe_ = nullptr;
  std::vector<const summary*> rings_;
};

}  // namespace

std::vector<advice> recommend(const std::vector<summary>& all, double rate) {
  return adviser(all, rate).all();
}

}  // namespace annulus::bench
