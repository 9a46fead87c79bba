// What the files of this room share: handles behind numbers, names in Windows' letters, errors as
// errno, and who may do what.
//
// A file's number is the C runtime's. It stands for a handle, which children do not inherit.
#pragma once

#include <windows.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <annulus/channel/file.hpp>

namespace annulus::windows {

[[nodiscard]] HANDLE handle_of(int file) noexcept;
// Takes the handle over. An invalid one: none, with errno of the last error.
[[nodiscard]] descriptor numbered(HANDLE handle, bool is_writable) noexcept;

// A file's first bytes in memory, until UnmapViewOfFile. Null, with errno, where there are none.
[[nodiscard]] std::byte* mapped(int file, std::size_t bytes, bool is_writable) noexcept;

// UTF-8, and a path in a form without a limit of length, in which a dot at the end counts.
[[nodiscard]] std::wstring wide(const std::string& path);
[[nodiscard]] std::string narrow(const std::wstring& text);
// A variable of the environment; empty: it is not there.
[[nodiscard]] std::string variable(const wchar_t* name);

// Sets errno by the last error of this thread.
void set_errno() noexcept;

// For what only our own user may open: a protected DACL of one entry. Null where none can be made.
[[nodiscard]] SECURITY_ATTRIBUTES* owner_only() noexcept;

// Whether the file's owner is our user, the administrators or the system.
[[nodiscard]] bool is_ours(HANDLE file) noexcept;

// Which file it is; nothing if the system does not say.
struct identity {
  std::uint64_t volume, file;
  friend bool operator==(const identity&, const identity&) = default;
};
[[nodiscard]] std::optional<identity> identity_of(HANDLE file) noexcept;
// The file or directory that has this name now. errno: why there is none.
[[nodiscard]] std::optional<identity> identity_at(const std::string& path) noexcept;

// The number is closed: what it had locked is free (lock.cpp).
void forget_locks(int file) noexcept;

// What goes when the number is closed.
void keep_with(int file, std::shared_ptr<void> what) noexcept;
[[nodiscard]] std::shared_ptr<void> kept_with(int file) noexcept;
void forget_kept(int file) noexcept;

}  // namespace annulus::windows
