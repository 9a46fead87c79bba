// Names for segments that nobody else uses and that are gone when the test ends.
#pragma once

#include <atomic>
#include <random>
#include <string>

#include <annulus/channel/directory.hpp>
#include <annulus/channel/file.hpp>
#include <annulus/channel/process.hpp>

namespace annulus::testing {

// A name that no other process has, nor had: one that was killed may have left its files.
inline std::string unused_name() {
  static const auto run = std::random_device()();
  static std::atomic<unsigned> made{0};
  return "test." + std::to_string(process_id()) + "." + std::to_string(run) + "." +
         std::to_string(made.fetch_add(1));
}

class scratch_name {
 public:
  scratch_name() : name_(unused_name()) {}
  scratch_name(const scratch_name&) = delete;
  scratch_name& operator=(const scratch_name&) = delete;
  ~scratch_name() { (void)files::remove(path()); }

  [[nodiscard]] const std::string& str() const noexcept { return name_; }
  [[nodiscard]] std::string path() const { return files::directory() + "/annulus." + name_; }

 private:
  std::string name_;
};

}  // namespace annulus::testing
