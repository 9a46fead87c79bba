#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "report.hpp"

namespace annulus::bench {
namespace {

// One picture: a curve per system over the message sizes.
template <class Value>
std::string script(const results& in, activity what, unsigned producers, const std::string& file,
                   const std::string& title, const std::string& axis, Value value) {
  const auto sizes = in.sizes(what, producers);
  if (sizes.size() < 2) return "";  // no curve
  std::string data, curves;
  unsigned number = 0;
  for (const traits* system : in.systems(what)) {
    const std::string block = fmt::format("$d{}", number++);
    data += block + " << EOD\n";
    for (const std::size_t bytes : sizes) {
      const auto best = in.best(system, {what, producers, bytes});
      if (!best) continue;
      const spread s = value(*best);
      data += fmt::format("{} {} {} {}\n", bytes, s.median, s.low, s.high);
    }
    data += "EOD\n";
    curves += fmt::format("{}{} with yerrorlines title '{}' lw {} dt {}",
                          curves.empty() ? "" : ", ", block, system->name,
                          system->is_annulus ? 2 : 1, system->sides == where::processes ? 2 : 1);
  }
  const char* command = "set output '{}'\nset title '{}'\nset ylabel '{}'\nplot {}\nunset output\n";
  return data + fmt::format(fmt::runtime(command), file, title, axis, curves);
}

}  // namespace

void plot(const std::string& directory, const std::vector<results>& by_distance) {
  std::filesystem::create_directories(directory);
  std::string all =
      "set terminal svg size 960,600 background 'white'\nset logscale xy\nset grid\n"
      "set key outside right\nset xlabel 'message, bytes'\n"
      "set xtics (8,16,32,48,64,128,256,512,1024,2048,4096) rotate by -45\n";
  for (const auto& in : by_distance) {
    const std::string cores = in.is_near() ? "near" : "far";
    const auto rate = [&](std::size_t trial) {
      const spread s = in.values(trial);
      return spread{s.low / 1e6, s.median / 1e6, s.high / 1e6};
    };
    const std::string unit = "million messages per second";
    all += script(in, activity::round_trip, 1, directory + "/round_trip_" + cores + ".svg",
                  "Round trip, cores " + cores, "multiple of the raw round trip",
                  [&](std::size_t trial) { return in.over_raw(trial); });
    all += script(in, activity::throughput, 1, directory + "/throughput_" + cores + ".svg",
                  "Throughput, one producer, cores " + cores, unit, rate);
    for (unsigned producers = 1; producers <= 4; ++producers) {
      all += script(in, activity::many_producers, producers,
                    fmt::format("{}/producers_{}_{}.svg", directory, producers, cores),
                    fmt::format("Throughput, producers: {}, cores {}", producers, cores), unit,
                    rate);
    }
  }
  std::FILE* gnuplot = popen("gnuplot", "w");
  if (gnuplot == nullptr) throw std::runtime_error("gnuplot cannot be started");
  std::fwrite(all.data(), 1, all.size(), gnuplot);
  if (pclose(gnuplot) != 0) throw std::runtime_error("gnuplot failed: is gnuplot-nox installed?");
}

}  // namespace annulus::bench
