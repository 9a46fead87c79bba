// What `annulus bench` and `annulus compare` share: processors to pin to, progress, interruption.
#pragma once

#include "bench/sides.hpp"
#include "cli/console.hpp"
#include "cli/exit_code.hpp"
#include "cli/options.hpp"
#include "cli/signals.hpp"
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <string>
#include <vector>

namespace annulus::cli {

inline bool is_asked_to_stop() { return stop_signal() != 0; }

// The processors to measure on. Throws if one of those that the user wants is not allowed.
inline std::vector<int> processors_from(const std::vector<int>& wanted) {
  const auto allowed = bench::processors::allowed();
  for (const int cpu : wanted) {
    if (std::ranges::find(allowed, cpu) != allowed.end()) continue;
    end_with(exit_code::usage, "processor {} is not ours to use; there are {}", cpu,
             fmt::join(allowed, ", "));
  }
  if (!wanted.empty()) return wanted;
  const auto two = bench::processors::two_cores();
  return two.empty() ? allowed : two;
}

// How long it all takes, and where.
inline CLI::Option* add_seconds(CLI::App& command, double& seconds) {
  return command
      .add_option("--seconds", seconds,
                  fmt::format("how long it all takes, about (default: {})", seconds))
      ->check(from_to(0.1, 86400.0));
}
inline void add_processors(CLI::App& command, std::vector<int>& use) {
  command.add_option("--cpus", use, "processors to pin to, the consumer's first (default: two)")
      ->delimiter(',')
      ->type_name("N,N");
}

// How far a measurement is; on a terminal only.
inline void show_progress(const std::string& where) {
  static const bool is_terminal = isatty(STDERR_FILENO) != 0;
  if (is_terminal) remark_over(where);
}

// Runs a measurement. Throws `stopped` when a signal ended it.
template <class F>
auto measured(F measure) {
  try {
    auto seen = measure();
    show_progress("");
    return seen;
  } catch (const bench::broken_off&) {
    throw stopped{};
  } catch (const std::exception& e) {
    end_with(exit_code::failure, "the measurement broke off: {}", e.what());
  }
}

}  // namespace annulus::cli
