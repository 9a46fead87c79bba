#include <cerrno>
#include <cstring>

#include <annulus/channel/directory.hpp>
#include <annulus/channel/file.hpp>
#include <annulus/channel/windows/handle.hpp>

namespace annulus::files {
namespace {

failure unfit(fault kind, const std::string& path, const std::string& why) {
  return {kind, "the directory " + quoted(path) + " " + why + "; choose another with " +
                    directory_variable + ", --dir, or the option dir= of a name"};
}

}  // namespace

std::string directory() {
  if (auto said = windows::variable(L"ANNULUS_DIR"); !said.empty()) return said;
  const auto home = windows::variable(L"LOCALAPPDATA");
  const auto own = home + "\\annulus";
  if (!home.empty()) CreateDirectoryW(windows::wide(own).c_str(), windows::owner_only());
  return own;
}

result<bool> check_directory(const std::string& path, ownership owner) {
  if (!is_path(path)) {
    return unfit(fault::bad_argument, path,
                 std::string("is no absolute path: it must start with ") + path_start);
  }
  const auto handle = CreateFileW(windows::wide(path).c_str(), READ_CONTROL | FILE_READ_ATTRIBUTES,
                                  FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                                  OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, nullptr);
  if (handle == INVALID_HANDLE_VALUE) {
    windows::set_errno();
    const int why = errno;
    return unfit(why == ENOENT   ? fault::bad_argument
                 : why == EACCES ? fault::no_permission
                                 : fault::system,
                 path, std::string("cannot be used: ") + std::strerror(why));
  }
  BY_HANDLE_FILE_INFORMATION info{};
  const bool is_directory = GetFileInformationByHandle(handle, &info) != 0 &&
                            (info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
  const bool is_ours = owner == ownership::any || windows::is_ours(handle);
  CloseHandle(handle);
  if (!is_directory) return unfit(fault::bad_argument, path, "is no directory");
  if (!is_ours) {
    return unfit(fault::no_permission, path,
                 "belongs to another user, who can replace any file in it");
  }
  return true;
}

failure cannot_store(const std::string& what, int number) {
  auto why = system_error(what, number);
  if (why.kind == fault::no_space || why.kind == fault::no_permission) {
    why.message += std::string("; choose another directory with ") + directory_variable +
                   ", --dir, or the option dir= of a name";
  }
  return why;
}

}  // namespace annulus::files
