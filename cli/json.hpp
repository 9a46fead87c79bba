// JSON, as the command prints it.
#pragma once

#include "cli/console.hpp"
#include <nlohmann/json.hpp>

namespace annulus::cli {

using json = nlohmann::ordered_json;

// To standard output, in ASCII: what is no UTF-8 is replaced, control characters are escaped.
// `indent` -1: on one line.
inline void print_json(const json& all, int indent) {
  print_text(all.dump(indent, ' ', true, json::error_handler_t::replace) + '\n');
}

}  // namespace annulus::cli
