#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/options.hpp"

#include <annulus/bus/channel.hpp>
#include <annulus/bus/rendezvous.hpp>

namespace annulus::cli {
namespace {

struct remove_options {
  named_endpoint name;
  bool is_forced = false;
};

// The channel, its decision, and what its consumer had seen.
void remove_auto(const bus::endpoint& e, bool is_forced) {
  auto decided = bus::decision_of(e);
  const bool was_there = must(bus::remove(e, is_forced));
  if (!decided) {
    print("removed {}: it did not say whether it led to a ring or to a pipe\n", to_string(e));
    return;
  }
  print("removed {}, which led to {}:{}{}\n", to_string(e), to_string(decided->transport), e.name,
        was_there ? "" : " (there was none any more)");
}

void remove(const remove_options& o) {
  const auto e = o.name.whole();
  if (e.transport == bus::transport::automatic) return remove_auto(e, o.is_forced);
  static_cast<void>(must(bus::remove(e, o.is_forced)));
  print("removed {}\n", to_string(e));
}

constexpr const char* footer =
    "auto:NAME is removed with its decision: the next opener decides again.\n"
    "\n"
    "Examples:\n"
    "  annulus remove shm:orders\n"
    "  annulus remove auto:orders --force";

}  // namespace

void add_remove(CLI::App& app, exit_code& ends_with) {
  auto& command = add_command(app, "remove", "Remove a channel and all that is in it", footer);
  auto& o = options_of(command, ends_with, remove);
  add_endpoint(command, o.name)->required();
  command.add_flag(
      "--force", o.is_forced,
      "even while someone is attached (who then ends with 9), damaged, or of another version");
}

}  // namespace annulus::cli
