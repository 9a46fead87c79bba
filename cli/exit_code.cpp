#include "cli/exit_code.hpp"

namespace annulus::cli {

const char* const exit_codes_help =
    "Exit codes:\n"
    "  0  all went well\n"
    "  1  it failed: the message on stderr says why\n"
    "  2  the command line makes no sense\n"
    "  3  no such channel or file\n"
    "  4  in use by someone alive, taken already, or not permitted\n"
    "  5  the other side died, gave up or closed before the end: the stream is incomplete\n"
    "  6  damage: a channel, records that were skipped, or input cut off within a frame\n"
    "  7  --timeout has passed\n"
    "  8  no room, and --on-full was refuse\n"
    "  9  the channel was removed or renamed meanwhile: nobody else finds it any more\n"
    "  128+n  ended by signal n, after closing its role (130: ^C)";

exit_code code_of(fault kind) noexcept {
  switch (kind) {
    case fault::bad_argument: return exit_code::usage;
    case fault::not_found: return exit_code::not_found;
    case fault::already_exists:
    case fault::in_use:
    case fault::no_permission: return exit_code::refused;
    case fault::not_a_channel:
    case fault::damaged: return exit_code::damaged;
    case fault::no_space:
    case fault::incompatible:
    case fault::system: break;
  }
  return exit_code::failure;
}

void end_with(const failure& why, const std::string& of) {
  throw command_error{code_of(why.kind), of.empty() ? why.message : of + ": " + why.message};
}

}  // namespace annulus::cli
