// Runs of the `annulus` command, and the files and channels that they work on.
#pragma once

#include "cli/exit_code.hpp"
#include "own_directory.hpp"
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <annulus/channel/directory.hpp>
#include <annulus/ring/inspect.hpp>
#include <annulus/ring/segment.hpp>

namespace annulus::testing {

inline constexpr std::uint64_t mebibyte = 1 << 20;

inline const own_directory all_channels;

// Files and channels of one test, gone with it.
class place {
 public:
  place() {
    std::string pattern = all_channels.path() + "/files-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    ring_ = "test-" + std::filesystem::path(folder_).filename().string();
  }
  ~place() {
    static_cast<void>(segment::remove(ring_, true));
    for (const auto* end : {".pipe", ".pipe.roles", ".auto"}) unlink(left(end).c_str());
    std::filesystem::remove_all(folder_);
  }
  place(const place&) = delete;
  place& operator=(const place&) = delete;

  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] const std::string& ring() const { return ring_; }
  [[nodiscard]] std::string endpoint() const { return "shm:" + ring_; }
  [[nodiscard]] std::string pipe() const { return "pipe:" + ring_; }
  [[nodiscard]] std::string any() const { return "auto:" + ring_; }
  // What a channel of this name leaves, for example its ".pipe".
  [[nodiscard]] std::string left(const std::string& end) const {
    return files::directory() + "/annulus." + ring_ + end;
  }
  [[nodiscard]] bool has_ring() const { return static_cast<bool>(segment::open(ring_)); }
  [[nodiscard]] bool has_ring_consumer() const {
    return seen_of_ring().consumer.state == presence::attached;
  }
  [[nodiscard]] std::uint64_t received_from_ring() const {
    return seen_of_ring().consumer.counters.messages;
  }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::error_code none;
    const auto size = std::filesystem::file_size(path(name), none);
    std::string text(none ? 0 : size, '\0');
    std::ifstream(path(name), std::ios::binary).read(text.data(), std::ssize(text));
    return text;
  }

  // Nothing seen: there is none.
  [[nodiscard]] ring_report seen_of_ring() const {
    const auto ring = segment::open(ring_);
    auto seen = ring ? inspect(*ring) : result<ring_report>(ring_report{});
    return seen ? std::move(*seen) : ring_report{};
  }

 private:
  std::string folder_;
  std::string ring_;
};

inline std::string random_text(std::size_t bytes, unsigned seed = 1) {
  std::mt19937_64 random(seed);
  std::string out(bytes, '\0');
  for (std::size_t i = 0; i + 8 <= bytes; i += 8) {
    const auto word = random();
    std::memcpy(out.data() + i, &word, 8);
  }
  return out;
}

// A run of the command, killed and reaped at the latest with this object.
class run {
 public:
  struct streams {
    std::string in = "/dev/null";
    std::string out = "/dev/null";
    std::string err = "/dev/null";
    int out_file = -1;  // instead of `out`
    int in_file = -1;
  };

  run(const std::vector<std::string>& words, const streams& s) : pid_(fork()) {
    if (pid_ != 0) return;
    std::vector<char*> argv{const_cast<char*>("annulus")};
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC;
    dup2(s.in_file >= 0 ? s.in_file : open(s.in.c_str(), O_RDONLY), STDIN_FILENO);
    dup2(s.out_file >= 0 ? s.out_file : open(s.out.c_str(), flags, 0600), STDOUT_FILENO);
    dup2(open(s.err.c_str(), flags, 0600), STDERR_FILENO);
    closefrom(3);
    execv(ANNULUS_COMMAND, argv.data());
    _exit(126);
  }
  ~run() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  run(const run&) = delete;
  run& operator=(const run&) = delete;

  void send_signal(int signal) const { kill(pid_, signal); }
  // Whether it has a file of this path in its memory: it has opened it, and attaches or looks.
  [[nodiscard]] bool has_mapped(const std::string& path) const {
    std::ifstream maps("/proc/" + std::to_string(pid_) + "/maps");
    for (std::string line; std::getline(maps, line);) {
      if (line.ends_with(path)) return true;
    }
    return false;
  }
  [[nodiscard]] bool has_children() const {
    const auto pid = std::to_string(pid_);
    std::ifstream children("/proc/" + pid + "/task/" + pid + "/children");
    int child = 0;
    return static_cast<bool>(children >> child);
  }

  // The exit code; 256 + n after death by signal n.
  int wait() {
    int how = 0;
    waitpid(std::exchange(pid_, 0), &how, 0);
    return WIFEXITED(how) ? WEXITSTATUS(how) : 256 + WTERMSIG(how);
  }

 private:
  pid_t pid_;
};

struct answer {
  int code;
  std::string out;
  std::string err;
};

inline answer annulus_says(const place& at, const std::vector<std::string>& words,
                           const std::string& in = "") {
  run one(words,
          {.in = at.write("says.in", in), .out = at.path("says.out"), .err = at.path("says.err")});
  const int code = one.wait();
  return {code, at.read("says.out"), at.read("says.err")};
}

inline int code(cli::exit_code c) { return static_cast<int>(c); }

// Polls until it holds; a minute at most.
inline bool eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

// A message behind its length, as --frames has it.
inline std::string frame(const std::string& text) {
  std::string out(4, '\0');
  const auto size = static_cast<std::uint32_t>(text.size());
  for (unsigned i = 0; i < 4; ++i) out[i] = static_cast<char>(size >> (8 * i));
  return out + text;
}

}  // namespace annulus::testing
