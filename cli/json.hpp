// JSON, as the command prints it. Text that tells the same is made from it.
#pragma once

#include "cli/console.hpp"
#include <nlohmann/json.hpp>

#include <string>

namespace annulus::cli {

using json = nlohmann::ordered_json;

// To standard output, in ASCII: what is no UTF-8 is replaced, control characters are escaped.
// `indent` -1: on one line.
inline void print_json(const json& all, int indent) {
  print_text(all.dump(indent, ' ', true, json::error_handler_t::replace) + '\n');
}

}  // namespace annulus::cli

// A value in text: a number, or what a string says, shown().
template <>
struct fmt::formatter<annulus::cli::json> : fmt::formatter<std::string> {
  template <class Context>
  auto format(const annulus::cli::json& value, Context& context) const {
    const auto text =
        value.is_string() ? annulus::cli::shown(value.get<std::string>()) : value.dump();
    return fmt::formatter<std::string>::format(text, context);
  }
};
