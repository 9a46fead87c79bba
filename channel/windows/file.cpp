#include <fcntl.h>
#include <io.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

#include <annulus/channel/file.hpp>
#include <annulus/channel/windows/handle.hpp>
#include <annulus/channel/windows/naming.hpp>

namespace annulus {

descriptor::descriptor(int number) noexcept : number_(number) {
  if (number < 0 || number > 2) return;
  number_ = _dup(number);  // the same file object, and its locks
  const int why = errno;
  if (number_ >= 0) number_ = descriptor(number_).release();  // again, if it is one of these
  _close(number);
  errno = why;
}

descriptor::~descriptor() {
  if (number_ < 0) return;
  windows::forget_locks(number_);
  windows::forget_kept(number_);
  _close(number_);
}

namespace files {
namespace {

using windows::handle_of;
using windows::numbered;
using windows::set_errno;
using windows::wide;

constexpr DWORD shared = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
constexpr DWORD most_at_once = DWORD{1} << 30;

DWORD rights_of(access how) noexcept {
  return how == access::read_only ? GENERIC_READ : GENERIC_READ | GENERIC_WRITE;
}

// A name in this directory that nobody else uses; no channel's.
std::string passing_name(const std::string& directory) {
  char number[24];
  std::snprintf(number, sizeof number, "%016llx",
                static_cast<unsigned long long>(files::random_word()));
  return directory + "\\annulus.~" + number;
}

// An open handle that has the right to delete, for naming.hpp.
struct deletable {
  HANDLE file;

  [[nodiscard]] bool set_deleted(bool is_deleted) const noexcept {
    FILE_DISPOSITION_INFO wanted{static_cast<BOOLEAN>(is_deleted)};
    return succeeds(FileDispositionInfo, &wanted, sizeof wanted);
  }
  // Never replaces another file.
  [[nodiscard]] bool rename(const std::string& path) const {
    const auto name = wide(path);
    const auto bytes = name.size() * sizeof(wchar_t);
    std::vector<std::uint64_t> space((sizeof(FILE_RENAME_INFO) + bytes) / 8 + 1);  // all zero
    auto* const info = reinterpret_cast<FILE_RENAME_INFO*>(space.data());
    info->ReplaceIfExists = FALSE;
    info->FileNameLength = static_cast<DWORD>(bytes);
    std::memcpy(info->FileName, name.data(), bytes);
    return succeeds(FileRenameInfo, info, sizeof *info + bytes);
  }

 private:
  [[nodiscard]] bool succeeds(FILE_INFO_BY_HANDLE_CLASS what, void* info,
                              std::size_t bytes) const noexcept {
    if (SetFileInformationByHandle(file, what, info, static_cast<DWORD>(bytes)) != 0) return true;
    set_errno();
    return false;
  }
};

OVERLAPPED at(std::uint64_t offset) noexcept {
  OVERLAPPED out{};
  out.Offset = static_cast<DWORD>(offset);
  out.OffsetHigh = static_cast<DWORD>(offset >> 32);
  return out;
}

}  // namespace

const char* const path_start = "a drive, as C:\\";

bool is_path(std::string_view name) noexcept {
  const auto is_slash = [&](std::size_t i) { return name[i] == '\\' || name[i] == '/'; };
  if (name.size() < 4) return false;
  const char drive = static_cast<char>(name[0] | 0x20);
  if (drive >= 'a' && drive <= 'z' && name[1] == ':' && is_slash(2)) return true;
  return name[0] == '\\' && name[1] == '\\' && !is_slash(2) && name[2] != '.' && name[2] != '?';
}

failure system_error(const std::string& what, int number) {
  fault kind = fault::system;
  switch (number) {
    case EACCES:
    case EPERM: kind = fault::no_permission; break;
    case ENOSPC:
    case ENOMEM: kind = fault::no_space; break;
    default: break;
  }
  return {kind, what + ": " + std::strerror(number)};
}

std::string directory_of(const std::string& path) {
  return path.substr(0, path.find_last_of("\\/"));
}

descriptor existing(const std::string& path, access how) noexcept {
  const auto name = wide(path);
  const DWORD found = GetFileAttributesW(name.c_str());
  if (found != INVALID_FILE_ATTRIBUTES && (found & FILE_ATTRIBUTE_REPARSE_POINT) != 0) {
    errno = ELOOP;
    return {};
  }
  if (found != INVALID_FILE_ATTRIBUTES && (found & FILE_ATTRIBUTE_DIRECTORY) != 0) {
    errno = EISDIR;
    return {};
  }
  // A link that takes the file's place meanwhile is opened itself, and is no channel.
  return numbered(CreateFileW(name.c_str(), rights_of(how), shared, nullptr, OPEN_EXISTING,
                              FILE_FLAG_OPEN_REPARSE_POINT, nullptr),
                  how == access::read_write);
}

descriptor unnamed(const std::string& path, unsigned mode) noexcept {
  // Others have the rights that the directory gives, or none.
  auto* const whose = (mode & 077) == 0 ? windows::owner_only() : nullptr;
  descriptor made =
      numbered(CreateFileW(wide(passing_name(directory_of(path))).c_str(),
                           rights_of(access::read_write) | DELETE, shared, whose, CREATE_NEW,
                           FILE_ATTRIBUTE_TEMPORARY | FILE_ATTRIBUTE_NOT_CONTENT_INDEXED, nullptr),
               true);
  // It goes with its handle, unless publish() takes that back.
  if (made) static_cast<void>(deletable{handle_of(made.number())}.set_deleted(true));
  return made;
}

descriptor created(const std::string& path, unsigned mode) noexcept {
  descriptor made = unnamed(path, mode);
  if (!made || publish(made.number(), path)) return made;
  const int why = errno;
  made = {};
  errno = why;
  return made;
}

descriptor anonymous() noexcept {
  std::wstring folder(MAX_PATH + 2, L'\0');
  folder.resize(GetTempPathW(static_cast<DWORD>(folder.size()), folder.data()));
  const auto path = passing_name(directory_of(windows::narrow(folder)));  // it ends in a slash
  return numbered(CreateFileW(wide(path).c_str(), rights_of(access::read_write) | DELETE, shared,
                              windows::owner_only(), CREATE_NEW,
                              FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, nullptr),
                  true);
}

descriptor duplicate(int file) noexcept {
  HANDLE made = INVALID_HANDLE_VALUE;
  if (DuplicateHandle(GetCurrentProcess(), handle_of(file), GetCurrentProcess(), &made, 0, FALSE,
                      DUPLICATE_SAME_ACCESS) == 0) {
    set_errno();
    return {};
  }
  return numbered(made, true);
}

bool remove(const std::string& path) noexcept {
  const auto handle = CreateFileW(wide(path).c_str(), DELETE, shared, nullptr, OPEN_EXISTING,
                                  FILE_FLAG_OPEN_REPARSE_POINT, nullptr);
  if (handle == INVALID_HANDLE_VALUE) {
    set_errno();
    return false;
  }
  const bool is_away = windows::take_name(deletable{handle}, passing_name(directory_of(path)));
  CloseHandle(handle);
  return is_away;
}

ssize_t read_at(int file, void* to, std::size_t bytes, std::uint64_t from) noexcept {
  auto where = at(from);
  DWORD got = 0;
  const auto count = static_cast<DWORD>(std::min<std::size_t>(bytes, most_at_once));
  if (ReadFile(handle_of(file), to, count, &got, &where) != 0) return static_cast<ssize_t>(got);
  if (GetLastError() == ERROR_HANDLE_EOF) return 0;
  set_errno();
  return -1;
}

ssize_t write_at(int file, const void* from, std::size_t bytes, std::uint64_t to) noexcept {
  auto where = at(to);
  DWORD done = 0;
  const auto count = static_cast<DWORD>(std::min<std::size_t>(bytes, most_at_once));
  if (WriteFile(handle_of(file), from, count, &done, &where) != 0) {
    return static_cast<ssize_t>(done);
  }
  set_errno();
  return -1;
}

result<descriptor> reopened(int file, access how, const std::string& name) {
  descriptor again =
      numbered(ReOpenFile(handle_of(file), rights_of(how), shared, 0), how == access::read_write);
  if (again) return again;
  return system_error("cannot open " + quoted(name), errno);
}

// All of it has its space on the volume then, whatever is asked: the file is not sparse.
int set_size(int file, std::uint64_t bytes, std::uint64_t) noexcept {
  const auto handle = handle_of(file);
  FILE_END_OF_FILE_INFO end{};
  end.EndOfFile.QuadPart = static_cast<LONGLONG>(bytes);
  if (SetFileInformationByHandle(handle, FileEndOfFileInfo, &end, sizeof end) != 0) return 0;
  set_errno();
  return errno;
}

bool publish(int file, const std::string& path) noexcept {
  return windows::give_name(deletable{handle_of(file)}, path);
}

failure cannot_name(const std::string& name, int number) {
  return system_error("cannot name " + name, number);
}

// A file that is mapped cannot be cut off, but before it is, nothing forbids that.
bool seal(int) noexcept { return true; }
bool is_sealed(int, std::uint64_t) noexcept { return false; }

bool is_same(int file, int other) noexcept {
  const auto one = windows::identity_of(handle_of(file));
  return one && one == windows::identity_of(handle_of(other));
}

bool lead_to_same(const std::string& path, const std::string& other) noexcept {
  const auto one = windows::identity_at(path);
  return one && one == windows::identity_at(other);
}

bool leads_to_one(const std::string& path) noexcept {
  return windows::identity_at(path).has_value();
}

bool is_still_named(int file, const std::string& path) noexcept {
  const auto held = windows::identity_of(handle_of(file));
  return held && held == windows::identity_at(path);
}

result<std::uint64_t> size_of_ours(int file, ownership owner, const std::string& name,
                                   std::string_view kind) {
  const auto handle = handle_of(file);
  if (GetFileType(handle) != FILE_TYPE_DISK) return no_regular_file(name, kind);
  LARGE_INTEGER size{};
  if (GetFileSizeEx(handle, &size) == 0) {
    set_errno();
    return system_error("cannot look at " + quoted(name), errno);
  }
  if (owner == ownership::own_or_root && !windows::is_ours(handle)) {
    return failure{fault::no_permission,
                   quoted(name) +
                       " belongs to another user; say owner=any, ownership::any in C++, if that is "
                       "meant"};
  }
  return static_cast<std::uint64_t>(size.QuadPart);
}

bool is_regular(int file) noexcept { return GetFileType(handle_of(file)) == FILE_TYPE_DISK; }

std::optional<failure> not_own(int file, const std::string& path) {
  if (windows::is_ours(handle_of(file))) return std::nullopt;
  return failure{fault::no_permission, path + " belongs to another user, who must remove it"};
}

std::string whose(int) { return "; each role opens the file anew, and our user may not"; }

std::uint64_t random_word() noexcept {
  std::random_device source;
  return std::uint64_t{source()} << 32 | source();
}

}  // namespace files
}  // namespace annulus
