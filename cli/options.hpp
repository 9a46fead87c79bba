// Options that several subcommands share.
#pragma once

#include "bench/from_to.hpp"
#include "cli/endpoint.hpp"
#include <CLI/CLI.hpp>

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <annulus/channel/waiting.hpp>
#include <annulus/ring/segment.hpp>

namespace annulus::cli {

// An option whose text `take` reads. It throws CLI::ValidationError where that makes no sense.
CLI::Option* add_text(CLI::App& command, const std::string& flag, const std::string& type,
                      const std::function<void(const std::string&)>& take, const std::string& help);

// The endpoint that a subcommand is about.
CLI::Option* add_endpoint(CLI::App& command, named_endpoint& name);
// What the endpoint's name may say as well: --max-message and max_message=.
CLI::Option* add_said(CLI::App& command, const std::string& flag, const std::string& type,
                      named_endpoint& name, const std::string& help);
// How this role of the endpoint waits.
void add_waiting(CLI::App& command, named_endpoint& name);

// For check(): why it is no size; empty: it is one.
[[nodiscard]] std::string is_no_size(const std::string& text);
CLI::Option* add_size(CLI::App& command, const std::string& flag, std::uint64_t& bytes,
                      const std::string& help);
// Throws CLI::ValidationError for what is no whole number, or not within the limits.
[[nodiscard]] std::uint64_t read_number(const std::string& flag, const std::string& text,
                                        std::uint64_t least, std::uint64_t most);
template <class T>
CLI::Option* add_number(CLI::App& command, const std::string& flag, T& number, std::uint64_t least,
                        std::uint64_t most, const std::string& help) {
  const auto take = [flag, &number, least, most](const std::string& text) {
    number = static_cast<T>(read_number(flag, text, least, most));
  };
  return add_text(command, flag, "N", take, help);
}
using bench::from_to;  // for a number with a fraction
// One of several words.
CLI::Option* add_choice(CLI::App& command, const std::string& flag,
                        const std::vector<std::string>& words,
                        const std::function<void(const std::string&)>& take,
                        const std::string& help);
CLI::Option* add_span(CLI::App& command, const std::string& flag, time_limit& span,
                      const std::string& help);
// --file
void add_file(CLI::App& command, std::string& path, const std::string& help);
void add_topology(CLI::App& command, std::optional<topology>& asked);
void add_waiting(CLI::App& command, waiting& how);

// How a message lies in a byte stream.
enum class framing : std::uint8_t { bytes, lines, frames };

// A byte stream that goes through a channel, or through a stream on another machine.
struct transfer_options {
  static constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

  std::string path;  // empty: a standard stream
  framing how = framing::bytes;
  std::uint64_t chunk = 0;         // bytes of a message that is sent; 0: 32 KiB, or what fits
  std::uint64_t count = no_limit;  // messages that are received
  time_limit timeout;
  bool shows_progress = false;
};
// --lines and --frames.
void add_framing(CLI::App& command, framing& how, const std::string& lines,
                 const std::string& frames);

}  // namespace annulus::cli
