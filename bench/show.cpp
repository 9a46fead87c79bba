#include "bench/show.hpp"

#include <fmt/format.h>

#include <cmath>

namespace annulus::bench {
namespace {

// A number with three significant digits, and a unit each `step` times the one before.
template <std::size_t N>
std::string with_unit(double value, double step, const char* const (&units)[N]) {
  std::size_t unit = 0;
  while (std::abs(value) >= step && unit + 1 < N) {
    value /= step;
    ++unit;
  }
  const bool is_whole = value == std::floor(value);
  const int digits = is_whole || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return fmt::format("{:.{}f}{}", value, digits, units[unit]);
}

}  // namespace

std::string show_bytes(double bytes) {
  return with_unit(bytes, 1024, {" B", " KiB", " MiB", " GiB", " TiB"});
}

std::string show_count(double count) { return with_unit(count, 1000, {"", "k", "M", "G", "T"}); }

std::string show_span(std::chrono::nanoseconds span) {
  const auto ns = static_cast<double>(span.count());
  if (ns < 1e9) return with_unit(ns, 1000, {" ns", " us", " ms"});
  const double seconds = ns / 1e9;
  if (seconds < 120) return fmt::format("{:.1f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{:.0f} h", seconds / 3600);
  return fmt::format("{:.0f} days", seconds / 86400);
}

std::string show_ns(double ns) {
  return show_span(std::chrono::nanoseconds(static_cast<std::int64_t>(ns)));
}

}  // namespace annulus::bench
