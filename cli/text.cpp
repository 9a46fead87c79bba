#include "cli/text.hpp"

#include <ctime>

namespace annulus::cli {

std::string show_time(std::int64_t seconds_since_1970) {
  const auto at = static_cast<std::time_t>(seconds_since_1970);
  std::tm local{};
  char out[32];
  if (localtime_r(&at, &local) == nullptr) return "?";
  return {out, std::strftime(out, sizeof out, "%Y-%m-%d %H:%M:%S", &local)};
}

}  // namespace annulus::cli
