#include "cli/commands.hpp"
#include "cli/options.hpp"
#include <fmt/format.h>

#include <memory>

namespace annulus::cli {

void add_remove(CLI::App& app, exit_code&) {
  struct remove_options {
    std::string name;
    bool is_forced = false;
  };
  auto o = std::make_shared<remove_options>();
  auto* command = app.add_subcommand("remove", "Take a ring away, with all that is in it");
  add_endpoint(*command, o->name)->required();
  command->add_flag("--force", o->is_forced,
                    "even while someone is attached (they go on, on their own), or damaged");
  command->callback([o] {
    static_cast<void>(must(segment::remove(o->name, o->is_forced)));
    fmt::print("removed shm:{}\n", o->name);
  });
}

}  // namespace annulus::cli
