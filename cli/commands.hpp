// The subcommands: each adds itself to the command line and, when it is the one, runs.
#pragma once

#include "cli/exit_code.hpp"
#include <CLI/CLI.hpp>

namespace annulus::cli {

void add_create(CLI::App& app, exit_code& ends_with);
void add_send(CLI::App& app, exit_code& ends_with);
void add_recv(CLI::App& app, exit_code& ends_with);
void add_stat(CLI::App& app, exit_code& ends_with);
void add_recover(CLI::App& app, exit_code& ends_with);
void add_remove(CLI::App& app, exit_code& ends_with);
void add_dump(CLI::App& app, exit_code& ends_with);
void add_fsck(CLI::App& app, exit_code& ends_with);
void add_bench(CLI::App& app, exit_code& ends_with);
void add_compare(CLI::App& app, exit_code& ends_with);
void add_gateway(CLI::App& app, exit_code& ends_with);
void add_choose(CLI::App& app, exit_code& ends_with);

// Examples of the two that measure, which not every system has.
extern const char* const measuring_examples;

// The whole command; what main() returns.
[[nodiscard]] int run(int argc, const char* const* argv);

}  // namespace annulus::cli
