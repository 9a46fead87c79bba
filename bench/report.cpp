#include "bench/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace annulus::bench {
namespace {

constexpr const char* nothing = "-";

const json& value_at(const json& of, const std::string& pointer) {
  static const json none;
  const json::json_pointer at(pointer);
  return of.contains(at) ? of.at(at) : none;
}

}  // namespace

std::optional<double> number_at(const json& of, const std::string& pointer) {
  const auto& found = value_at(of, pointer);
  return found.is_number() ? std::optional(found.get<double>()) : std::nullopt;
}

column text_column(std::string head, const std::string& pointer) {
  return {std::move(head), [pointer](const json& of) {
            const auto& found = value_at(of, pointer);
            return found.is_string() ? found.get<std::string>() : nothing;
          }};
}

column number_column(std::string head, const std::string& pointer, std::string (*show)(double)) {
  return {std::move(head), [pointer, show](const json& of) {
            const auto found = number_at(of, pointer);
            return found ? show(*found) : nothing;
          }};
}

column spread_column(std::string head, const std::string& pointer, std::string (*show)(double)) {
  return {std::move(head), [pointer, show](const json& of) -> std::string {
            const auto low = number_at(of, pointer + "/low");
            if (!low) return nothing;
            return fmt::format("{} ({}-{})", show(*number_at(of, pointer + "/median")), show(*low),
                               show(*number_at(of, pointer + "/high")));
          }};
}

std::string whole(double n) { return fmt::format("{:.0f}", n); }
std::string hundredths(double n) { return fmt::format("{:.2f}", n); }

table table_of(const json& rows, const std::vector<column>& columns) {
  table::row head;
  for (const auto& one : columns) head.push_back(one.head);
  table all(std::move(head));
  for (const auto& of : rows) {
    table::row cells;
    for (const auto& one : columns) cells.push_back(one.cell(of));
    const auto is_shown = [](const std::string& cell) { return cell != nothing; };
    if (std::any_of(cells.begin() + 1, cells.end(), is_shown)) all.add(std::move(cells));
  }
  return all;
}

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
