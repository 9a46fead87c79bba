#include "bench/table.hpp"

#include <algorithm>

namespace annulus::bench {
namespace {

// Code points of UTF-8, which are as many columns for the signs that we use.
std::size_t width(const std::string& cell) {
  return static_cast<std::size_t>(
      std::ranges::count_if(cell, [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

std::vector<table::row> table::padded() const {
  std::vector<std::size_t> widths;
  for (const auto& cells : rows_) {
    widths.resize(std::max(widths.size(), cells.size()));
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], width(cells[i]));
  }
  auto out = rows_;
  for (auto& cells : out) {
    cells.resize(widths.size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string gap(widths[i] - width(cells[i]), ' ');
      cells[i] = i == 0 ? cells[i] + gap : gap + cells[i];
    }
  }
  return out;
}

std::string table::text() const {
  std::string out;
  for (const auto& cells : padded()) {
    std::string line;
    for (const auto& cell : cells) line += "  " + cell;
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

std::string table::markdown() const {
  std::string out;
  for (const auto& cells : padded()) {
    std::string line = "|", rule = "|";
    for (const auto& cell : cells) {
      line += " " + cell + " |";
      rule += std::string(width(cell) + 1, '-') + (rule.size() == 1 ? "-|" : ":|");
    }
    out += line + '\n' + (out.empty() ? rule + '\n' : "");
  }
  return out;
}

}  // namespace annulus::bench
