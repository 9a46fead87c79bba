// There is no bench and no compare here: what measures is of Linux.
#include "cli/commands.hpp"

namespace annulus::cli {

void add_bench(CLI::App&, exit_code&) {}
void add_compare(CLI::App&, exit_code&) {}

const char* const measuring_examples = "";

}  // namespace annulus::cli
