#include "bench/report.hpp"

#include <fmt/format.h>

#include <utility>

namespace annulus::bench {

void report::add(std::string title, std::string note, table figures) {
  if (figures.has_rows())
    sections.push_back({std::move(title), std::move(note), std::move(figures)});
}

std::string as_text(const report& of) {
  std::string out;
  for (const auto& [name, value] : of.machine) out += fmt::format("{:<20} {}\n", name, value);
  for (const auto& [title, note, figures] : of.sections) {
    out += fmt::format("\n{}\n{}{}", title, note.empty() ? "" : note + "\n", figures.text());
  }
  return out + of.remarks;
}

std::string as_markdown(const report& of) {
  std::string out;
  for (const auto& [name, value] : of.machine) out += fmt::format("- {}: {}\n", name, value);
  for (const auto& [title, note, figures] : of.sections) {
    out += fmt::format("\n### {}\n\n{}{}", title, note.empty() ? "" : note + "\n\n",
                       figures.markdown());
  }
  return out + of.remarks;
}

std::string as_json(const report& of) {
  json all;
  for (const auto& [name, value] : of.machine) all["machine"][name] = value;
  all.update(of.data);
  return all.dump(2) + "\n";
}

}  // namespace annulus::bench
