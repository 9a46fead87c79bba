// The one directory where everything with a plain name lives: rings, pipes, the decisions of auto:,
// and what consumers have seen. So two processes share all of these, or none.
//
// Which      ANNULUS_DIR, an absolute path; without it /dev/shm, and where the machine has none
//            that can be written, /tmp. It is not XDG_RUNTIME_DIR, which differs between users: a
//            service and a cron job would silently use different channels. /dev/shm is in memory,
//            and nothing there is cleaned away by its age
// Safe       owned by the user or root, and not writable by others unless its sticky bit protects
//            their files
//
// Any thread may call these, while none changes the environment. A program with more rights than
// its user (setuid) ignores the environment.
#pragma once

#include <string>
#include <string_view>

#include <annulus/channel/ownership.hpp>
#include <annulus/channel/result.hpp>

namespace annulus::files {

inline constexpr const char* directory_variable = "ANNULUS_DIR";

// The directory that this process uses now.
[[nodiscard]] std::string directory();

// Whether a directory may be used. The error says what is wrong with it, and how to choose another.
[[nodiscard]] result<bool> check_directory(const std::string& path, ownership owner);

// The failure for `what` with errno `number`. If space is short, it says what to do.
[[nodiscard]] failure cannot_store(const std::string& what, int number);

// The endings of the files there. A ring's has none, so its name must not end in one of them.
inline constexpr const char* roles_ending = ".roles";  // of a pipe, beside its FIFO
inline constexpr std::string_view endings[] = {".pipe", roles_ending, ".auto", ".seen"};

// The file that a name stands for: in `folder`, or, where that is empty, in directory(). A name
// that starts with '/' is a path. `kind`: for the error, for example "segment".
[[nodiscard]] result<std::string> place_of(const std::string& name, std::string_view suffix,
                                           std::string_view kind,
                                           ownership owner = ownership::own_or_root,
                                           const std::string& folder = {});

}  // namespace annulus::files
