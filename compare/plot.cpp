#include "compare/report.hpp"
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

namespace annulus::compare {
namespace {

constexpr const char* setup =
    "set terminal svg size 960,600 background 'white'\nset grid\nset key outside right\n"
    "set logscale xy\n";

// One curve for each transport that `points` has something of.
template <class Points>
std::string curves(const report& of, Points points) {
  std::string data, plots;
  for (std::size_t i = 0; i < of.drawn.size(); ++i) {
    const std::string rows = points(i);
    if (rows.empty()) continue;
    data += fmt::format("$d{} << EOD\n{}EOD\n", i, rows);
    plots +=
        fmt::format("{}$d{} with linespoints title '{}' lw {} pt 7 ps 0.4",
                    plots.empty() ? "" : ", ", i, of.drawn[i].name, of.drawn[i].is_ours ? 2 : 1);
  }
  return plots.empty() ? "" : data + "plot " + plots + "\nunset output\n";
}

// How many in so many messages took longer: the tail takes the room that it deserves.
std::string latency(const report& of, const std::string& directory) {
  const auto all = curves(of, [&](std::size_t i) {
    const auto& sorted = of.measured.all[i].latencies;
    std::string rows;
    if (sorted.empty()) return rows;
    for (double beyond = 1; beyond <= static_cast<double>(sorted.size()); beyond *= 1.3) {
      const double us = quantile_of_sorted(std::span(sorted), 1 - 1 / beyond) / 1000;
      rows += fmt::format("{} {}\n", beyond, std::max(us, 0.01));
    }
    return rows;
  });
  if (all.empty()) return "";
  return fmt::format(
      "set output '{}/latency.svg'\nset title 'Latency, open loop at {:.0f} messages a second'\n"
      "set xlabel 'one in so many messages takes longer'\nset ylabel 'microseconds'\n"
      "set xtics ('p0' 1, 'p50' 2, 'p90' 10, 'p99' 100, 'p99.9' 1000, 'p99.99' 10000, 'p99.999' "
      "100000)\n{}",
      directory, of.measured.how.rate, all);
}

std::string throughput(const report& of, const std::string& directory) {
  const auto all = curves(of, [&](std::size_t i) {
    std::string rows;
    for (const auto& [bytes, rate] : of.drawn[i].rates_by_size) {
      rows += fmt::format("{} {}\n", bytes, rate.median);
    }
    return rows;
  });
  if (all.empty()) return "";
  return fmt::format(
      "set output '{}/throughput.svg'\nset title 'Throughput, one message at a time'\n"
      "set xlabel 'message, bytes'\nset ylabel 'messages a second'\nset xtics autofreq\n{}",
      directory, all);
}

}  // namespace

std::string plot(const report& of, const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return fmt::format("cannot make {}: {}", directory, error.message());
  const auto text = setup + latency(of, directory) + throughput(of, directory);
  std::FILE* const gnuplot = popen("gnuplot 2>&1", "w");
  if (gnuplot == nullptr) return "gnuplot cannot be started";
  std::fwrite(text.data(), 1, text.size(), gnuplot);
  if (pclose(gnuplot) != 0) return "gnuplot failed; install gnuplot-nox for the plots";
  return "";
}

}  // namespace annulus::compare
