// The pipe against bare write(2) and read(2) of the same frames on a FIFO, between two processes.
//
//     bench_pipe [rounds] [messages]
//
// Each round runs every way once, one after the other, so that a ratio compares neighbours. Told
// are the median rate of each way and the median, lowest and highest ratio to bare of its round.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <annulus/pipe/pipe.hpp>

namespace {

using namespace annulus;
using seconds = std::chrono::duration<double>;

constexpr std::size_t message_bytes = 128;
constexpr std::size_t frame = pipes::frame_bytes(message_bytes);
constexpr std::size_t batch_size = 100;

void require(bool holds, const char* what) {
  if (holds) return;
  std::perror(what);
  std::exit(1);
}

std::string scratch(const char* what) {
  return "/tmp/annulus.bench." + std::to_string(getpid()) + "." + what;
}

// Runs `push` in a process of its own and `read` here; returns the messages in a second.
template <class Push, class Read>
double rate(std::uint64_t count, Push push, Read read) {
  const auto start = std::chrono::steady_clock::now();
  const pid_t other = fork();
  require(other >= 0, "fork");
  if (other == 0) {
    push(count);
    _exit(0);
  }
  read(count);
  int status = 0;
  require(waitpid(other, &status, 0) == other && status == 0, "the pushing process");
  return static_cast<double>(count) / seconds(std::chrono::steady_clock::now() - start).count();
}

// Bare: one write and one read for each frame.
double bare(std::uint64_t count) {
  const auto path = scratch("bare");
  unlink(path.c_str());
  require(mkfifo(path.c_str(), 0600) == 0, "mkfifo");
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  require(file >= 0 && fcntl(file, F_SETPIPE_SZ, 1 << 20) > 0, "open");
  unlink(path.c_str());
  std::array<std::byte, frame> one{};
  const double got = rate(
      count,
      [&](std::uint64_t n) {
        while (n-- > 0) require(write(file, one.data(), frame) == frame, "write");
      },
      [&](std::uint64_t n) {
        while (n-- > 0) require(read(file, one.data(), frame) == frame, "read");
      });
  close(file);
  return got;
}

// The pipe, read a batch at a time, pushed by `push(producer, count)`.
template <class Push>
double piped(std::uint64_t count, std::uint32_t producers, std::size_t read_size, Push push) {
  const auto path = scratch("pipe");
  pipe_options shape;
  shape.producers = producers;
  auto made = named_pipe::create(path, shape);
  require(static_cast<bool>(made), "create");
  auto rx = pipe_consumer::attach(*made).value();
  const double got = rate(
      count,
      [&](std::uint64_t n) {
        auto tx = pipe_producer::attach(*made).value();
        push(tx, n);
      },
      [&](std::uint64_t n) {
        while (n > 0) {
          const auto some = rx.drain([](message) {}, read_size, no_deadline);
          require(some.count > 0, "drain");
          n -= some.count;
        }
      });
  rx.close();
  require(static_cast<bool>(named_pipe::remove(path, true)), "remove");
  return got;
}

void push_each(pipe_producer& to, std::uint64_t count) {
  const std::array<std::byte, message_bytes> one{};
  while (count-- > 0) require(to.push(message(one), no_deadline) == status::ok, "push");
}

void push_batches(pipe_producer& to, std::uint64_t count) {
  const std::array<std::byte, message_bytes> one{};
  const std::vector<message> many(batch_size, message(one));
  for (; count >= batch_size; count -= batch_size) {
    require(to.push_batch(many, no_deadline).count == batch_size, "push_batch");
  }
}

struct way {
  const char* name;
  double (*run)(std::uint64_t);
};

constexpr way ways[] = {
    {"bare: a write and a read each", bare},
    {"pipe, single, each read and released",
     [](std::uint64_t n) { return piped(n, 1, 1, push_each); }},
    {"pipe, single", [](std::uint64_t n) { return piped(n, 1, batch_size, push_each); }},
    {"pipe, single, of several producers",
     [](std::uint64_t n) { return piped(n, 4, batch_size, push_each); }},
    {"pipe, batches of 100", [](std::uint64_t n) { return piped(n, 1, batch_size, push_batches); }},
    {"pipe, batches of 100, of several producers",
     [](std::uint64_t n) { return piped(n, 4, batch_size, push_batches); }},
};

double median(std::vector<double> of) {
  std::ranges::nth_element(of, of.begin() + static_cast<long>(of.size() / 2));
  return of[of.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 7;
  const auto count = argc > 2 ? static_cast<std::uint64_t>(std::atoll(argv[2])) : 300'000;
  std::array<std::vector<double>, std::size(ways)> rates, ratios;
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < std::size(ways); ++i) {
      rates[i].push_back(ways[i].run(count / batch_size * batch_size));
      ratios[i].push_back(rates[i].back() / rates[0].back());
    }
  }
  std::printf("%zu-byte messages, %d rounds of %llu\n\n", message_bytes, rounds,
              static_cast<unsigned long long>(count));
  std::printf("%-44s %12s %7s %15s\n", "", "messages/s", "ratio", "lowest-highest");
  for (std::size_t i = 0; i < std::size(ways); ++i) {
    const auto [low, high] = std::ranges::minmax(ratios[i]);
    std::printf("%-44s %12.0f %7.2f %7.2f-%.2f\n", ways[i].name, median(rates[i]),
                median(ratios[i]), low, high);
  }
}
