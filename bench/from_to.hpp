// What an option that is a number with a fraction may be.
#pragma once

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <string>

namespace annulus::bench {

// CLI::Range takes nan: it is not less and not more than any.
[[nodiscard]] inline CLI::Validator from_to(double least, double most) {
  return {[least, most](const std::string& text) {
            double number = 0;
            const bool is_number = CLI::detail::lexical_cast(text, number);
            if (is_number && number >= least && number <= most) return std::string();
            return fmt::format("'{}' is no number from {} to {}", text, least, most);
          },
          fmt::format("in [{} - {}]", least, most)};
}

}  // namespace annulus::bench
