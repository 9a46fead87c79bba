#include "cli/system.hpp"

#include <fcntl.h>
#include <io.h>
#include <windows.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include <annulus/channel/windows/handle.hpp>

namespace annulus::cli {
namespace streams {
namespace {

using windows::handle_of;

constexpr std::size_t most_at_once = std::size_t{1} << 30;
constexpr DWORD all_share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

int opened(const std::string& path, DWORD rights, DWORD how) noexcept {
  std::wstring name = windows::wide(path);
  if (!files::is_path(path)) name.erase(0, 4);  // \\?\ goes with whole paths only
  const auto handle =
      CreateFileW(name.c_str(), rights, all_share, nullptr, how, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle == INVALID_HANDLE_VALUE) {
    windows::set_errno();
    return -1;
  }
  const int flags = _O_BINARY | _O_NOINHERIT | (rights == GENERIC_READ ? _O_RDONLY : _O_RDWR);
  return _open_osfhandle(reinterpret_cast<std::intptr_t>(handle), flags);
}

}  // namespace

void occupy() noexcept {
  for (int number = 0; number <= 2; ++number) {
    if (_setmode(number, _O_BINARY) < 0) {
      static_cast<void>(_open("NUL", number == 0 ? _O_WRONLY : _O_RDONLY));
    }
  }
}

int open_to_read(const std::string& path) noexcept {
  return opened(path, GENERIC_READ, OPEN_EXISTING);
}

int open_to_write(const std::string& path) noexcept {
  return opened(path, GENERIC_READ | GENERIC_WRITE, OPEN_EXISTING);
}

int make_to_write(const std::string& path, bool must_be_new) noexcept {
  return opened(path, GENERIC_READ | GENERIC_WRITE, must_be_new ? CREATE_NEW : OPEN_ALWAYS);
}

void widen(int) noexcept {}

std::ptrdiff_t read_some(int number, std::span<std::byte> into) noexcept {
  DWORD got = 0;
  const auto count = static_cast<DWORD>(std::min(into.size(), most_at_once));
  if (ReadFile(handle_of(number), into.data(), count, &got, nullptr) != 0) return got;
  if (GetLastError() == ERROR_BROKEN_PIPE || GetLastError() == ERROR_HANDLE_EOF) return 0;
  windows::set_errno();
  return -1;
}

// One after the other: what did not go tells in the next call why.
std::ptrdiff_t write_some(int number, std::span<const piece> pieces) noexcept {
  std::ptrdiff_t all = 0;
  for (const auto& one : pieces) {
    DWORD done = 0;
    const auto count = static_cast<DWORD>(std::min(one.size, most_at_once));
    if (WriteFile(handle_of(number), one.data, count, &done, nullptr) == 0) {
      const auto why = GetLastError();
      windows::set_errno();
      if (why == ERROR_BROKEN_PIPE || why == ERROR_NO_DATA) errno = EPIPE;
      return all > 0 ? all : -1;
    }
    all += done;
    if (done < one.size) break;
  }
  return all;
}

void wait_to_read(int) noexcept { Sleep(1); }
void wait_to_write(int) noexcept { Sleep(1); }

void write_remark(std::string_view text) noexcept {
  const auto bytes = std::as_bytes(std::span(text));
  const piece one{bytes.data(), bytes.size()};
  static_cast<void>(write_some(2, {&one, 1}));
}

bool is_reader_gone() noexcept { return false; }

bool is_at(int number, const std::string& path) noexcept {
  const auto own = windows::identity_of(handle_of(number));
  return own && own == windows::identity_at(path);
}

}  // namespace streams

void set_variable(const char* name, const std::string& value) {
  SetEnvironmentVariableA(name, value.c_str());
}

// Users have no numbers here.
std::string name_of_user(std::uint32_t) { return "-"; }

}  // namespace annulus::cli
