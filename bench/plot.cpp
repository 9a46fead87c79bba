#include "bench/plot.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <system_error>

namespace annulus::bench {
namespace {

std::string commands(const picture& of, const std::string& directory, std::size_t number) {
  std::string data, plots;
  for (std::size_t i = 0; i < of.curves.size(); ++i) {
    const auto& one = of.curves[i];
    if (one.rows.empty()) continue;
    data += fmt::format("$d{}_{} << EOD\n{}EOD\n", number, i, one.rows);
    plots += fmt::format(
        "{}$d{}_{} with {} title '{}' lw {} pt 7 ps 0.4", plots.empty() ? "" : ", ", number, i,
        of.has_spreads ? "yerrorlines" : "linespoints", one.title, one.is_ours ? 2 : 1);
  }
  if (plots.empty()) return "";
  return fmt::format(
      "{}set output '{}/{}'\nset title '{}'\nset xlabel '{}'\nset ylabel '{}'\nset xtics autofreq\n"
      "{}\nplot {}\nunset output\n",
      data, directory, of.file, of.title, of.x, of.y, of.more, plots);
}

}  // namespace

std::string draw(const std::vector<picture>& pictures, const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return fmt::format("cannot make {}: {}", directory, error.message());
  std::string text =
      "set terminal svg size 960,600 background 'white'\nset grid\nset key outside right\n"
      "set logscale xy\n";
  for (std::size_t i = 0; i < pictures.size(); ++i) text += commands(pictures[i], directory, i);
  std::FILE* const gnuplot = popen("gnuplot 2>&1", "w");
  if (gnuplot == nullptr) return "gnuplot cannot be started";
  std::fwrite(text.data(), 1, text.size(), gnuplot);
  if (pclose(gnuplot) != 0) return "gnuplot failed; install gnuplot-nox for the plots";
  return "";
}

}  // namespace annulus::bench
