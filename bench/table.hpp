// Rows of cells under a head, each column as wide as its widest cell.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace annulus::bench {

class table {
 public:
  using row = std::vector<std::string>;

  explicit table(row head) { rows_.push_back(std::move(head)); }
  void add(row cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] bool has_rows() const noexcept { return rows_.size() > 1; }
  // The first column is aligned to the left, the others to the right.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string markdown() const;

 private:
  // Each row's cells, padded.
  [[nodiscard]] std::vector<row> padded() const;

  std::vector<row> rows_;
};

}  // namespace annulus::bench
