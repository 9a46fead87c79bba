#include "cli/options.hpp"

#include "cli/endpoint_name.hpp"
#include "cli/text.hpp"
#include <fmt/format.h>

namespace annulus::cli {

CLI::Option* add_endpoint(CLI::App& command, std::string& name) {
  return command
      .add_option_function<std::string>(
          "endpoint", [&name](const std::string& text) { name = segment_name(text); },
          "the ring, shm:NAME")
      ->type_name("shm:NAME");
}

CLI::Option* add_size(CLI::App& command, const std::string& flag, std::uint64_t& bytes,
                      const std::string& help) {
  return command
      .add_option_function<std::string>(
          flag,
          [flag, &bytes](const std::string& text) {
            const auto parsed = parse_bytes(text);
            if (!parsed) {
              throw CLI::ValidationError(
                  flag, fmt::format("'{}' is no size; write 4096, 32KiB, 1MiB or 2G", text));
            }
            bytes = *parsed;
          },
          help)
      ->type_name("SIZE");
}

CLI::Option* add_span(CLI::App& command, const std::string& flag,
                      std::optional<std::chrono::nanoseconds>& span, const std::string& help) {
  return command
      .add_option_function<std::string>(
          flag,
          [flag, &span](const std::string& text) {
            span = parse_span(text);
            if (!span) {
              throw CLI::ValidationError(
                  flag, fmt::format("'{}' is no time; write 250ms, 1.5s, 2m or 1h", text));
            }
          },
          help)
      ->type_name("TIME");
}

void add_topology(CLI::App& command, std::optional<topology>& asked) {
  command
      .add_option_function<std::string>(
          "--topology",
          [&asked](const std::string& text) {
            asked = text == "mpsc" ? topology::mpsc : topology::spsc;
          },
          "one producer, or many")
      ->check(CLI::IsMember({"spsc", "mpsc"}))
      ->type_name("spsc|mpsc");
}

void add_waiting(CLI::App& command, waiting& how) {
  command
      .add_option_function<std::string>(
          "--wait",
          [&how](const std::string& text) {
            how.how = text == "spin"    ? waiting::kind::spin
                      : text == "yield" ? waiting::kind::yield
                      : text == "nap"   ? waiting::kind::nap
                                        : waiting::kind::block;
          },
          "spin keeps a core busy and is quickest, block sleeps until it is woken, nap looks once "
          "a millisecond and is cheapest (default: block)")
      ->check(CLI::IsMember({"spin", "yield", "block", "nap"}))
      ->type_name("spin|yield|block|nap");
}

const char* to_string(topology t) noexcept { return t == topology::spsc ? "spsc" : "mpsc"; }
const char* to_string(integrity i) noexcept {
  return i == integrity::structure ? "structure" : "crc32c";
}
}  // namespace annulus::cli
