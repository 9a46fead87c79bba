#include "cli/commands.hpp"

int main(int argc, char** argv) { return annulus::cli::run(argc, argv); }
