// How far a long command is, on stderr.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace annulus::cli {

class progress {
 public:
  // Shown when asked for, or when stderr is a terminal and standard output is not.
  progress(std::string verb, bool is_asked, std::optional<std::uint64_t> total);
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  // Cheap enough to be called for every batch.
  void at(std::uint64_t messages, std::uint64_t bytes);

 private:
  using clock = std::chrono::steady_clock;
  void show(clock::time_point now);

  std::string verb_;
  std::optional<std::uint64_t> total_;
  bool is_shown_;
  bool is_terminal_;
  bool has_shown_ = false;
  std::uint64_t messages_ = 0;
  std::uint64_t bytes_ = 0;
  clock::time_point began_;
  clock::time_point next_;
};

}  // namespace annulus::cli
