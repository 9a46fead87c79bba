// Files by name: what ring, pipe and bus share of them.
//
// A name     1 to 200 letters, digits, '.', '_' and '-', stands for FOLDER/annulus.NAME and a
//            suffix; a name that starts with '/' is a path
// publish    a file gets its name only when it is whole, and never takes the name of another
// ours       a file is trusted if its owner is our own user, or root
//
// Every function may be called from any thread. Errors say what was tried, on which file, and why
// the kernel refused.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <annulus/channel/ownership.hpp>
#include <annulus/channel/result.hpp>

namespace annulus {

// A file descriptor of our own. Never 0 to 2: where a standard stream is closed, the kernel gives
// its number to the next file, and what the program prints would go into a channel.
class descriptor {
 public:
  descriptor() = default;
  // Takes ownership, and moves a standard stream's number above 2. Leaves errno as it is.
  explicit descriptor(int number) noexcept;
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor();

  [[nodiscard]] explicit operator bool() const noexcept { return number_ >= 0; }
  [[nodiscard]] int number() const noexcept { return number_; }
  // From now on the caller closes it.
  [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }

 private:
  int number_ = -1;
};

namespace files {

[[nodiscard]] std::string quoted(std::string_view name);

// `what` failed with this errno. Never not_found or already_exists: only the caller knows whether
// the missing file is the channel.
[[nodiscard]] failure system_error(const std::string& what, int number);

// The file that a name stands for. Empty: it is no name.
[[nodiscard]] std::string path_of(const std::string& name, std::string_view folder,
                                  std::string_view suffix = {});
// What path_of refused. `kind`: for example "segment".
[[nodiscard]] failure no_name(const std::string& name, std::string_view kind);
[[nodiscard]] std::string directory_of(const std::string& path);

// open, pread and pwrite that retry on EINTR. They set errno as usual.
[[nodiscard]] descriptor opened(const std::string& path, int flags, unsigned mode = 0) noexcept;
[[nodiscard]] ssize_t read_at(int file, void* to, std::size_t bytes, off_t from) noexcept;
[[nodiscard]] ssize_t write_at(int file, const void* from, std::size_t bytes, off_t to) noexcept;

// Reopens the file: a new open file description with its own locks.
[[nodiscard]] result<descriptor> reopened(int file, int flags, const std::string& name);

// Gives a file without a name its name. False: see errno; EEXIST: the name is taken.
[[nodiscard]] bool publish(int file, const std::string& path) noexcept;
// Why that failed. Not for EEXIST.
[[nodiscard]] failure cannot_name(const std::string& name, int number);

// Gives a file this size, and memory for its first `reserved` bytes, so that none is missing later.
// Returns 0, or errno: EFBIG where this process may not make files so large; no signal is raised.
[[nodiscard]] int set_size(int file, std::uint64_t bytes, std::uint64_t reserved) noexcept;

// Whether the path stands for this file, and not for another or none.
[[nodiscard]] bool is_still_named(int file, const std::string& path) noexcept;

// Why the file is not trusted, or nothing.
[[nodiscard]] std::optional<failure> not_ours(const struct stat& info, ownership owner,
                                              const std::string& name);

// From the kernel's random numbers; where they are not ready yet, from clock and process.
[[nodiscard]] std::uint64_t random_word() noexcept;

}  // namespace files
}  // namespace annulus
