// How a name of a file comes and goes on Windows.
//
// There a file that is to be deleted can be neither renamed nor opened, and its name stays taken
// until its last handle is closed. So a file is first kept and then named; and it first gives its
// name up, for a passing one, and is then deleted. wine allows the other order too, so a test holds
// these steps against the rules of Windows.
//
// File   set_deleted(bool), rename(path): false on failure, with errno
#pragma once

#include <cerrno>
#include <string>

namespace annulus::windows {

// A file that goes with its handle stays, under this name. On failure it goes, as before.
template <class File>
[[nodiscard]] bool give_name(File file, const std::string& path) {
  if (file.set_deleted(false) && file.rename(path)) return true;
  const int why = errno;
  static_cast<void>(file.set_deleted(true));
  errno = why;
  return false;
}

// The name is free at once, and the file goes with its last handle.
template <class File>
[[nodiscard]] bool take_name(File file, const std::string& passing) {
  if (!file.rename(passing)) return false;
  // A file that is mapped may refuse; then it stays under its passing name.
  static_cast<void>(file.set_deleted(true));
  return true;
}

}  // namespace annulus::windows
