#include "bench/verdicts.hpp"

#include "bench/targets.hpp"
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace annulus::bench {
namespace {

// Rates have lower limits, times upper ones.
struct ratio_limits {
  double mean = 0;                     // geometric, at least
  limit each{};                        // at each size
  std::size_t from = 0, up_to = 4096;  // bytes
};

// Ratios of `ours` to the best of the field.
struct ratio_target {
  const char* ours;
  experiment what;
  field against;  // no `counts`: the raw round trip
  ratio_limits wanted;
  unsigned producers = 1;
};

std::vector<ratio_target> ratio_targets() {
  using enum experiment;
  const field raw{"the raw round trip", nullptr}, bare = only("bare write and read");
  const char* const spsc = "annulus spsc";
  const char* const claims = "annulus spsc, claims";
  const char* const shared = "annulus spsc, processes";
  const char* const name = "annulus by name";
  constexpr double same = 1 / 1.05;
  std::vector<ratio_target> all{
      {spsc, round_trip, raw, {.each = {.at_most = 1.25}, .up_to = 48}},
      {shared, round_trip, raw, {.each = {.at_most = 1.25}, .up_to = 48}},
      {spsc, round_trip, peers_in_process(), {.each = {.at_most = 1.05}, .up_to = 512}},
      {spsc, round_trip, peers_in_process(), {.each = {.at_most = 1.15}, .from = 513}},
      {spsc, per_message, peers_in_process(), {.mean = 1.5, .each = {.at_least = 1}}},
      {spsc, drained, peers_in_process(), {.mean = 1.5, .each = {.at_least = 1}}},
      {claims, drained, peers_in_process(), {.each = {.at_least = 1.5}}},
      {spsc, bursts, peers_in_process(), {.each = {.at_most = 1.1}}},
      {shared, drained, only("Boost message_queue"), {.mean = 50}},
      {name, drained, only(spsc), {.each = {.at_least = same}}},
      {"annulus by name, claims", drained, only(claims), {.each = {.at_least = same}}},
      {"annulus through a gateway", batches, only(name), {.each = {.at_least = 0.5}}},
      {"annulus pipe", drained, bare, {.each = {.at_least = 0.9}, .from = 128, .up_to = 128}},
      {"annulus pipe", batches, bare, {.each = {.at_least = 5}}},
  };
  for (unsigned producers = 1; producers <= 4; ++producers) {
    const char* const mpsc = "annulus mpsc";
    all.push_back({mpsc, many_producers, peers_that_keep_order(), {.mean = 1.2}, producers});
    all.push_back(
        {mpsc, many_producers, only("ConcurrentQueue"), {.each = {.at_least = 1}}, producers});
  }
  return all;
}

// A ratio, at one message size.
struct point {
  std::size_t bytes;
  double ratio;
  std::string against;
};

std::vector<point> points_of(const results& in, const ratio_target& t) {
  std::vector<point> points;
  for (const auto bytes : in.sizes(t.what, t.producers)) {
    const group at{t.what, t.producers, bytes};
    if (bytes < t.wanted.from || bytes > t.wanted.up_to) continue;
    if (t.against.counts) {
      const auto found = in.best_rival(t.ours, at, t.against.counts);
      if (found) points.push_back({bytes, found->ratio.median, found->peer->name});
    } else if (const auto us = in.best(t.ours, at)) {
      points.push_back({bytes, in.over_raw(*us).median, t.against.name});
    }
  }
  return points;
}

verdict verdict_on(const ratio_target& of, const char* what, double found, double limit,
                   const std::string& where, bool is_met) {
  const auto shortfall =
      is_met ? "met" : fmt::format("missed by {:.0f} %", 100 * std::abs(found / limit - 1));
  const auto producers =
      of.what == experiment::many_producers ? fmt::format(", {} of them", of.producers) : "";
  return {fmt::format("{}, {}{}, over {}: {} {:.2f}", of.ours, to_string(of.what), producers,
                      of.against.name, what, limit),
          fmt::format("{:.2f} {}: {}", found, where, shortfall), is_met};
}

}  // namespace

field peers_in_process() {
  return {"the best in-process peer",
          [](const system& s) { return !s.is_ours && s.sides == where::threads; }};
}
field peers_that_keep_order() {
  return {"the best peer that keeps order",
          [](const system& s) { return !s.is_ours && s.keeps_order_of_all; }};
}
field only(const char* name) {
  return {name, [name](const system& s) { return s.name == name; }};
}

std::vector<verdict> judge(const results& of) {
  std::vector<verdict> all;
  for (const auto& one : ratio_targets()) {
    const auto points = points_of(of, one);
    if (points.empty()) continue;
    std::vector<double> ratios;
    for (const auto& at : points) ratios.push_back(at.ratio);
    const auto [least, most] = std::ranges::minmax_element(points, {}, &point::ratio);
    const auto place = [](const point& p) {
      return fmt::format("at {} bytes against {}", p.bytes, p.against);
    };
    const auto add = [&](const char* what, double found, double wanted, const std::string& where,
                         const limit& by) {
      all.push_back(verdict_on(one, what, found, wanted, where, by.is_met(found)));
    };
    const auto& [mean, each, from, up_to] = one.wanted;
    if (mean > 0) {
      add("geometric mean at least", geometric_mean(ratios), mean,
          fmt::format("over {} sizes", points.size()), {.at_least = mean});
    }
    if (each.at_least > 0) {
      add("each size at least", least->ratio, each.at_least, place(*least), each);
    }
    if (each.at_most < limit().at_most) {
      add("each size at most", most->ratio, each.at_most, place(*most), each);
    }
  }
  return all;
}

}  // namespace annulus::bench
