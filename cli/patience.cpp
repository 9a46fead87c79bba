#include "cli/patience.hpp"

#include "cli/console.hpp"
#include <fmt/format.h>

#include <annulus/channel/directory.hpp>

namespace annulus::cli {

std::string patience::at(const std::string& path) {
  return fmt::format(" (at {}; the other side must use the same directory: {}, --dir or dir=)",
                     path, files::directory_variable);
}

bool patience::exceeds(const std::optional<std::chrono::nanoseconds>& limit) noexcept {
  const auto now = std::chrono::steady_clock::now();
  if (began_ == deadline{}) began_ = now;
  return limit && now - began_ >= *limit;
}

void patience::waits(const std::string& what) {
  const auto now = std::chrono::steady_clock::now();
  if (since_ == deadline{}) since_ = now;
  if (has_said_ || now - since_ < std::chrono::seconds(1)) return;
  has_said_ = true;
  remark("{}", what);
}

}  // namespace annulus::cli
