// Says, once, after a second, that the command waits, and for what; and knows when it is too long.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <annulus/channel/status.hpp>

namespace annulus::cli {

// No wait is longer than this: then signals are heeded.
inline constexpr std::chrono::milliseconds wait_slice{50};

class patience {
 public:
  // For `what`: where the other side has to come, which it cannot if it uses another directory.
  [[nodiscard]] static std::string at(const std::string& path);
  // `what` for example "waiting for a producer of shm:x".
  void waits(const std::string& what);
  [[nodiscard]] bool has_said() const noexcept { return has_said_; }
  void over() noexcept { since_ = began_ = {}; }
  // Whether the wait has lasted so long. It begins with the first question since over().
  [[nodiscard]] bool exceeds(const std::optional<std::chrono::nanoseconds>& limit) noexcept;

 private:
  deadline since_{}, began_{};
  bool has_said_ = false;
};

}  // namespace annulus::cli
