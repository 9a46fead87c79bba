#include "verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>

namespace annulus::bench {
namespace {

constexpr double no_limit = std::numeric_limits<double>::infinity();

struct limits {
  double mean_at_least = 0;
  double each_at_least = 0;
  double each_at_most = no_limit;
};

// A ratio, at one message size.
struct point {
  std::size_t bytes;
  double ratio;
  std::string against;
};

std::string shortfall(double found, double wanted, bool is_met) {
  if (is_met) return "met";
  return fmt::format("missed by {:.0f} %", 100 * std::abs(found / wanted - 1));
}

void add(std::vector<verdict>& to, std::string target, const std::vector<point>& points,
         const limits& wanted) {
  if (points.empty()) return;
  std::vector<double> ratios;
  for (const auto& one : points) ratios.push_back(one.ratio);
  const double mean = geometric_mean(ratios);
  const auto by_ratio = [](const point& a, const point& b) { return a.ratio < b.ratio; };
  const auto [least, most] = std::minmax_element(points.begin(), points.end(), by_ratio);

  const auto tell = [&](const char* what, double found, double limit, bool is_met,
                        const point* at = nullptr) {
    const auto where =
        at == nullptr ? fmt::format("over {} sizes", points.size())
                      : fmt::format("at {} bytes against {}", at->bytes, at->against);
    to.push_back({fmt::format("{}: {} {:.2f}", target, what, limit),
                  fmt::format("{:.2f} {}: {}", found, where, shortfall(found, limit, is_met)),
                  is_met});
  };
  if (wanted.mean_at_least > 0) {
    tell("geometric mean at least", mean, wanted.mean_at_least, mean >= wanted.mean_at_least);
  }
  if (wanted.each_at_least > 0) {
    tell("each size at least", least->ratio, wanted.each_at_least,
         least->ratio >= wanted.each_at_least, &*least);
  }
  if (wanted.each_at_most < no_limit) {
    tell("each size at most", most->ratio, wanted.each_at_most,
         most->ratio <= wanted.each_at_most, &*most);
  }
}

std::vector<point> against_raw(const results& in, const char* name, std::size_t up_to) {
  std::vector<point> points;
  for (const std::size_t bytes : in.sizes(activity::round_trip, 1)) {
    if (bytes > up_to) continue;
    const auto us = in.best(in.system(name), {activity::round_trip, 1, bytes});
    if (us) points.push_back({bytes, in.over_raw(*us).median, "the raw round trip"});
  }
  return points;
}

template <class Admits>
std::vector<point> against_peers(const results& in, const char* name, activity what,
                                 unsigned producers, Admits admits) {
  std::vector<point> points;
  for (const std::size_t bytes : in.sizes(what, producers)) {
    const auto found = strongest_rival(in, in.system(name), {what, producers, bytes}, admits);
    if (found) points.push_back({bytes, found->ratio.median, found->peer->name});
  }
  return points;
}

}  // namespace

std::vector<verdict> judge(const results& of) {
  std::vector<verdict> all;
  for (const char* name : {"annulus spsc", "annulus spsc, processes"}) {
    add(all, fmt::format("{}, round trip over raw, up to 48 bytes", name),
        against_raw(of, name, 48), {.each_at_most = 1.25});
  }
  add(all, "annulus spsc, throughput over the best in-process peer",
      against_peers(of, "annulus spsc", activity::throughput, 1, is_in_process),
      {.mean_at_least = 1.3, .each_at_least = 0.95});
  for (unsigned producers = 1; producers <= 4; ++producers) {
    add(all,
        fmt::format("annulus mpsc, {} producer{}, throughput over the best peer that keeps order",
                    producers, producers == 1 ? "" : "s"),
        against_peers(of, "annulus mpsc", activity::many_producers, producers, keeps_order),
        {.mean_at_least = 1.2});
  }
  const auto is_boost_mq = [](const traits& t) {
    return std::string_view(t.name) == "boost message_queue";
  };
  add(all, "annulus spsc, processes, throughput over boost message_queue",
      against_peers(of, "annulus spsc, processes", activity::throughput, 1, is_boost_mq),
      {.mean_at_least = 50});
  return all;
}

}  // namespace annulus::bench
