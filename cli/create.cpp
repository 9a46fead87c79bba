#include "cli/commands.hpp"
#include "cli/options.hpp"
#include "cli/text.hpp"
#include <fmt/format.h>

#include <memory>

namespace annulus::cli {
namespace {

struct create_options {
  std::string name;
  segment_options shape;
  std::optional<topology> asked;
  std::uint32_t producers = 0;
};

void create(create_options& o) {
  if (o.producers > 1 && o.asked == topology::spsc) {
    throw command_error{
        exit_code::usage,
        fmt::format("an spsc ring has one producer, not {}; ask for --mpsc", o.producers)};
  }
  o.shape.topology = o.asked.value_or(o.producers > 1 ? topology::mpsc : topology::spsc);
  if (o.producers > 0) o.shape.producers = o.producers;
  const auto made = must(segment::create(o.name, o.shape));
  const auto& shape = made.geometry();
  fmt::print("created shm:{}: {}, capacity {}, messages up to {}, integrity {}, {} ({})\n", o.name,
             to_string(shape.topology), show_bytes(static_cast<double>(shape.capacity)),
             show_bytes(static_cast<double>(shape.max_message)), to_string(shape.integrity),
             shape.producers == 1 ? "1 producer" : fmt::format("{} producers", shape.producers),
             made.path());
}

unsigned parse_mode(const std::string& text) {
  unsigned mode = 0;
  bool is_octal = !text.empty() && text.size() <= 5;
  for (const char c : text) {
    is_octal &= c >= '0' && c <= '7';
    mode = mode * 8 + static_cast<unsigned>(c - '0');
  }
  if (!is_octal || mode > 0777 || (mode & 0600) != 0600) {
    throw CLI::ValidationError(
        "--mode", fmt::format("'{}' is no mode; write 0600 to 0777, with both of the owner's "
                              "read and write bits",
                              text));
  }
  return mode;
}

}  // namespace

void add_create(CLI::App& app, exit_code&) {
  auto o = std::make_shared<create_options>();
  auto* command = app.add_subcommand("create", "Make a ring");
  command->footer(
      "Example: annulus create shm:orders --capacity 64MiB --mpsc --producers 8\n"
      "The ring stays until `annulus remove shm:orders`.");
  add_endpoint(*command, o->name)->required();
  add_size(*command, "--capacity", o->shape.capacity,
           "bytes for records, a power of two, 4KiB to 256GiB (default: 1MiB)");
  add_size(*command, "--max-message", o->shape.max_message,
           "the largest message, at most half the capacity (default: that)");
  add_topology(*command, o->asked);
  command->add_flag_function(
      "--mpsc", [o](std::int64_t) { o->asked = topology::mpsc; }, "the same as --topology mpsc");
  command
      ->add_option("--producers", o->producers,
                   "how many may be attached at once (default: 16 for mpsc)")
      ->check(CLI::Range(1, 1024));
  command
      ->add_option_function<std::string>(
          "--integrity",
          [o](const std::string& text) {
            o->shape.integrity = text == "crc32c" ? integrity::crc32c : integrity::structure;
          },
          "what is checked of each record: its header, or its payload too (default: structure)")
      ->check(CLI::IsMember({"structure", "crc32c"}))
      ->type_name("structure|crc32c");
  command
      ->add_option_function<std::string>(
          "--mode", [o](const std::string& text) { o->shape.mode = parse_mode(text); },
          "the file's permissions (default: 0600)")
      ->type_name("OCTAL");
  command->add_flag("--huge-pages", o->shape.huge_pages, "ask the kernel for 2 MiB pages");
  command->add_flag_function(
      "--no-reserve", [o](std::int64_t) { o->shape.reserve = false; },
      "take memory only when it is written first");
  command->callback([o] { create(*o); });
}

}  // namespace annulus::cli
