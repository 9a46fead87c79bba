// Files by name: what ring, pipe and bus share of them.
//
// A name     1 to 200 letters, digits, '.', '_' and '-', stands for FOLDER/annulus.NAME and a
//            suffix; a name that starts with '/' is a path
// publish    a file gets its name only when it is whole, and never takes the name of another
// ours       a file is trusted if its owner is our own user, or root
//
// Every function may be called from any thread. Errors say what was tried, on which file, and why
// the kernel refused. Where a function tells why in errno, it does so on every system.
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
// A file's permissions as chmod takes them, for example 0640.
[[nodiscard]] std::string octal(unsigned mode);

// `what` failed with this errno. Never not_found or already_exists: only the caller knows whether
// the missing file is the channel.
[[nodiscard]] failure system_error(const std::string& what, int number);

// Whether a name is a path, and how a path starts, for people.
[[nodiscard]] bool is_path(std::string_view name) noexcept;
extern const char* const path_start;

// The file that a name stands for. Empty if it is no name.
[[nodiscard]] std::string path_of(const std::string& name, std::string_view folder,
                                  std::string_view suffix = {});
// What path_of refused. `kind`: for example "segment".
[[nodiscard]] failure no_name(const std::string& name, std::string_view kind);
[[nodiscard]] std::string directory_of(const std::string& path);

// An existing file. It follows no link (ELOOP), and waits for
// nobody. errno: why not.
[[nodiscard]] descriptor existing(const std::string& path, access how) noexcept;
// A new, empty file, to which publish() may give the name `path`. Its rights are `mode`, whatever
// the umask. What dies before leaves no file by that name.
[[nodiscard]] descriptor unnamed(const std::string& path, unsigned mode) noexcept;
// A new, empty file of this name, with these rights at most. errno EEXIST: the name is taken.
[[nodiscard]] descriptor created(const std::string& path, unsigned mode) noexcept;
// A new, empty file that never gets a name.
[[nodiscard]] descriptor anonymous() noexcept;
// Another number of the same open file.
[[nodiscard]] descriptor duplicate(int file) noexcept;
[[nodiscard]] bool remove(const std::string& path) noexcept;

// pread and pwrite that retry on EINTR. They set errno as usual.
[[nodiscard]] ssize_t read_at(int file, void* to, std::size_t bytes, std::uint64_t from) noexcept;
[[nodiscard]] ssize_t write_at(int file, const void* from, std::size_t bytes,
                               std::uint64_t to) noexcept;

// Reopens the file: a new open file description with its own locks.
[[nodiscard]] result<descriptor> reopened(int file, access how, const std::string& name);

// The same by the flags of open(2), for what only Linux has. They set errno as usual.
[[nodiscard]] descriptor opened(const std::string& path, int flags, unsigned mode = 0) noexcept;
[[nodiscard]] result<descriptor> reopened(int file, int flags, const std::string& name);

// Gives a file without a name its name. Returns false on failure, with errno: EEXIST if the name
// is taken.
[[nodiscard]] bool publish(int file, const std::string& path) noexcept;
// Why that failed. Not for EEXIST.
[[nodiscard]] failure cannot_name(const std::string& name, int number);

// Gives a file this size, and memory for its first `reserved` bytes, so that none is missing later.
// Returns 0, or errno: EFBIG where this process may not make files so large; no signal is raised.
[[nodiscard]] int set_size(int file, std::uint64_t bytes, std::uint64_t reserved) noexcept;

// Nobody can change its size from now on. Only for an anonymous file. Returns false on failure,
// with errno.
[[nodiscard]] bool seal(int file) noexcept;
// Whether nobody can cut off its first `bytes`.
[[nodiscard]] bool is_sealed(int file, std::uint64_t bytes) noexcept;

// Whether both are the same file.
[[nodiscard]] bool is_same(int file, int other) noexcept;
// The same of what the paths lead to, links followed; and whether a path leads to anything.
[[nodiscard]] bool lead_to_same(const std::string& path, const std::string& other) noexcept;
[[nodiscard]] bool leads_to_one(const std::string& path) noexcept;
// Whether the path stands for this file, and not for another or none.
[[nodiscard]] bool is_still_named(int file, const std::string& path) noexcept;

// The size of a regular file of ours. `kind`: for the error, for example "segment".
[[nodiscard]] result<std::uint64_t> size_of_ours(int file, ownership owner, const std::string& name,
                                                 std::string_view kind);
[[nodiscard]] failure no_regular_file(const std::string& name, std::string_view kind);
[[nodiscard]] bool is_regular(int file) noexcept;
// Why the file is not our own user's, or nothing.
[[nodiscard]] std::optional<failure> not_own(int file, const std::string& path);
// Whose a file is that could not be opened anew, and what to do; for a message.
[[nodiscard]] std::string whose(int file);

// Why the file is not trusted, or nothing.
[[nodiscard]] std::optional<failure> not_ours(const struct stat& info, ownership owner,
                                              const std::string& name);

// From the kernel's random numbers; where they are not ready yet, from clock and process.
[[nodiscard]] std::uint64_t random_word() noexcept;

}  // namespace files
}  // namespace annulus
