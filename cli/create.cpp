#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/options.hpp"
#include "cli/snapshot.hpp"
#include "cli/text.hpp"

#include <annulus/bus/newcomer.hpp>

namespace annulus::cli {
namespace {

struct create_options {
  named_endpoint name;
  std::optional<topology> asked;
  bool huge_pages = false;
  bool reserves = true;
};

void show_ring(const std::string& name, const segment& made) {
  const auto& shape = made.geometry();
  print("created shm:{}: {}, {} ({})\n", name, size_of_ring(ring_shape(shape)),
        count_of_producers(shape.producers), made.path());
}

void show_pipe(const std::string& name, const named_pipe& made) {
  const auto& shape = made.geometry();
  print(
      "created pipe:{}: capacity {}, of which the kernel grants {}, messages up to {}, {} "
      "({})\n",
      name, show_bytes(shape.capacity), show_bytes(made.kernel_bytes()),
      show_bytes(shape.max_message), count_of_producers(shape.producers), made.path());
}

// What has no meaning for a pipe.
void check_pipe(const create_options& o, const bus::endpoint& e) {
  if (o.huge_pages || !o.reserves) {
    end_with(exit_code::usage, "{} has no meaning for {}: it is for memory that is shared",
             o.huge_pages ? "--huge-pages" : "--no-reserve", to_string(e));
  }
  if (e.integrity) {
    end_with(exit_code::usage, "integrity has no meaning for {}: the kernel carries the bytes",
             to_string(e));
  }
}

bus::channel made(const create_options& o, const bus::endpoint& e) {
  if (e.transport == bus::transport::pipe) check_pipe(o, e);
  return must(bus::channel::create(
      e, {.topology = o.asked, .huge_pages = o.huge_pages, .reserve = o.reserves}));
}

// A create that fails leaves nothing, unless somebody uses it by now.
void give_up(const bus::newcomer& one) {
  const auto removed = bus::take_back(one);
  remark("{} was made, and {}", one.made.name(),
         !removed   ? "stays: " + removed.error().message
         : *removed ? "is removed again"
                    : "stays, for somebody else uses it by now");
}

void create(const create_options& o) {
  const auto named = o.name.whole();
  if (!named.creates) {
    end_with(exit_code::usage, "create=no in {} contradicts what this does", to_string(named));
  }
  auto led = cli::resolve(named);
  const auto& e = led.where;
  const bus::newcomer one{made_at(led, [&] { return made(o, e); }), led.decided};
  one.made.is_ring() ? show_ring(e.name, one.made.ring()) : show_pipe(e.name, one.made.pipe());
  led.held = {};
  if (!is_stdout_whole()) give_up(one);
}

constexpr const char* footer =
    "A flag says what an option of the name may say as well: --capacity 1MiB, or\n"
    "shm:x?capacity=1MiB. A contradiction between them is an error.\n"
    "A channel stays until `annulus remove`. A ring keeps its messages; those in a pipe go with\n"
    "the last who has it open.\n"
    "\n"
    "Examples:\n"
    "  annulus create shm:orders --capacity 64MiB --mpsc --producers 8\n"
    "  annulus create pipe:orders --mode 0660\n"
    "  annulus create 'auto:orders?latency=50us'";

}  // namespace

void add_create(CLI::App& app, exit_code& ends_with) {
  auto& command = add_command(app, "create", "Make a ring, or a pipe", footer);
  auto& o = options_of(command, ends_with, create);
  add_endpoint(command, o.name)->required();
  add_said(command, "--capacity", "SIZE", o.name,
           "bytes for records, a power of two, 4KiB to 256GiB (default: 1MiB)")
      ->check(is_no_size);
  add_said(command, "--max-message", "SIZE", o.name,
           "the largest message, at most half the capacity (default: that)")
      ->check(is_no_size);
  add_topology(command, o.asked);
  command
      .add_flag_function(
          "--mpsc", [&o](std::int64_t) { o.asked = topology::mpsc; }, "the same as --topology mpsc")
      ->excludes("--topology");
  add_said(command, "--producers", "N", o.name,
           "how many may be attached at once (default: 16 for mpsc)")
      ->check(CLI::Range(1, 1024));
  add_said(command, "--integrity", "structure|crc32c", o.name,
           "shm: what is checked of each record, its header, or its payload too (default: "
           "structure)")
      ->check(CLI::IsMember({"structure", "crc32c"}));
  add_said(command, "--mode", "OCTAL", o.name, "the permissions of its files (default: 0600)");
  command.add_flag("--huge-pages", o.huge_pages, "shm: ask the kernel for 2 MiB pages");
  command.add_flag_function(
      "--no-reserve", [&o](std::int64_t) { o.reserves = false; },
      "shm: take memory only when it is written first");
}

}  // namespace annulus::cli
