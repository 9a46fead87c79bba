// The two files of a pipe, as a system has them: what named_pipe.cpp asks of it.
//
// The roles file is a regular file everywhere. The FIFO is one of the file system where there are
// such; elsewhere a regular file stands for it, and leads to it (windows/fifo.cpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <annulus/channel/file.hpp>
#include <annulus/channel/ownership.hpp>
#include <annulus/channel/result.hpp>

namespace annulus::pipes {

enum class part { roles, fifo };

[[nodiscard]] std::string roles_path_of(const std::string& path);

// Opens what stands at a path, if it is this part of a pipe, and belongs to whom it should. Fails
// with not_found if nothing is there.
[[nodiscard]] result<descriptor> open_part(const std::string& path, part which, ownership owner,
                                           const std::string& name);
// There is no roles file: nothing at all, or something in the way. Empty: look again, for a pipe
// that is made just now gets its roles file first, and one that is removed loses it last.
[[nodiscard]] std::optional<failure> missing(const std::string& name, const std::string& path);
[[nodiscard]] bool is_there(const std::string& path) noexcept;
// Whether the file belongs to our own user.
[[nodiscard]] bool is_own(int file) noexcept;
// Whoever may come at a file may spoil what it carries: it must grant no more than was asked for.
[[nodiscard]] result<bool> check_mode(int file, const std::string& path, unsigned asked);

// Whether the file holds so many bytes there, and no hole.
[[nodiscard]] bool is_written(int file, std::uint64_t from, std::uint64_t count) noexcept;

// A new file that has no name yet, or a passing one.
struct new_file {
  descriptor file;
  std::string passing;
};
// Without a file: errno says why.
[[nodiscard]] new_file make_file(const std::string& path, unsigned mode);
// Gives it its name, at once and whole. Returns false with errno; EEXIST: the name is taken.
[[nodiscard]] bool publish(const new_file& one, const std::string& path);
void discard(const new_file& one) noexcept;

// Opened. Requires: the maker's lock is held.
[[nodiscard]] result<descriptor> make_fifo(const std::string& path, unsigned mode);
// Makes an opened FIFO ready to carry so many bytes, or the most that the kernel grants.
[[nodiscard]] result<bool> prepare_fifo(int fifo, std::uint64_t capacity, const std::string& name);
// Takes its name away, if it has one.
[[nodiscard]] result<bool> remove_fifo(const std::string& path);

}  // namespace annulus::pipes
