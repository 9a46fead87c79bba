#include <charconv>
#include <cmath>
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

}  // namespace annulus::bus
