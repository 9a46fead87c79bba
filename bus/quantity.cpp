#include <charconv>
#include <cmath>
#include <iterator>
#include <string>

#include <annulus/bus/quantity.hpp>

namespace annulus::bus {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::optional<unsigned> shift_of(std::string_view unit) {
  if (unit.empty() || unit == "b") return 0;
  const std::string_view rest = unit.substr(1);
  if (!rest.empty() && rest != "ib" && rest != "i" && rest != "b") return std::nullopt;
  switch (unit.front()) {
    case 'k': return 10;
    case 'm': return 20;
    case 'g': return 30;
    case 't': return 40;
    default: return std::nullopt;
  }
}

std::optional<double> seconds_of(std::string_view unit) {
  if (unit.empty() || unit == "s") return 1;
  if (unit == "ns") return 1e-9;
  if (unit == "us") return 1e-6;
  if (unit == "ms") return 1e-3;
  if (unit == "m" || unit == "min") return 60;
  if (unit == "h") return 3600;
  return std::nullopt;
}

std::string with_digits(double value, int digits) {
  char text[32];
  const auto [end, error] =
      std::to_chars(std::begin(text), std::end(text), value, std::chars_format::fixed, digits);
  return error == std::errc() ? std::string(std::begin(text), end) : "?";
}

// A number with three significant digits, and a unit each `step` times the one before.
template <std::size_t N>
std::string with_unit(double value, double step, const char* const (&units)[N]) {
  std::size_t unit = 0;
  while (std::abs(value) >= step && unit + 1 < N) {
    value /= step;
    ++unit;
  }
  const bool is_whole = value == std::floor(value);
  return with_digits(value, is_whole || value >= 100 ? 0 : value >= 10 ? 1 : 2) + units[unit];
}

}  // namespace

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  const std::string whole = lower(without_blanks(text));
  std::uint64_t count = 0;
  const char* const end = whole.data() + whole.size();
  const auto [rest, error] = std::from_chars(whole.data(), end, count);
  if (error != std::errc()) return std::nullopt;
  const auto shift = shift_of(without_blanks({rest, static_cast<std::size_t>(end - rest)}));
  if (!shift || count > UINT64_MAX >> *shift) return std::nullopt;
  return count << *shift;
}

std::optional<std::chrono::nanoseconds> parse_span(std::string_view text) {
  const std::string whole = lower(without_blanks(text));
  double count = 0;
  const char* const end = whole.data() + whole.size();
  const auto [rest, error] = std::from_chars(whole.data(), end, count, std::chars_format::fixed);
  if (error != std::errc()) return std::nullopt;
  const auto unit = seconds_of(without_blanks({rest, static_cast<std::size_t>(end - rest)}));
  constexpr double a_century = 100.0 * 366 * 24 * 3600;
  if (!unit || !(count >= 0) || count * *unit > a_century) return std::nullopt;
  return std::chrono::nanoseconds(std::llround(count * *unit * 1e9));
}

std::string show_bytes(double bytes) {
  return with_unit(bytes, 1024, {" B", " KiB", " MiB", " GiB", " TiB"});
}

std::string show_count(double count) { return with_unit(count, 1000, {"", "k", "M", "G", "T"}); }

std::string show_span(std::chrono::nanoseconds span) {
  const auto ns = static_cast<double>(span.count());
  if (ns < 1e9) return with_unit(ns, 1000, {" ns", " us", " ms"});
  const double seconds = ns / 1e9;
  if (seconds < 120) return with_digits(seconds, 1) + " s";
  if (seconds < 7200) return with_digits(seconds / 60, 0) + " min";
  if (seconds < 48 * 3600) return with_digits(seconds / 3600, 0) + " h";
  return with_digits(seconds / 86400, 0) + " days";
}

std::string show_ns(double ns) {
  return show_span(std::chrono::nanoseconds(static_cast<std::int64_t>(ns)));
}

}  // namespace annulus::bus
