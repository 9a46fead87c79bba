// A file or a standard stream, read and written in whole stretches; a signal ends a wait for it.
#pragma once

#include "cli/system.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace annulus::cli {

// How long a wait may last; nothing: for ever.
using time_limit = std::optional<std::chrono::nanoseconds>;

class file {
 public:
  // Without a path: standard input, or standard output. A FIFO's other end is waited for.
  [[nodiscard]] static file for_reading(const std::string& path, const time_limit& limit = {});
  // A file that is there keeps its content until begin(); one that was made for this goes again
  // with an object that never began.
  [[nodiscard]] static file for_writing(const std::string& path, const time_limit& limit = {});

  file(file&& other) noexcept;
  file& operator=(file&&) = delete;
  ~file();

  // Empties a regular file that was named by its path, once.
  void begin();

  // Whether a path leads to it.
  [[nodiscard]] bool is_at(const std::string& path) const;
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  // What one read brings; 0 at the end.
  [[nodiscard]] std::size_t read_some(std::span<std::byte> into);
  // Reads until `into` is full; fewer at the end.
  [[nodiscard]] std::size_t read_full(std::span<std::byte> into);
  // Passes over so many bytes; fewer at the end.
  [[nodiscard]] std::uint64_t skip(std::uint64_t count);

  // Writes all pieces; changes them on the way. Returns false if nobody reads any more (EPIPE).
  // After stop_signal() it tries for a second more, so that what was begun is written whole.
  [[nodiscard]] bool write_all(std::span<piece> pieces);

  // A regular file's bytes from here to its end: reading them does not wait for anybody.
  [[nodiscard]] std::optional<std::uint64_t> rest() const;

 private:
  file(int descriptor, bool is_ours, std::string name);
  [[noreturn]] void fail(const char* what) const;

  int descriptor_;
  bool is_ours_;
  std::string name_;
  std::string path_;
  bool has_begun_ = false;
  bool is_new_ = false;
};

}  // namespace annulus::cli
