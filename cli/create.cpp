#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/options.hpp"
#include "cli/place.hpp"
#include "cli/text.hpp"
#include <fmt/format.h>

#include <memory>

#include <annulus/bus/open.hpp>

namespace annulus::cli {
namespace {

struct create_options {
  named_endpoint name;
  std::optional<topology> asked;
  bool huge_pages = false;
  bool reserves = true;
};

void create_ring(const create_options& o, const bus::endpoint& e) {
  auto options = ring_shape(e, {.asked = o.asked});
  options.huge_pages = o.huge_pages;
  options.reserve = o.reserves;
  const auto made = must(segment::create(must(bus::name_of(e)), options));
  const auto& shape = made.geometry();
  print("created shm:{}: {}, capacity {}, messages up to {}, integrity {}, {} ({})\n", e.name,
        to_string(shape.topology), show_bytes(static_cast<double>(shape.capacity)),
        show_bytes(static_cast<double>(shape.max_message)), to_string(shape.integrity),
        shape.producers == 1 ? "1 producer" : fmt::format("{} producers", shape.producers),
        made.path());
}

void create_pipe(const create_options& o, const bus::endpoint& e) {
  if (o.huge_pages || !o.reserves) {
    throw command_error{exit_code::usage,
                        fmt::format("{} has no meaning for {}: it is for memory that is shared",
                                    o.huge_pages ? "--huge-pages" : "--no-reserve", to_string(e))};
  }
  if (e.integrity) {
    throw command_error{
        exit_code::usage,
        fmt::format("integrity has no meaning for {}: the kernel carries the bytes", to_string(e))};
  }
  const auto made =
      must(named_pipe::create(must(bus::name_of(e)), pipe_shape(e, {.asked = o.asked})));
  const auto& shape = made.geometry();
  print(
      "created pipe:{}: capacity {}, of which the kernel grants {}, messages up to {}, {} "
      "({})\n",
      e.name, show_bytes(static_cast<double>(shape.capacity)),
      show_bytes(static_cast<double>(made.kernel_bytes())),
      show_bytes(static_cast<double>(shape.max_message)),
      shape.producers == 1 ? "1 producer" : fmt::format("{} producers", shape.producers),
      made.path());
}

void create(const create_options& o) {
  const auto named = o.name.whole();
  if (!named.creates) {
    throw command_error{exit_code::usage, fmt::format("create=no in {} contradicts what this does",
                                                      to_string(named))};
  }
  const auto e = resolve(named);
  if (e.scheme == bus::scheme::shm) return create_ring(o, e);
  create_pipe(o, e);
}

}  // namespace

void add_create(CLI::App& app, exit_code&) {
  auto o = std::make_shared<create_options>();
  auto* command = app.add_subcommand("create", "Make a ring, or a pipe");
  command->footer(
      "A flag says what an option of the name may say as well: --capacity 1MiB, or\n"
      "shm:x?capacity=1MiB. What they contradict each other in is an error.\n"
      "A channel stays until `annulus remove`. A ring keeps its messages; those in a pipe go with\n"
      "the last who has it open.\n"
      "\n"
      "Examples:\n"
      "  annulus create shm:orders --capacity 64MiB --mpsc --producers 8\n"
      "  annulus create pipe:orders --mode 0660\n"
      "  annulus create 'auto:orders?latency=50us'");
  add_endpoint(*command, o->name)->required();
  add_size(*command, "--capacity", o->name, "capacity",
           "bytes for records, a power of two, 4KiB to 256GiB (default: 1MiB)");
  add_size(*command, "--max-message", o->name, "max_message",
           "the largest message, at most half the capacity (default: that)");
  add_topology(*command, o->asked);
  command
      ->add_flag_function(
          "--mpsc", [o](std::int64_t) { o->asked = topology::mpsc; }, "the same as --topology mpsc")
      ->excludes("--topology");
  const auto says = [o](const char* flag, const char* key) {
    return [o, flag, key](const std::string& text) { o->name.flag(flag, key, text); };
  };
  command
      ->add_option_function<std::string>("--producers", says("--producers", "producers"),
                                         "how many may be attached at once (default: 16 for mpsc)")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  command
      ->add_option_function<std::string>("--integrity", says("--integrity", "integrity"),
                                         "shm: what is checked of each record, its header, or its "
                                         "payload too (default: structure)")
      ->check(CLI::IsMember({"structure", "crc32c"}))
      ->type_name("structure|crc32c");
  command
      ->add_option_function<std::string>("--mode", says("--mode", "mode"),
                                         "the permissions of its files (default: 0600)")
      ->type_name("OCTAL");
  command->add_flag("--huge-pages", o->huge_pages, "shm: ask the kernel for 2 MiB pages");
  command->add_flag_function(
      "--no-reserve", [o](std::int64_t) { o->reserves = false; },
      "shm: take memory only when it is written first");
  command->callback([o] { create(*o); });
}

}  // namespace annulus::cli
