// A NATS server for a test: private, on a free port, its streams in a directory that goes with it.
#pragma once

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace annulus::testing {

class nats_server {
 public:
  // With more words for its command line.
  explicit nats_server(std::vector<std::string> more = {}) : nats_server("127.0.0.1", {}, more) {}
  // At an address, started by words that come before it: in a network of its own, say.
  nats_server(std::string host, std::vector<std::string> wrapper, std::vector<std::string> more)
      : host_(std::move(host)), wrapper_(std::move(wrapper)), more_(std::move(more)) {
    std::string made = (std::filesystem::temp_directory_path() / "annulus.nats.XXXXXX").string();
    if (mkdtemp(made.data()) == nullptr) std::abort();
    directory_ = made;
    start();
  }
  nats_server(const nats_server&) = delete;
  nats_server& operator=(const nats_server&) = delete;
  ~nats_server() {
    if (std::this_thread::get_id() == owner_ && getpid() == process_) {
      kill();
      std::filesystem::remove_all(directory_);
    }
  }

  [[nodiscard]] int port() const noexcept { return port_; }
  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
  // nats://HOST:PORT/STREAM?OPTIONS
  [[nodiscard]] std::string at(const std::string& stream, const std::string& options = "") const {
    return "nats://" + host_ + ":" + std::to_string(port_) + "/" + stream +
           (options.empty() ? "" : "?" + options);
  }

  [[nodiscard]] bool is_running() const noexcept { return pid_ > 0; }
  // Its own, and what the kernel did for it.
  [[nodiscard]] std::chrono::nanoseconds processor_time() const {
    clockid_t clock{};
    timespec spent{};
    if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &spent) != 0) return {};
    return std::chrono::seconds(spent.tv_sec) + std::chrono::nanoseconds(spent.tv_nsec);
  }
  // As kill -9 does, or with another signal; SIGSTOP and SIGCONT let it live.
  void signal(int number) const { ::kill(pid_, number); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    waitpid(std::exchange(pid_, 0), nullptr, 0);
  }
  // On the port that it had, and on its streams.
  void start() {
    const auto ports = directory_ / "ports";
    std::filesystem::remove_all(ports);
    std::filesystem::create_directory(ports);
    auto words = wrapper_;
    for (const auto& word : {std::string(NATS_SERVER), std::string("-a"), host_, std::string("-p"),
                             port_ == 0 ? std::string("-1") : std::to_string(port_)}) {
      words.push_back(word);
    }
    const auto streams = (directory_ / "streams").string();
    for (const auto& word : {std::string("-js"), std::string("-sd"), streams,
                             std::string("--ports_file_dir"), ports.string()}) {
      words.push_back(word);
    }
    words.insert(words.end(), more_.begin(), more_.end());
    run(words);
    await(ports);
  }

 private:
  void run(const std::vector<std::string>& words) {
    pid_ = fork();
    if (pid_ != 0) return;
    std::vector<char*> argv;
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    const auto log = (directory_ / "log").string();
    if (std::freopen(log.c_str(), "a", stderr) == nullptr) _exit(125);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that is killed leaves no server
    execvp(argv[0], argv.data());
    _exit(126);
  }
  // It writes its ports into a file when it is ready.
  void await(const std::filesystem::path& ports) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    const auto name = "nats-server_" + std::to_string(pid_) + ".ports";
    for (;;) {
      std::ifstream file(ports / name);
      const std::string text{std::istreambuf_iterator<char>(file), {}};
      // {"nats":["nats://HOST:PORT"],"cluster":[...]}
      if (const auto end = text.find(']'); end != text.npos) {
        port_ = std::atoi(text.c_str() + text.rfind(':', end) + 1);
        return;
      }
      if (std::chrono::steady_clock::now() > until) {
        ADD_FAILURE() << "nats-server did not start; see " << directory_ / "log";
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  std::string host_;
  std::vector<std::string> wrapper_, more_;
  std::filesystem::path directory_;
  pid_t pid_ = 0;
  int port_ = 0;
  pid_t process_ = getpid();
  std::thread::id owner_ = std::this_thread::get_id();
};

}  // namespace annulus::testing
