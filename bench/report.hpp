// What a measurement found: for people, for programs, as pictures.
#pragma once

#include "bench/json.hpp"
#include "bench/machine.hpp"
#include "bench/plot.hpp"
#include "bench/table.hpp"

#include <string>
#include <vector>

namespace annulus::bench {

struct section {
  std::string title;
  std::string note;  // what a reader has to know beside the title; may be empty
  table figures;
};

struct report {
  facts machine;
  std::vector<section> sections;
  std::string remarks;  // lines behind the tables
  json data;            // behind the facts
  std::vector<picture> pictures;

  // A table without rows is left out.
  void add(std::string title, std::string note, table figures);
};

[[nodiscard]] std::string as_text(const report& of);
// Markdown that also reads well in a terminal.
[[nodiscard]] std::string as_markdown(const report& of);
[[nodiscard]] std::string as_json(const report& of);

}  // namespace annulus::bench
