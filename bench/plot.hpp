// Pictures of curves, drawn by gnuplot.
#pragma once

#include <string>
#include <vector>

namespace annulus::bench {

struct curve {
  std::string title;
  std::string rows;  // "x y\n", or "x y low high\n"
  bool is_ours = false;
};

struct picture {
  std::string file;  // of the SVG, without its directory
  std::string title;
  std::string x;
  std::string y;
  std::vector<curve> curves{};
  std::string more{};        // further commands of gnuplot
  bool has_spreads = false;  // the rows have low and high
};

// Draws the pictures that have points into the directory. Returns why it could not; empty: it did.
[[nodiscard]] std::string draw(const std::vector<picture>& pictures, const std::string& directory);

}  // namespace annulus::bench
