#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/options.hpp"
#include "cli/signals.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <exception>
#include <sstream>
#include <string>
#include <vector>

#include <annulus/channel/directory.hpp>

namespace annulus::cli {
namespace {

constexpr const char* examples =
    "Examples:\n"
    "  annulus send shm:x <file &  annulus recv shm:x | sha256sum\n"
    "      a file from process to process; the ring comes and goes with them\n"
    "  annulus send pipe:x <file &  annulus recv pipe:x | sha256sum\n"
    "      the same over a named pipe, where shared memory cannot go\n"
    "  annulus create shm:log --capacity 16MiB --mpsc\n"
    "  tail -f app.log | annulus send shm:log --lines &\n"
    "  annulus recv shm:log --lines\n"
    "      many producers, one consumer, a ring that stays\n"
    "  annulus stat shm:log --watch\n"
    "      who is attached, how much waits, who blocks and since when\n"
    "  annulus fsck shm:log || annulus dump shm:log\n"
    "      what a ring holds that nobody uses, and whether it is whole\n";

constexpr const char* endpoints_help =
    "\n"
    "shm:NAME is a ring, pipe:NAME a named pipe. auto:NAME leads to one of them, by the needs of\n"
    "the first to open it, say auto:x?latency=50us; both sides meet there.\n"
    "A size is written 4096, 32KiB, 1MiB, 2G; a time 250ms, 1.5s, 2m.\n"
    "\n";

// The same for each: it stands for the variable.
void add_directory(CLI::App& command) {
  const auto help = fmt::format(
      "where channels without a path live, the same for both sides (default: {}, else /dev/shm, "
      "else /tmp)",
      files::directory_variable);
  add_text(command, "--dir", "DIRECTORY", say_directory, help)->check([](const std::string& path) {
    return path.empty() ? "a directory has a name" : "";
  });
}

void describe(CLI::App& app) {
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "Show every subcommand's help");
  app.set_version_flag("--version", "annulus " ANNULUS_VERSION " (" ANNULUS_BUILD ")");
  app.footer(std::string(examples) + measuring_examples + endpoints_help + exit_codes_help);
}

// What CLI11 has to say: help on standard output, an error as a remark.
int told(const CLI::App& app, const CLI::ParseError& e) {
  std::ostringstream help;
  std::ostringstream error;
  if (app.exit(e, help, error) == 0) {
    print_text(help.str());
    return 0;
  }
  remark("{}", e.what());
  remark("see annulus --help, annulus COMMAND --help");
  return static_cast<int>(exit_code::usage);
}

// CLI11 would only say that a subcommand is required.
void require_known(const CLI::App& app, int argc, const char* const* argv) {
  if (argc < 2 || argv[1][0] == '-') return;
  std::vector<std::string> names;
  for (const auto* one : app.get_subcommands({})) {
    if (one->get_name() == argv[1]) return;
    names.push_back(one->get_name());
  }
  end_with(exit_code::usage, "there is no subcommand '{}'; there are {}", argv[1],
           fmt::join(names, ", "));
}

constexpr std::size_t widest_help = 92;  // columns

// Wraps what an option does: no line of --help is wider than that.
class narrow : public CLI::Formatter {
 public:
  [[nodiscard]] std::string make_option_desc(const CLI::Option* of) const override {
    auto text = of->get_description();
    const std::size_t most = widest_help - 2 - get_column_width();  // --help-all indents by 2
    for (std::size_t begin = 0; text.size() - begin > most;) {
      const auto end = text.rfind(' ', begin + most);
      if (end == std::string::npos || end < begin) break;
      text[end] = '\n';
      begin = end + 1;
    }
    return text;
  }
};

int dispatch(int argc, const char* const* argv) {
  CLI::App app("Messages between processes through a ring in shared memory, or a named pipe.",
               "annulus");
  exit_code ends_with = exit_code::ok;
  app.formatter(std::make_shared<narrow>());
  describe(app);
  for (subcommand* const add :
       {add_create, add_send, add_recv, add_stat, add_recover, add_remove, add_dump, add_fsck,
        add_bench, add_compare, add_gateway, add_choose}) {
    add(app, ends_with);
  }
  for (auto* const one : app.get_subcommands({})) add_directory(*one);
  require_known(app, argc, argv);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return told(app, e);
  }
  return static_cast<int>(ends_with);
}

}  // namespace

int run(int argc, const char* const* argv) {
  heed_signals();
  int code = static_cast<int>(exit_code::failure);
  try {
    code = dispatch(argc, argv);
  } catch (const command_error& e) {
    remark("{}", e.message);
    code = static_cast<int>(e.code);
  } catch (const stopped&) {
    code = 128 + stop_signal();
  } catch (const std::bad_alloc&) {
    remark("out of memory");
  } catch (const std::exception& e) {
    remark("{}", e.what());
  }
  if (!is_stdout_whole()) {
    remark("cannot write to standard output: what was said there is not whole");
    if (code == 0) code = static_cast<int>(exit_code::failure);
  }
  return code;
}

}  // namespace annulus::cli
