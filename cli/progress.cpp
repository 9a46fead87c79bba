#include "cli/progress.hpp"

#include "cli/console.hpp"
#include "cli/text.hpp"
#include <fmt/format.h>
#include <unistd.h>

namespace annulus::cli {

progress::progress(std::string verb, bool is_asked, std::optional<std::uint64_t> total)
    : verb_(std::move(verb)),
      total_(total),
      is_shown_(is_asked || (isatty(STDERR_FILENO) != 0 && isatty(STDOUT_FILENO) == 0)),
      is_terminal_(isatty(STDERR_FILENO) != 0),
      began_(clock::now()),
      next_(began_ + std::chrono::seconds(1)) {}

progress::~progress() {
  if (!has_shown_) return;
  show(clock::now());
  if (is_terminal_) remark_text("\n");
}

void progress::at(std::uint64_t messages, std::uint64_t bytes) {
  if (!is_shown_) return;
  messages_ = messages;
  bytes_ = bytes;
  const auto now = clock::now();
  if (now < next_) return;
  show(now);
  next_ = now + std::chrono::milliseconds(is_terminal_ ? 200 : 1000);
}

void progress::show(clock::time_point now) {
  has_shown_ = true;
  const auto count = static_cast<double>(bytes_);
  const double seconds = std::chrono::duration<double>(now - began_).count();
  auto line = fmt::format("{} {} messages, {}", verb_, show_count(messages_), show_bytes(count));
  if (total_ && *total_ > 0) {
    line += fmt::format(" of {} ({:.0f} %)", show_bytes(*total_),
                        100 * count / static_cast<double>(*total_));
  }
  line += fmt::format(", {}/s", show_bytes(count / seconds));
  if (is_terminal_)
    remark_over(line);
  else
    remark("{}", line);
}

}  // namespace annulus::cli
