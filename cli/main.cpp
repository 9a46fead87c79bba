#include "cli/commands.hpp"
#include "cli/console.hpp"

int main(int argc, char** argv) {
  annulus::cli::occupy_standard_streams();
  return annulus::cli::run(argc, argv);
}
