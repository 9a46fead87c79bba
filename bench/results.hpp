// What the samples say: how fast each system was, and by how much within the same repeat.
#pragma once

#include "bench/statistics.hpp"
#include "bench/trials.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace annulus::bench {

// The peer that is best beside a system.
struct rival {
  const system* peer = nullptr;
  spread ratio;  // the system's value over the peer's, repeat by repeat
};

class results {
 public:
  using admits = std::function<bool(const system&)>;

  // The samples that were taken with the cores near each other, or those with the cores far apart.
  // Keeps a reference to `of`.
  results(const measurement& of, bool is_near);

  [[nodiscard]] bool is_near() const noexcept { return is_near_; }
  [[nodiscard]] const char* distance() const noexcept { return is_near_ ? "near" : "far"; }

  // The sizes with three repeats or more.
  [[nodiscard]] std::vector<std::size_t> sizes(experiment what, unsigned producers) const;
  [[nodiscard]] std::vector<const system*> systems(experiment what) const;

  // The system's trial with the better capacity: the one of the better median. Returns nothing if
  // it takes no part, or was measured fewer than three times.
  [[nodiscard]] std::optional<std::size_t> best(std::string_view name, const group& in) const;
  // None where `ours`, or each peer that counts, takes no part.
  [[nodiscard]] std::optional<rival> best_rival(std::string_view ours, const group& in,
                                                const admits& counts) const;

  [[nodiscard]] spread values(std::size_t trial) const;
  [[nodiscard]] double raw(const group& of) const;  // the median, ns
  [[nodiscard]] spread over_raw(std::size_t trial) const;
  // Over the repeats that both were measured in. Requires: there is one.
  [[nodiscard]] spread ratio(std::size_t of, std::size_t to) const;
  // The median of one percentile, ns.
  [[nodiscard]] double tail(std::size_t trial, double percentiles::*which) const;

 private:
  static constexpr std::size_t enough = 3;

  const std::vector<trial>& trials_;
  std::vector<samples> by_trial_;  // in the order of the repeats
  bool is_near_;
};

}  // namespace annulus::bench
