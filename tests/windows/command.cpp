// The command on Windows: send, recv and stat between processes, one of which is killed.
#include "bytes.hpp"
#include "names.hpp"
#include "peer.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace annulus::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// A file that children can have for a standard stream, gone with its object.
class stream_file {
 public:
  stream_file() : path_(files::directory() + "\\" + unused_name()) {
    SECURITY_ATTRIBUTES inherited{sizeof inherited, nullptr, TRUE};
    handle_ = CreateFileW(windows::wide(path_).c_str(), GENERIC_READ | GENERIC_WRITE,
                          FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, &inherited,
                          CREATE_NEW, 0, nullptr);
    EXPECT_NE(handle_, INVALID_HANDLE_VALUE);
  }
  explicit stream_file(const octets& content) : stream_file() {
    DWORD done = 0;
    EXPECT_TRUE(
        WriteFile(handle_, content.data(), static_cast<DWORD>(content.size()), &done, nullptr));
    SetFilePointer(handle_, 0, nullptr, FILE_BEGIN);
  }
  stream_file(const stream_file&) = delete;
  stream_file& operator=(const stream_file&) = delete;
  ~stream_file() {
    CloseHandle(handle_);
    (void)files::remove(path_);
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] HANDLE handle() const noexcept { return handle_; }
  [[nodiscard]] octets content() const {
    const auto file = files::existing(path_, access::read_only);
    octets out;
    octets some(1 << 20);
    for (;;) {
      const auto got = files::read_at(file.number(), some.data(), some.size(), out.size());
      if (got <= 0) return out;
      out.insert(out.end(), some.begin(), some.begin() + got);
    }
  }

 private:
  std::string path_;
  HANDLE handle_ = INVALID_HANDLE_VALUE;
};

// A pipe that a child reads its input from, until it is closed.
class input_pipe {
 public:
  input_pipe() {
    SECURITY_ATTRIBUTES inherited{sizeof inherited, nullptr, TRUE};
    EXPECT_TRUE(CreatePipe(&in_, &out_, &inherited, 0));
    SetHandleInformation(out_, HANDLE_FLAG_INHERIT, 0);
  }
  input_pipe(const input_pipe&) = delete;
  input_pipe& operator=(const input_pipe&) = delete;
  ~input_pipe() {
    CloseHandle(in_);
    if (out_ != nullptr) CloseHandle(out_);
  }

  [[nodiscard]] HANDLE in() const noexcept { return in_; }
  // The input ends, once the child alone has it.
  void close() {
    CloseHandle(out_);
    out_ = nullptr;
  }
  void write(const std::string& text) const {
    DWORD done = 0;
    EXPECT_TRUE(WriteFile(out_, text.data(), static_cast<DWORD>(text.size()), &done, nullptr));
  }

 private:
  HANDLE in_ = nullptr, out_ = nullptr;
};

peer command(const std::vector<std::string>& words, streams of = {}) {
  return peer(L"annulus.exe", words, of);
}

class WindowsCommand : public ::testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] std::string channel() const { return GetParam() + std::string(":") + name_.str(); }

  scratch_name name_;
};

INSTANTIATE_TEST_SUITE_P(Over, WindowsCommand, ::testing::Values("shm", "pipe", "auto"),
                         [](const auto& one) { return std::string(one.param); });

TEST_P(WindowsCommand, a_stream_arrives_as_it_was_sent_and_leaves_no_channel) {
  const stream_file sent(pattern(3'000'001, 1));
  const stream_file received;
  peer recv(L"annulus.exe", {"recv", channel(), "--timeout", "60s"}, {.out = received.handle()});
  peer send(L"annulus.exe", {"send", channel(), "--timeout", "60s"}, {.in = sent.handle()});
  EXPECT_EQ(send.exit_status(), 0u);
  EXPECT_EQ(recv.exit_status(), 0u);
  EXPECT_TRUE(received.content() == sent.content());
  const stream_file said;
  EXPECT_EQ(command({"stat"}, {.out = said.handle()}).exit_status(), 0u);
  EXPECT_THAT(text(said.content()), ::testing::Not(HasSubstr(name_.str())));
}

TEST_P(WindowsCommand, send_and_recv_end_with_the_input) {
  input_pipe input;
  const stream_file received;
  peer send(L"annulus.exe", {"send", channel(), "--lines"}, {.in = input.in()});
  peer recv(L"annulus.exe", {"recv", channel(), "--lines", "--timeout", "60s"},
            {.out = received.handle()});
  input.write("one\ntwo\n");
  input.close();
  EXPECT_EQ(send.exit_status(), 0u);
  EXPECT_EQ(recv.exit_status(), 0u);
  EXPECT_EQ(text(received.content()), "one\ntwo\n");
}

TEST_P(WindowsCommand, a_killed_send_is_told_and_what_it_had_sent_is_written_out) {
  const input_pipe input;
  const stream_file received;
  peer send(L"annulus.exe", {"send", channel(), "--lines"}, {.in = input.in()});
  peer recv(L"annulus.exe", {"recv", channel(), "--lines", "--timeout", "60s"},
            {.out = received.handle()});
  input.write("one\ntwo\n");
  while (received.content().size() < 8) std::this_thread::yield();
  send.kill();
  EXPECT_EQ(recv.exit_status(), 5u);
  EXPECT_EQ(text(received.content()), "one\ntwo\n");
  (void)command({"remove", channel(), "--force"}).exit_status();
}

TEST_P(WindowsCommand, what_a_killed_recv_had_not_written_out_comes_to_the_next) {
  const stream_file first;
  ASSERT_EQ(command({"create", channel()}).exit_status(), 0u);
  const input_pipe input;
  peer send(L"annulus.exe", {"send", channel(), "--lines", "--keep"}, {.in = input.in()});
  peer killed(L"annulus.exe", {"recv", channel(), "--lines"}, {.out = first.handle()});
  input.write("1\n2\n");
  while (first.content().size() < 4) std::this_thread::yield();
  killed.kill();
  input.write("3\n4\n");
  const stream_file second;
  peer next(L"annulus.exe", {"recv", channel(), "--lines", "--count", "2", "--timeout", "60s"},
            {.out = second.handle()});
  EXPECT_EQ(next.exit_status(), 0u);
  // The last of the first may come again, where it was killed before it had released it.
  EXPECT_THAT(text(second.content()), ::testing::AnyOf("3\n4\n", "2\n3\n", "1\n2\n"));
  send.kill();
  EXPECT_EQ(command({"remove", channel(), "--force"}).exit_status(), 0u);
}

TEST_P(WindowsCommand, stat_tells_of_a_channel_and_its_roles) {
  ASSERT_EQ(command({"create", channel()}).exit_status(), 0u);
  const input_pipe input;
  peer send(L"annulus.exe", {"send", channel(), "--lines"}, {.in = input.in()});
  input.write("one\n");
  for (;;) {
    const stream_file said;
    ASSERT_EQ(command({"stat", channel(), "--json"}, {.out = said.handle()}).exit_status(), 0u);
    const auto page = text(said.content());
    ASSERT_THAT(page, StartsWith("{"));
    if (page.find("\"messages\": 1") != page.npos) break;
  }
  const stream_file said;
  EXPECT_EQ(command({"stat", channel()}, {.out = said.handle()}).exit_status(), 0u);
  EXPECT_THAT(text(said.content()), HasSubstr("capacity"));
  EXPECT_EQ(command({"remove", channel()}).exit_status(), 4u);
  send.kill();
  EXPECT_EQ(command({"remove", channel()}).exit_status(), 0u);
  EXPECT_EQ(command({"stat", channel()}).exit_status(), 3u);
}

TEST(WindowsCommands, those_that_measure_are_not_there) {
  for (const char* one : {"bench", "compare"}) {
    const stream_file said;
    EXPECT_EQ(command({one}, {.error = said.handle()}).exit_status(), 2u);
    EXPECT_THAT(text(said.content()), HasSubstr("there is no subcommand"));
  }
  const stream_file said;
  EXPECT_EQ(command({"--help"}, {.out = said.handle()}).exit_status(), 0u);
  EXPECT_THAT(text(said.content()), ::testing::Not(HasSubstr("annulus bench")));
}

}  // namespace
}  // namespace annulus::testing
