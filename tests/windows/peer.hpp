// A process of a test: a program beside it, started with these words, and killed if it is still
// there.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include <annulus/channel/windows/handle.hpp>

namespace annulus::testing {

// Long enough for the slowest machine, short enough to end.
inline constexpr DWORD patience = 60'000;  // ms

// An event that test and peer share, by name.
class signal_event {
 public:
  explicit signal_event(const std::string& name)
      : handle_(CreateEventA(nullptr, FALSE, FALSE, ("Local\\" + name).c_str())) {}
  signal_event(const signal_event&) = delete;
  signal_event& operator=(const signal_event&) = delete;
  ~signal_event() { CloseHandle(handle_); }

  void set() const { SetEvent(handle_); }
  [[nodiscard]] bool wait() const {
    return WaitForSingleObject(handle_, patience) == WAIT_OBJECT_0;
  }

 private:
  HANDLE handle_;
};

// What a process has for its standard streams; null: what the test has.
struct streams {
  HANDLE in = nullptr, out = nullptr, error = nullptr;
};

class peer {
 public:
  explicit peer(const std::vector<std::string>& words) : peer(L"" WINDOWS_ROLE, words, streams{}) {}
  // Requires: children inherit the handles.
  peer(const std::wstring& program, const std::vector<std::string>& words, streams of) {
    std::wstring own(32768, L'\0');
    own.resize(GetModuleFileNameW(nullptr, own.data(), static_cast<DWORD>(own.size())));
    const auto folder = own.substr(0, own.find_last_of(L"\\/") + 1);
    std::wstring line = L"\"" + folder + program + L"\"";
    for (const auto& word : words) line += L" " + std::wstring(word.begin(), word.end());
    STARTUPINFOW start{};
    start.cb = sizeof start;
    start.dwFlags = STARTF_USESTDHANDLES;
    const auto or_own = [](HANDLE one, DWORD which) {
      return one != nullptr ? one : GetStdHandle(which);
    };
    start.hStdInput = or_own(of.in, STD_INPUT_HANDLE);
    start.hStdOutput = or_own(of.out, STD_OUTPUT_HANDLE);
    start.hStdError = or_own(of.error, STD_ERROR_HANDLE);
    is_there_ = CreateProcessW(nullptr, line.data(), nullptr, nullptr, TRUE, 0, nullptr, nullptr,
                               &start, &process_) != 0;
    EXPECT_TRUE(is_there_);
  }
  peer(const peer&) = delete;
  peer& operator=(const peer&) = delete;
  ~peer() {
    if (!is_there_) return;
    kill();
    CloseHandle(process_.hThread);
    CloseHandle(process_.hProcess);
  }

  void kill() {
    TerminateProcess(process_.hProcess, 99);
    WaitForSingleObject(process_.hProcess, patience);
  }
  // 98: it has not ended in time.
  [[nodiscard]] DWORD exit_status() {
    if (WaitForSingleObject(process_.hProcess, patience) != WAIT_OBJECT_0) return 98;
    DWORD out = 98;
    GetExitCodeProcess(process_.hProcess, &out);
    return out;
  }

 private:
  PROCESS_INFORMATION process_{};
  bool is_there_ = false;
};

}  // namespace annulus::testing
