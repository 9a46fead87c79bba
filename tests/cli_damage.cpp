// Every word of a ring and of a pipe's roles file, damaged: each command ends in time, with a code
// that is documented, whatever the words say.
//
// By default some bits of each word, drawn at random; with ANNULUS_DAMAGE=all every bit of each
// (some minutes). ANNULUS_SEED replays what was drawn.
#include "bytes.hpp"
#include "cli/commands.hpp"
#include "command.hpp"
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <annulus/pipe/pipe.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus {
namespace {

using namespace annulus::testing;
using words = std::vector<std::string>;

constexpr int limit_ms = 20'000;  // of one command, on a machine however busy
constexpr int last_code = 8;      // of the documented ones

bool wants_all() {
  const char* const asked = std::getenv("ANNULUS_DAMAGE");
  return asked != nullptr && std::string(asked) == "all";
}
unsigned seed() {
  const char* const asked = std::getenv("ANNULUS_SEED");
  const auto out = asked != nullptr ? static_cast<unsigned>(std::strtoul(asked, nullptr, 10))
                                    : std::random_device{}();
  std::printf("ANNULUS_SEED=%u\n", out);
  return out;
}

// The exit code of a command; -1: it did not end, -n: signal n ended it. In a child of its own,
// most of them without exec, which is quicker.
int code_of(const words& line, bool as_command) {
  const pid_t pid = fork();
  if (pid == 0) {
    std::vector<char*> argv{const_cast<char*>("annulus")};
    for (const auto& word : line) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    const int none = open("/dev/null", O_RDWR);
    for (const int stream : {0, 1, 2}) dup2(none, stream);
    if (as_command) execv(ANNULUS_COMMAND, argv.data());
    _exit(cli::run(static_cast<int>(argv.size()) - 1, argv.data()));
  }
  const int watched = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  pollfd ended{watched, POLLIN, 0};
  const bool is_over = poll(&ended, 1, limit_ms) == 1;
  if (!is_over) kill(pid, SIGKILL);
  close(watched);
  int how = 0;
  waitpid(pid, &how, 0);
  if (!is_over) return -1;
  return WIFEXITED(how) ? WEXITSTATUS(how) : -WTERMSIG(how);
}

std::string content_of(const std::string& path) {
  std::string out;
  char some[4096];
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  for (ssize_t got = 0; (got = read(file, some, sizeof some)) > 0;) {
    out.append(some, static_cast<std::size_t>(got));
  }
  close(file);
  return out;
}
void write_file(const std::string& path, const std::string& content) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ASSERT_EQ(write(file, content.data(), content.size()), std::ssize(content));
  close(file);
}

// Values that take a word's place: bits flipped, and extremes.
std::vector<std::uint64_t> values_for(std::uint64_t word, std::mt19937_64& random) {
  std::vector<std::uint64_t> out{0, ~std::uint64_t{0}, std::uint64_t{1} << 63, word + 1,
                                 word + (std::uint64_t{1} << 60)};
  if (wants_all()) {
    for (unsigned bit = 0; bit < 64; ++bit) out.push_back(word ^ std::uint64_t{1} << bit);
    return out;
  }
  const auto drawn = random();
  return {out[drawn % out.size()], word ^ std::uint64_t{1} << (drawn >> 8 & 3),
          word ^ std::uint64_t{1} << (drawn >> 16 & 63)};
}

class damaging {
 public:
  damaging(std::string path, std::string image, std::vector<words> lines)
      : path_(std::move(path)), image_(std::move(image)), lines_(std::move(lines)) {}

  // `before` sets up what is not in the file.
  template <class Before>
  void every_word(std::size_t from, std::size_t to, Before before) {
    for (auto at = from; at < to; at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, image_.data() + at, sizeof word);
      for (const auto value : values_for(word, random_)) {
        if (value == word) continue;
        auto damaged = image_;
        std::memcpy(damaged.data() + at, &value, sizeof value);
        for (const auto& line : lines_) {
          write_file(path_, damaged);
          before();
          const int code = code_of(line, random_() % 16 == 0);
          EXPECT_TRUE(code >= 0 && code <= last_code)
              << line[0] << " " << (line.size() > 2 ? line.back() : "") << ": code " << code
              << ", offset " << at << ", " << std::hex << word << " -> " << value;
        }
      }
    }
  }

 private:
  std::string path_;
  std::string image_;
  std::vector<words> lines_;
  std::mt19937_64 random_{seed()};
};

std::vector<words> lines_for(const std::string& endpoint) {
  std::vector<words> out{
      {"recv", endpoint, "--timeout", "1ms"}, {"recover", endpoint}, {"stat", endpoint},
      {"stat", endpoint, "--json"},           {"fsck", endpoint},    {"dump", endpoint, "--json"}};
  if (endpoint.starts_with("shm:")) out.push_back({"recover", endpoint, "--drain"});
  return out;
}

class CliDamage : public ::testing::TestWithParam<topology> {};
INSTANTIATE_TEST_SUITE_P(Topologies, CliDamage, ::testing::Values(topology::spsc, topology::mpsc),
                         [](const auto& one) {
                           return one.param == topology::spsc ? "spsc" : "mpsc";
                         });

// Made in passing, as `annulus send` makes it: then recv has an end to see to as well.
TEST_P(CliDamage, every_command_ends_whatever_a_word_of_a_ring_says) {
  const place at;
  const auto path = at.path("ring");
  {
    auto memory = segment::create(
        path, {.topology = GetParam(), .capacity = 4096, .producers = 2, .transient = true});
    ASSERT_TRUE(memory);
    const auto fill = [](auto tx, auto rx) {
      for (const auto* one : {"one", "two", "three"}) {
        ASSERT_EQ(tx->try_push(bytes(one)), status::ok);
      }
      ASSERT_TRUE(rx->try_read());
      rx->release();
    };
    if (GetParam() == topology::spsc) {
      fill(spsc_producer::attach(*memory), spsc_consumer::attach(*memory));
    } else {
      fill(mpsc_producer::attach(*memory), mpsc_consumer::attach(*memory));
    }
  }
  auto memory = segment::open(path);
  const auto data = memory->geometry().data_offset;
  damaging all(path, content_of(path), lines_for("shm:" + path));
  const auto nothing = [] {};
  all.every_word(0, sizeof(geometry), nothing);
  all.every_word(4096, 4096 + sizeof(control_words<std_atomics>), nothing);
  all.every_word(8192, 8192 + sizeof(producer_words<std_atomics>), nothing);
  all.every_word(data, data + 64, nothing);
}

TEST(CliDamage, every_command_ends_whatever_a_word_of_a_roles_file_says) {
  const place at;
  auto made = named_pipe::create(at.path("pipe"), {.capacity = 4096, .producers = 1});
  ASSERT_TRUE(made);
  {
    auto tx = pipe_producer::attach(*made);
    ASSERT_TRUE(tx);
    ASSERT_EQ(tx->try_push(bytes("one")), status::ok);
  }
  // Its frames, put back before each command; the FIFO stays open here.
  const int fifo = open(at.path("pipe").c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  std::string frames(4096, '\0');
  const auto got = read(fifo, frames.data(), frames.size());
  ASSERT_GT(got, 0);
  frames.resize(static_cast<std::size_t>(got));
  const auto refill = [&] {
    char some[4096];
    while (read(fifo, some, sizeof some) > 0) {
    }
    ASSERT_EQ(write(fifo, frames.data(), frames.size()), std::ssize(frames));
  };
  const auto path = at.path("pipe.roles");
  damaging all(path, content_of(path), lines_for("pipe:" + at.path("pipe")));
  all.every_word(0, sizeof(pipes::geometry), refill);
  all.every_word(4096, 4096 + sizeof(pipes::control_words), refill);
  all.every_word(8192, 8192 + sizeof(pipes::producer_words), refill);
  close(fifo);
}

}  // namespace
}  // namespace annulus
