// Rows of cells under a head, each column as wide as its widest cell.
#pragma once

#include <string>
#include <vector>

namespace annulus::compare {

class table {
 public:
  using row = std::vector<std::string>;

  explicit table(row head) { rows_.push_back(std::move(head)); }
  void add(row cells) { rows_.push_back(std::move(cells)); }
  // The first column to the left, the others to the right.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<row> rows_;
};

}  // namespace annulus::compare
