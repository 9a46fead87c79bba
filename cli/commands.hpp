// The subcommands: each adds itself to the command line and, when it is the one, runs.
#pragma once

#include "cli/exit_code.hpp"
#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <type_traits>

namespace annulus::cli {

using subcommand = void(CLI::App& app, exit_code& ends_with);

subcommand add_create, add_send, add_recv, add_stat, add_recover, add_remove, add_dump, add_fsck,
    add_bench, add_compare, add_gateway, add_choose;

// A subcommand, with what its --help ends with.
inline CLI::App& add_command(CLI::App& app, const char* name, const char* what,
                             const std::string& footer) {
  auto& command = *app.add_subcommand(name, what);
  command.footer(footer);
  return command;
}
// What it is asked: its options are read into this. If it is the one, `run` does that; `Result` is
// how it ends, or void.
template <class Result, class Options>
Options& options_of(CLI::App& command, exit_code& ends_with, Result run(const Options&)) {
  const auto asked = std::make_shared<Options>();
  command.callback([&, asked, run] {
    if constexpr (std::is_void_v<Result>)
      run(*asked);
    else
      ends_with = run(*asked);
  });
  return *asked;
}

// Examples of the two that measure, which not every system has.
extern const char* const measuring_examples;

// The whole command; what main() returns.
[[nodiscard]] int run(int argc, const char* const* argv);

}  // namespace annulus::cli
