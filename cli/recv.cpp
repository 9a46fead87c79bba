// annulus recv: a channel into a byte stream, releasing only what was written out.
#include "cli/commands.hpp"
#include "cli/file.hpp"
#include "cli/options.hpp"
#include "cli/receiver.hpp"
#include "cli/remote.hpp"

namespace annulus::cli {
namespace {

constexpr auto no_limit = transfer_options::no_limit;

struct recv_options : receiver_options {
  named_endpoint from;
};

exit_code recv(const recv_options& o) {
  auto output = file::for_writing(o.path, o.timeout);
  if (const auto stream = o.from.stream()) {
    if (o.producers != 0 || o.survives_death || o.goes_on_for_ever) {
      end_with(exit_code::usage,
               "--producers, --keep and --forever have no meaning for a stream on another "
               "machine, which has no end");
    }
    receive_from(*stream, o, output);
    return exit_code::ok;
  }
  const auto named = for_streams(o.from);
  refuse_files_of(named, output);
  receiver one(o, named, output);
  one.run();
  return one.saw_damage() ? exit_code::damaged : exit_code::ok;
}

constexpr const char* footer =
    "Waits for the channel to be made, reads until every producer has closed and all was read,\n"
    "and then removes it if `send` made it. Messages are written one after the other as they\n"
    "are; --lines ends each with a newline, --frames puts its length (4 bytes, little endian)\n"
    "before it. --file is emptied when the channel can be read, not before. A stream that its\n"
    "sender did not finish, as it was killed, stopped or failed, ends with 5: all that had come\n"
    "is written out, and it is not whole. What was not written out stays for the next recv: in a\n"
    "ring for as long as that takes, in a pipe as long as somebody has it open, as `annulus send`\n"
    "has.\n"
    "nats://HOST:PORT/STREAM is a stream on another machine. It has no end: --count, --timeout\n"
    "or a signal ends it. What was written out is acknowledged; options: gateway --help.\n"
    "\n"
    "Examples:\n"
    "  annulus recv shm:x | sha256sum\n"
    "  annulus recv pipe:x | sha256sum\n"
    "  annulus recv shm:log --lines --forever\n"
    "  annulus recv shm:x --count 1 --timeout 5s || echo nothing came";

}  // namespace

void add_recv(CLI::App& app, exit_code& ends_with) {
  auto& command = add_command(app, "recv", "Receive to standard output, or into a file", footer);
  auto& o = options_of(command, ends_with, recv);
  add_endpoint(command, o.from)->required();
  add_file(command, o.path, "write into this file");
  add_framing(command, o.how, "end each message with a newline",
              "put each message's length before it");
  add_number(command, "--count", o.count, 1, no_limit, "end after so many messages");
  auto* producers = add_number(command, "--producers", o.producers, 1, no_limit,
                               "do not end before so many producers have come (and closed)");
  add_span(
      command, "--timeout", o.timeout,
      "when nothing comes, or nobody reads the FIFO that --file names, for so long: end with 7");
  add_waiting(command, o.from);
  command.add_flag("--keep", o.survives_death,
                   "when a producer dies, wait for the next one, until one closes");
  command
      .add_flag("--forever", o.goes_on_for_ever, "when all have closed, too, wait for the next one")
      ->excludes(producers);
  command.add_flag("--progress", o.shows_progress, "tell on stderr how far it is");
}

}  // namespace annulus::cli
