// What a measurement found: for people, for programs, as pictures. Figures are JSON first; a table
// shows some of them.
#pragma once

#include "bench/machine.hpp"
#include "bench/plot.hpp"
#include "bench/statistics.hpp"
#include "bench/table.hpp"
#include <nlohmann/json.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace annulus::bench {

using json = nlohmann::ordered_json;

[[nodiscard]] inline json json_of(const spread& s) {
  return {{"median", s.median}, {"low", s.low}, {"high", s.high}};
}
[[nodiscard]] inline json json_of(const percentiles& p) {
  return {{"p50", p.p50}, {"p95", p.p95}, {"p99", p.p99}, {"p99.9", p.p999}, {"max", p.max}};
}

// The number at a JSON pointer, if there is one.
[[nodiscard]] std::optional<double> number_at(const json& of, const std::string& pointer);

// A column of a table: its head, and its cell in the row that shows this JSON.
struct column {
  std::string head;
  std::function<std::string(const json&)> cell;
};
// A text, and a number, at a JSON pointer. "-": there is none.
[[nodiscard]] column text_column(std::string head, const std::string& pointer);
[[nodiscard]] column number_column(std::string head, const std::string& pointer,
                                   std::string (*show)(double));
// The median of a spread, and its ends in brackets.
[[nodiscard]] column spread_column(std::string head, const std::string& pointer,
                                   std::string (*show)(double));
[[nodiscard]] std::string whole(double n);
[[nodiscard]] std::string hundredths(double n);
// A row for each entry of an array, but for those that would show nothing behind their name.
[[nodiscard]] table table_of(const json& rows, const std::vector<column>& columns);

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
