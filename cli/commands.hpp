// The subcommands: each adds itself to the command line and, when it is the one, runs.
#pragma once

#include "cli/exit_code.hpp"
#include <CLI/CLI.hpp>

namespace annulus::cli {

using subcommand = void(CLI::App& app, exit_code& ends_with);

subcommand add_create, add_send, add_recv, add_stat, add_recover, add_remove, add_dump, add_fsck,
    add_bench, add_compare, add_gateway, add_choose;

// Examples of the two that measure, which not every system has.
extern const char* const measuring_examples;

// The whole command; what main() returns.
[[nodiscard]] int run(int argc, const char* const* argv);

}  // namespace annulus::cli
