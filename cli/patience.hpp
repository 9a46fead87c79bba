// Says, once, after a second, that the command waits, and for what.
#pragma once

#include <chrono>
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
  void over() noexcept { since_ = {}; }

 private:
  deadline since_{};
  bool has_said_ = false;
};

}  // namespace annulus::cli
