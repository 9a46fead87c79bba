// What the command says: on standard output, and as remarks on stderr. A stream that cannot be
// written ends nothing by an exception or a signal.
//
// stdout   the stream remembers a failed write, and run() ends with it
// stderr   a remark that cannot be written is dropped. It waits only a moment for a reader that
//          stands still, so that no transfer is held up by its own remark
// Text     names of files and of users, and what other processes wrote, may hold escape sequences:
//          they are shown, and never reach the terminal as they are
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>

namespace annulus::cli {

// Opens each of the descriptors 0, 1 and 2 that is closed, so that no file of a channel gets its
// number: stdin cannot be read then, stdout and stderr cannot be written. First thing in main.
void occupy_standard_streams() noexcept;

// The text with each byte that is not printable UTF-8 as \xNN: control characters, and marks that
// turn the direction of writing.
[[nodiscard]] std::string shown(std::string_view text);

// Text of our own, as it is.
void print_text(std::string_view text) noexcept;
void remark_text(std::string_view text) noexcept;
// How far something is, over the line before, on a terminal.
inline void remark_over(const std::string& line) { remark_text("\r" + line + "\x1b[K"); }

template <class T>
using shown_type =
    std::conditional_t<std::convertible_to<const T&, std::string_view>, std::string, const T&>;

template <class T>
[[nodiscard]] shown_type<T> harmless(const T& value) {
  if constexpr (std::convertible_to<const T&, std::string_view>) {
    return shown(value);
  } else {
    return value;  // NOLINT(bugprone-return-const-ref-from-parameter): used in one expression
  }
}

// Writes out what was printed. Returns false if it has not all arrived: a full disk is a failure,
// not a success. A reader that has gone had enough, as `head` has.
[[nodiscard]] bool is_stdout_whole() noexcept;

// Formats to standard output; a string among the values is shown().
template <class... T>
void print(fmt::format_string<shown_type<T>...> form, const T&... values) {
  print_text(fmt::vformat(form, fmt::make_format_args(harmless(values)...)));
}

// "annulus: ..." and an end of line on stderr.
template <class... T>
void remark(fmt::format_string<const T&...> form, const T&... values) {
  remark_text("annulus: " + shown(fmt::format(form, values...)) + '\n');
}

}  // namespace annulus::cli
