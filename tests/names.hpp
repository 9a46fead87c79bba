// Names for segments that nobody else uses and that are gone when the test ends.
#pragma once

#include <unistd.h>

#include <atomic>
#include <string>

#include <annulus/channel/directory.hpp>

namespace annulus::testing {

class scratch_name {
 public:
  scratch_name() : name_("test." + std::to_string(getpid()) + "." + std::to_string(next())) {}
  scratch_name(const scratch_name&) = delete;
  scratch_name& operator=(const scratch_name&) = delete;
  ~scratch_name() { unlink(path().c_str()); }

  [[nodiscard]] const std::string& str() const noexcept { return name_; }
  [[nodiscard]] std::string path() const { return files::directory() + "/annulus." + name_; }

 private:
  static unsigned next() {
    static std::atomic<unsigned> made{0};
    return made.fetch_add(1);
  }

  std::string name_;
};

}  // namespace annulus::testing
