// How a command ends: stable numbers for scripts, and the error that carries one up to main.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include <annulus/channel/result.hpp>

namespace annulus::cli {

enum class exit_code : int {
  ok = 0,
  failure = 1,    // anything without a number of its own: the system refused, input that never fits
  usage = 2,      // the command line makes no sense
  not_found = 3,  // no such channel or file
  refused = 4,    // the name or the role is taken by someone alive, or a right is missing
  peer_gone = 5,  // the other side died, gave up or closed before the end
  damaged = 6,    // a damaged channel, damaged records, or input cut off in the middle of a frame
  timed_out = 7,  // --timeout has passed
  full = 8,       // --on-full refuse, and there was no room
  removed = 9,    // the channel's name went away under us
};                // and 128 + n after signal n

struct command_error {
  exit_code code;
  std::string message;
};

// The command ends with this code and message.
template <class... T>
[[noreturn]] void end_with(exit_code code, fmt::format_string<T...> form, T&&... values) {
  throw command_error{code, fmt::format(form, std::forward<T>(values)...)};
}
// With the code and the message of a failure, behind the name of what failed if there is one.
[[noreturn]] void end_with(const failure& why, const std::string& of = {});
[[nodiscard]] exit_code code_of(fault kind) noexcept;

// The value, or the command ends with the failure.
template <class T>
[[nodiscard]] T must(result<T> r) {
  if (!r) end_with(r.error());
  return std::move(r).value();
}

// What --help tells of them.
extern const char* const exit_codes_help;

}  // namespace annulus::cli
