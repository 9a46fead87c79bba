// A million messages go around through programs in three languages, which are killed again and
// again.
//
//     relay station FROM TO          passes on what comes, until its producer closes
//     relay around COUNT PROGRAM...  sends messages through a row of such programs and checks them
//
// A station reads, pushes, and then releases. So one that is killed loses nothing, and the one
// message that it had pushed and not yet released is redelivered by its successor: at most one for
// each death, next to its twin. That much is checked, and the order, and every byte.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <annulus/bus/bus.hpp>

namespace {

using namespace std::chrono_literals;
using annulus::status;

constexpr auto patience = 60s;

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "relay: %s\n", why.c_str());
  std::_Exit(1);
}

[[noreturn]] void fail(std::string what, status why) {
  fail((what += ": ") += annulus::to_string(why));
}

template <class Role>
Role opened(annulus::result<Role> got) {
  if (!got) fail(got.error().message);
  return std::move(*got);
}

int station(const char* from, const char* to) {
  auto rx = opened(annulus::open_consumer(from));
  auto tx = opened(annulus::open_producer(to));
  for (;;) {
    const auto got = rx.read(annulus::within(patience));
    if (got.status() == status::closed) return 0;
    if (got.status() == status::peer_gone) continue;  // its successor is on its way
    if (!got) fail("read", got.status());
    status s;
    do s = tx.push(got.bytes(), annulus::within(patience));
    while (s == status::peer_gone);
    if (s != status::ok) fail("push", s);
    rx.release();
  }
}

// The number, and up to seven words that follow from it.
struct numbered {
  std::array<std::uint64_t, 8> words{};
  std::size_t count;

  explicit numbered(std::uint64_t n) : count(1 + n % words.size()) {
    for (std::size_t i = 0; i < count; ++i) words[i] = n + i * 0x9e3779b97f4a7c15;
  }
  [[nodiscard]] annulus::message bytes() const {
    return std::as_bytes(std::span(words).first(count));
  }
};

pid_t started(const std::string& program, const std::string& from, const std::string& to) {
  const pid_t pid = fork();
  if (pid < 0) fail("fork");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // a station does not outlive a failed test
    execl(program.c_str(), program.c_str(), "station", from.c_str(), to.c_str(), nullptr);
    _exit(127);
  }
  return pid;
}

int status_of(pid_t pid) {
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) fail("waitpid");
  return status;
}

class journey {
 public:
  journey(std::uint64_t count, std::vector<std::string> programs)
      : count_(count), programs_(std::move(programs)) {
    for (std::size_t i = 0; i <= programs_.size(); ++i) {
      names_.push_back("shm:relay." + std::to_string(getpid()) + "." + std::to_string(i));
    }
  }
  ~journey() {
    for (const auto& name : names_) (void)annulus::bus::remove(*annulus::bus::parse(name), true);
  }

  int run() {
    auto tx = opened(annulus::open_producer(names_.front()));
    auto rx = opened(annulus::open_consumer(names_.back()));
    for (std::size_t i = 0; i < programs_.size(); ++i) stations_.push_back(start(i));
    std::thread sending([&] { send(std::move(tx)); });
    receive(rx);
    sending.join();
    for (const pid_t pid : stations_) {
      if (status_of(pid) != 0) fail("a station failed");
    }
    std::printf("%llu messages through %zu programs, %zu kills: %llu came twice\n",
                static_cast<unsigned long long>(count_), programs_.size(), kills,
                static_cast<unsigned long long>(twice_));
    return 0;
  }

 private:
  pid_t start(std::size_t i) { return started(programs_[i], names_[i], names_[i + 1]); }

  void send(annulus::bus_producer tx) {
    for (std::uint64_t n = 0; n < count_; ++n) {
      status s;
      do s = tx.push(numbered(n).bytes(), annulus::within(patience));
      while (s == status::peer_gone);
      if (s != status::ok) fail("sending", s);
    }
  }

  void receive(annulus::bus_consumer& rx) {
    std::uint64_t next = 0;
    for (std::uint64_t due = kill_point(0);;) {
      const auto got = rx.read(annulus::within(patience));
      if (got.status() == status::closed) break;
      if (got.status() == status::peer_gone) continue;
      if (!got) fail("receiving", got.status());
      check(got.bytes(), next);
      rx.release();
      if (next == due) due = kill_one();
    }
    if (next != count_) fail(std::to_string(count_ - next) + " messages are lost");
    if (killed_ != kills) fail("not all kills were made");
    if (twice_ > killed_) fail(std::to_string(twice_) + " messages came twice");
  }

  void check(annulus::message got, std::uint64_t& next) {
    std::uint64_t n = 0;
    std::memcpy(&n, got.data(), std::min(sizeof n, got.size()));
    const numbered wanted(n);
    const auto bytes = wanted.bytes();
    if (got.size() != bytes.size() || std::memcmp(got.data(), bytes.data(), got.size()) != 0)
      fail("message " + std::to_string(n) + " is damaged");
    if (n + 1 == next) {
      ++twice_;
    } else if (n == next) {
      ++next;
    } else {
      fail("message " + std::to_string(n) + " comes where " + std::to_string(next) + " is due");
    }
  }

  // So many messages in, the i-th kill is due.
  std::uint64_t kill_point(std::size_t i) {
    if (i == kills) return count_ + 1;
    const auto part = count_ / (kills + 1);
    return part * i + 1 + random_() % part;
  }
  std::uint64_t kill_one() {
    const auto i = killed_ % programs_.size();
    kill(stations_[i], SIGKILL);
    if (const int how = status_of(stations_[i]); !WIFSIGNALED(how))
      fail("a station ended by itself");
    stations_[i] = start(i);
    return kill_point(++killed_);
  }

  static constexpr std::size_t kills = 30;

  std::uint64_t count_;
  std::vector<std::string> programs_, names_;
  std::vector<pid_t> stations_;
  std::size_t killed_ = 0;
  std::uint64_t twice_ = 0;
  std::mt19937_64 random_{[] {
    const char* const given = std::getenv("SEED");
    const auto seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
    std::printf("SEED=%llu\n", static_cast<unsigned long long>(seed));
    return seed;
  }()};
};

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "station" && argc == 4) return station(argv[2], argv[3]);
  if (what == "around" && argc > 3)
    return journey(std::strtoull(argv[2], nullptr, 10), {argv + 3, argv + argc}).run();
  std::fputs("relay station FROM TO | relay around COUNT PROGRAM...\n", stderr);
  return 2;
}
