#include <aclapi.h>
#include <fcntl.h>
#include <io.h>
#include <sddl.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <annulus/channel/windows/handle.hpp>

namespace annulus::windows {
namespace {

constexpr struct {
  DWORD theirs;
  int ours;
} errors[] = {
    {ERROR_FILE_NOT_FOUND, ENOENT},    {ERROR_PATH_NOT_FOUND, ENOENT},
    {ERROR_INVALID_NAME, ENOENT},      {ERROR_BAD_NETPATH, ENOENT},
    {ERROR_ACCESS_DENIED, EACCES},     {ERROR_SHARING_VIOLATION, EACCES},
    {ERROR_LOCK_VIOLATION, EACCES},    {ERROR_DELETE_PENDING, EACCES},
    {ERROR_ALREADY_EXISTS, EEXIST},    {ERROR_FILE_EXISTS, EEXIST},
    {ERROR_DISK_FULL, ENOSPC},         {ERROR_HANDLE_DISK_FULL, ENOSPC},
    {ERROR_NOT_ENOUGH_MEMORY, ENOMEM}, {ERROR_OUTOFMEMORY, ENOMEM},
    {ERROR_COMMITMENT_LIMIT, ENOMEM},  {ERROR_NO_SYSTEM_RESOURCES, ENOMEM},
    {ERROR_INVALID_HANDLE, EBADF},     {ERROR_INVALID_PARAMETER, EINVAL},
    {ERROR_FILE_TOO_LARGE, EFBIG},     {ERROR_FILENAME_EXCED_RANGE, ENAMETOOLONG},
    {ERROR_WRITE_PROTECT, EROFS},      {ERROR_TOO_MANY_OPEN_FILES, EMFILE},
};

struct by_local_free {
  void operator()(void* one) const noexcept { LocalFree(one); }
};

// The user of this process; empty: the system did not say.
std::vector<std::byte> our_user() {
  HANDLE token = nullptr;
  if (OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token) == 0) return {};
  DWORD bytes = 0;
  GetTokenInformation(token, TokenUser, nullptr, 0, &bytes);
  std::vector<std::byte> out(bytes);
  if (GetTokenInformation(token, TokenUser, out.data(), bytes, &bytes) == 0) out.clear();
  CloseHandle(token);
  return out;
}

PSID sid_of(std::vector<std::byte>& user) noexcept {
  return reinterpret_cast<TOKEN_USER*>(user.data())->User.Sid;
}

SECURITY_ATTRIBUTES made_for_owner() {
  SECURITY_ATTRIBUTES out{sizeof out, nullptr, FALSE};
  auto user = our_user();
  wchar_t* text = nullptr;
  if (user.empty() || ConvertSidToStringSidW(sid_of(user), &text) == 0) return out;
  const std::unique_ptr<wchar_t, by_local_free> kept(text);
  const auto list = L"D:P(A;;GA;;;" + std::wstring(text) + L")";
  // Kept as long as the process.
  if (ConvertStringSecurityDescriptorToSecurityDescriptorW(
          list.c_str(), SDDL_REVISION_1, &out.lpSecurityDescriptor, nullptr) == 0) {
    out.lpSecurityDescriptor = nullptr;
  }
  return out;
}

struct kept_things {
  using one = std::pair<int, std::shared_ptr<void>>;
  std::mutex mutex;
  std::vector<one> all;
};
kept_things& kept() noexcept {
  static auto* const made = new kept_things;  // outlives the last file that is closed at exit
  return *made;
}

}  // namespace

HANDLE handle_of(int file) noexcept {
  if (file < 0) return INVALID_HANDLE_VALUE;
  return reinterpret_cast<HANDLE>(_get_osfhandle(file));
}

descriptor numbered(HANDLE handle, bool is_writable) noexcept {
  if (handle == INVALID_HANDLE_VALUE || handle == nullptr) {
    set_errno();
    return {};
  }
  const int flags = _O_BINARY | _O_NOINHERIT | (is_writable ? _O_RDWR : _O_RDONLY);
  const int number = _open_osfhandle(reinterpret_cast<std::intptr_t>(handle), flags);
  if (number >= 0) return descriptor(number);
  CloseHandle(handle);  // the runtime has 2048 numbers at most
  errno = EMFILE;
  return {};
}

std::byte* mapped(int file, std::size_t bytes, bool is_writable) noexcept {
  const auto section = CreateFileMappingW(
      handle_of(file), nullptr, is_writable ? PAGE_READWRITE : PAGE_READONLY, 0, 0, nullptr);
  if (section == nullptr) {
    set_errno();
    return nullptr;
  }
  void* const view = MapViewOfFile(
      section, is_writable ? FILE_MAP_READ | FILE_MAP_WRITE : FILE_MAP_READ, 0, 0, bytes);
  if (view == nullptr) set_errno();
  CloseHandle(section);
  return static_cast<std::byte*>(view);
}

std::wstring wide(const std::string& path) {
  const int bytes = static_cast<int>(path.size());
  std::wstring out(path.size(), L'\0');
  const int count =
      MultiByteToWideChar(CP_UTF8, 0, path.data(), bytes, out.data(), static_cast<int>(out.size()));
  out.resize(static_cast<std::size_t>(count));
  std::ranges::replace(out, L'/', L'\\');
  if (out.starts_with(L"\\\\?\\")) return out;
  return out.starts_with(L"\\\\") ? L"\\\\?\\UNC" + out.substr(1) : L"\\\\?\\" + out;
}

std::string narrow(const std::wstring& text) {
  const int letters = static_cast<int>(text.size());
  std::string out(4 * text.size(), '\0');
  const int count = WideCharToMultiByte(CP_UTF8, 0, text.data(), letters, out.data(),
                                        static_cast<int>(out.size()), nullptr, nullptr);
  out.resize(static_cast<std::size_t>(count));
  return out;
}

std::string variable(const wchar_t* name) {
  std::wstring out(32767, L'\0');  // the longest that one can be
  out.resize(GetEnvironmentVariableW(name, out.data(), static_cast<DWORD>(out.size())));
  return narrow(out);
}

void set_errno() noexcept {
  const DWORD last = GetLastError();
  errno = EIO;
  for (const auto& one : errors) {
    if (one.theirs == last) errno = one.ours;
  }
}

SECURITY_ATTRIBUTES* owner_only() noexcept {
  static SECURITY_ATTRIBUTES made = made_for_owner();
  return made.lpSecurityDescriptor != nullptr ? &made : nullptr;
}

bool is_ours(HANDLE file) noexcept {
  PSID owner = nullptr;
  void* all = nullptr;
  if (GetSecurityInfo(file, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, &owner, nullptr, nullptr,
                      nullptr, &all) != ERROR_SUCCESS) {
    return false;
  }
  const std::unique_ptr<void, by_local_free> kept(all);
  auto user = our_user();
  return (!user.empty() && EqualSid(owner, sid_of(user)) != 0) ||
         IsWellKnownSid(owner, WinBuiltinAdministratorsSid) != 0 ||
         IsWellKnownSid(owner, WinLocalSystemSid) != 0;
}

std::optional<identity> identity_of(HANDLE file) noexcept {
  BY_HANDLE_FILE_INFORMATION info{};
  if (GetFileInformationByHandle(file, &info) == 0) {
    set_errno();
    return std::nullopt;
  }
  return identity{info.dwVolumeSerialNumber,
                  std::uint64_t{info.nFileIndexHigh} << 32 | info.nFileIndexLow};
}

std::optional<identity> identity_at(const std::string& path) noexcept {
  const auto handle =
      CreateFileW(wide(path).c_str(), FILE_READ_ATTRIBUTES,
                  FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr, OPEN_EXISTING,
                  FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, nullptr);
  if (handle == INVALID_HANDLE_VALUE) {
    set_errno();
    return std::nullopt;
  }
  const auto out = identity_of(handle);
  CloseHandle(handle);
  return out;
}

void keep_with(int file, std::shared_ptr<void> what) noexcept {
  const std::lock_guard guard(kept().mutex);
  kept().all.emplace_back(file, std::move(what));
}

std::shared_ptr<void> kept_with(int file) noexcept {
  const std::lock_guard guard(kept().mutex);
  const auto found = std::ranges::find(kept().all, file, &kept_things::one::first);
  return found != kept().all.end() ? found->second : nullptr;
}

void forget_kept(int file) noexcept {
  std::shared_ptr<void> gone;  // ends behind the lock: it may close numbers of its own
  const std::lock_guard guard(kept().mutex);
  const auto found = std::ranges::find(kept().all, file, &kept_things::one::first);
  if (found == kept().all.end()) return;
  gone = std::move(found->second);
  kept().all.erase(found);
}

}  // namespace annulus::windows
