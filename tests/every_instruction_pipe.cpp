// Death at every instruction of a named pipe's operations, and a second one in the repair.
//
// What a death leaves of a pipe is its roles file and what stands in its FIFO. Each different state
// is copied, the FIFO's pages by tee(2), under a name of its own where nobody holds a lock: all are
// dead there, and others take the pipe up.
#include "instructions.hpp"
#include "pipes.hpp"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <annulus/pipe/pipe.hpp>

namespace annulus::processes {
namespace {

constexpr std::uint64_t capacity = 1 << 16;
constexpr std::uint64_t before = 3;  // messages that stand in the pipe already: 0, 1, 2

// Message 4 is of several frames, the others of one.
constexpr std::uint64_t lengthy = 4;
std::vector<std::byte> tell(std::uint64_t n) {
  auto bytes = say(n);
  if (n == lengthy) bytes.resize(6000, std::byte{0x5a});
  return bytes;
}
bool tells(message m, std::uint64_t n) {
  const auto bytes = tell(n);
  return std::equal(m.begin(), m.end(), bytes.begin(), bytes.end());
}

std::uint64_t bytes_in(int fifo) {
  int count = 0;
  require(ioctl(fifo, FIONREAD, &count) == 0, "cannot look into a FIFO");
  return static_cast<std::uint64_t>(count);
}

// The contents of a FIFO, page by page, in a pipe without a name.
class contents {
 public:
  explicit contents(int fifo) : bytes_(bytes_in(fifo)) {
    require(pipe2(ends_, O_CLOEXEC | O_NONBLOCK) == 0, "cannot make a pipe");
    require(fcntl(ends_[1], F_SETPIPE_SZ, static_cast<int>(4 * capacity)) > 0, "cannot grow it");
    copy(fifo, ends_[1], bytes_);
  }
  contents(const contents&) = delete;
  contents& operator=(const contents&) = delete;
  ~contents() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  void pour_into(int fifo) const { copy(ends_[0], fifo, bytes_); }

 private:
  static void copy(int from, int to, std::uint64_t count) {
    const bool done =
        count == 0 || tee(from, to, count, SPLICE_F_NONBLOCK) == static_cast<ssize_t>(count);
    require(done, "cannot copy a FIFO");
  }

  int ends_[2];
  std::uint64_t bytes_;
};

struct pipe_image {
  std::vector<std::byte> roles;
  std::shared_ptr<contents> stands;
};

// What a death may leave of a pipe.
class pipe_watch {
 public:
  using image = pipe_image;

  explicit pipe_watch(const named_pipe& of) : of_(of) {
    struct stat info {};
    require(fstat(of.roles_file(), &info) == 0, "cannot look at a roles file");
    size_ = static_cast<std::size_t>(info.st_size);
    roles_ = mmap(nullptr, size_, PROT_READ, MAP_SHARED, of.roles_file(), 0);
    require(roles_ != MAP_FAILED, "cannot map a roles file");
  }
  pipe_watch(const pipe_watch&) = delete;
  pipe_watch& operator=(const pipe_watch&) = delete;
  ~pipe_watch() { munmap(roles_, size_); }

  [[nodiscard]] image copy() const {
    const auto* at = static_cast<const std::byte*>(roles_);
    return {{at, at + size_}, std::make_shared<contents>(of_.file())};
  }
  [[nodiscard]] bool is(const image& last) const {
    return bytes_in(of_.file()) == last.stands->bytes() &&
           std::memcmp(roles_, last.roles.data(), size_) == 0;
  }

 private:
  const named_pipe& of_;
  void* roles_;
  std::size_t size_;
};

// Both files under a path of their own, gone with this object.
class revived {
 public:
  explicit revived(const pipe_image& from) {
    write_roles(from.roles);
    require(mkfifo(path().c_str(), 0600) == 0, "cannot make a FIFO");
    pipe_.emplace(must(named_pipe::open(path())));
    from.stands->pour_into(pipe_->file());
  }
  revived(const revived&) = delete;
  revived& operator=(const revived&) = delete;
  ~revived() { (void)named_pipe::remove(path(), true); }

  [[nodiscard]] const named_pipe& operator*() const noexcept { return *pipe_; }

 private:
  [[nodiscard]] std::string path() const { return name_.path(); }
  void write_roles(const std::vector<std::byte>& bytes) const {
    const int file = ::open((path() + ".roles").c_str(), O_CREAT | O_EXCL | O_RDWR, 0600);
    const auto size = static_cast<ssize_t>(bytes.size());
    require(file >= 0 && write(file, bytes.data(), bytes.size()) == size, "cannot copy roles");
    ::close(file);
  }

  testing::scratch_pipe_name name_;
  std::optional<named_pipe> pipe_;
};

class new_pipe {
 public:
  new_pipe() : pipe_(must(named_pipe::create(name_.path(), options()))) {
    auto tx = must(pipe_producer::attach(pipe_));
    for (std::uint64_t n = 0; n < before; ++n) {
      require(tx.try_push(tell(n)) == status::ok, "no room for the first messages");
    }
  }
  [[nodiscard]] const named_pipe& operator*() const noexcept { return pipe_; }

 private:
  static pipe_options options() {
    pipe_options all;
    all.capacity = capacity;
    all.producers = 2;
    return all;
  }
  testing::scratch_pipe_name name_;
  named_pipe pipe_;
};

std::vector<std::uint64_t> read_all(pipe_consumer& rx, std::uint64_t below) {
  std::vector<std::uint64_t> numbers;
  for (int dry = 0; dry < 3;) {
    const view seen = rx.try_read();
    if (!seen) {
      const auto why = seen.status();
      EXPECT_TRUE(why == status::empty || why == status::closed) << to_string(why);
      ++dry;
      continue;
    }
    std::uint64_t n = 0;
    while (n < below && !tells(seen.bytes(), n)) ++n;
    numbers.push_back(n);  // `below`: it is none of them
  }
  return numbers;
}

// What the pipe holds when all of its roles are taken up by others; see every_instruction.cpp.
std::vector<std::uint64_t> recover(const pipe_image& state, bool is_consumer_first,
                                   std::uint64_t extra) {
  const revived pipe(state);
  std::optional<pipe_consumer> rx;
  std::vector<std::uint64_t> found;
  if (is_consumer_first) {
    rx.emplace(must(pipe_consumer::attach(*pipe)));
    found = read_all(*rx, extra);
    rx->release();
  }
  auto tx = must(pipe_producer::attach(*pipe));
  status pushed = tx.try_push(tell(extra));
  if (!rx) rx.emplace(must(pipe_consumer::attach(*pipe)));
  if (pushed == status::closed) pushed = tx.try_push(tell(extra));
  EXPECT_EQ(pushed, status::ok);
  for (const auto n : read_all(*rx, extra + 1)) found.push_back(n);
  rx->release();
  if (found.empty() || found.back() != extra) {
    ADD_FAILURE() << "the new producer's message did not come";
  } else {
    found.pop_back();
  }
  EXPECT_FALSE(rx->last_damage());
  return found;
}

using watched_run =
    std::function<void(const named_pipe&, const std::function<void(std::function<void()>)>&)>;
using outcomes = std::vector<std::vector<std::uint64_t>>;

// From `old` messages to `done`, at once, never back; whoever comes first.
void expect_atomic(const watched_run& run, const std::vector<std::uint64_t>& old,
                   const std::vector<std::uint64_t>& done) {
  const new_pipe pipe;
  points told;
  const auto states = states_of(
      pipe_watch(*pipe), [&](const auto& watched) { run(*pipe, watched); }, told);
  ASSERT_GT(states.size(), 3u) << "nothing was watched";
  bool is_done = false;
  for (std::size_t i = 0; i < states.size(); ++i) {
    SCOPED_TRACE("state " + std::to_string(i) + " of " + std::to_string(states.size()));
    ++told.first;
    const auto found = recover(states[i], true, 20);
    is_done = is_done || found == done;
    ASSERT_EQ(found, is_done ? done : old) << "consumer first";
    ASSERT_EQ(recover(states[i], false, 20), found) << "producer first";
  }
  EXPECT_TRUE(is_done);
}

void two_deaths(const watched_run& first, const watched_run& second, const outcomes& legal) {
  const new_pipe pipe;
  points told;
  const auto states = states_of(
      pipe_watch(*pipe), [&](const auto& watched) { first(*pipe, watched); }, told);
  const std::size_t every = stride(states.size(), 20);
  for (std::size_t i = 0; i < states.size(); i += every) {
    SCOPED_TRACE("first death in state " + std::to_string(i));
    ++told.first;
    const revived again(states[i]);
    const auto next = states_of(
        pipe_watch(*again), [&](const auto& watched) { second(*again, watched); }, told);
    for (std::size_t k = 0; k < next.size(); ++k) {
      SCOPED_TRACE("second death in state " + std::to_string(k));
      ++told.second;
      EXPECT_THAT(legal, ::testing::Contains(recover(next[k], k % 2 == 0, 20)));
      if (::testing::Test::HasFailure()) return;
    }
  }
}

auto push(std::uint64_t n) {
  return [n](const named_pipe& to, const auto& watched) {
    const auto bytes = tell(n);
    auto tx = must(pipe_producer::attach(to));
    watched([&] { require(tx.try_push(bytes) == status::ok, "refused"); });
  };
}
auto come_and_push(std::uint64_t n) {
  return [n](const named_pipe& to, const auto& watched) {
    const auto bytes = tell(n);
    watched([&] {
      auto tx = must(pipe_producer::attach(to));
      require(tx.try_push(bytes) == status::ok, "refused");
    });
  };
}
auto read_and_release(std::uint64_t count) {
  return [count](const named_pipe& to, const auto& watched) {
    auto rx = must(pipe_consumer::attach(to));
    watched([&] {
      for (std::uint64_t n = 0; n < count; ++n) require(bool{rx.try_read()}, "nothing came");
      rx.release();
    });
  };
}
auto come_and_read(std::uint64_t count) {
  return [count](const named_pipe& to, const auto& watched) {
    watched([&] {
      auto rx = must(pipe_consumer::attach(to));
      for (std::uint64_t n = 0; n < count; ++n) (void)rx.try_read();
      rx.release();
    });
  };
}

TEST(PipeInstruction, of_a_push_sends_all_or_nothing) {
  expect_atomic(push(3), {0, 1, 2}, {0, 1, 2, 3});
}
TEST(PipeInstruction, of_a_push_of_several_frames_sends_all_or_nothing) {
  expect_atomic(push(lengthy), {0, 1, 2}, {0, 1, 2, lengthy});
}
TEST(PipeInstruction, of_a_release_repeats_all_or_nothing) {
  expect_atomic(read_and_release(2), {0, 1, 2}, {2});
}
TEST(PipeInstruction, of_a_producer_and_of_its_replacement_loses_nothing) {
  two_deaths(push(3), come_and_push(5), {{0, 1, 2}, {0, 1, 2, 3}, {0, 1, 2, 5}, {0, 1, 2, 3, 5}});
  two_deaths(push(lengthy), come_and_push(5),
             {{0, 1, 2}, {0, 1, 2, 4}, {0, 1, 2, 5}, {0, 1, 2, 4, 5}});
}
TEST(PipeInstruction, of_a_consumer_and_of_its_replacement_loses_nothing) {
  two_deaths(read_and_release(2), come_and_read(1), {{0, 1, 2}, {1, 2}, {2}, {}});
}
// What the dead producer left of a long message is passed over, or comes whole.
TEST(PipeInstruction, of_a_producer_and_of_the_consumer_after_it_loses_nothing) {
  two_deaths(push(lengthy), come_and_read(3), {{0, 1, 2}, {0, 1, 2, 4}, {}, {4}});
}

// A name leads to a whole pipe, or to none, or to one that the next to open makes whole.
TEST(PipeInstruction, of_a_creation_leaves_what_the_next_to_open_makes_whole) {
  const testing::scratch_pipe_name made;
  const std::string roles = made.path() + ".roles";
  points told;
  stepped process(
      [&](const auto& watched) { watched([&] { (void)must(named_pipe::create(made.path())); }); });
  enum class stage { nothing, roles_only, both } seen = stage::nothing;
  for (bool goes_on = true; goes_on; goes_on = process.step()) {
    const auto now = ::access(roles.c_str(), F_OK) != 0         ? stage::nothing
                     : ::access(made.path().c_str(), F_OK) != 0 ? stage::roles_only
                                                                : stage::both;
    if (now == seen) continue;
    ASSERT_EQ(static_cast<int>(now), static_cast<int>(seen) + 1)
        << "the FIFO before the roles file";
    seen = now;
    ++told.first;
    // The same files without the maker's lock, as its death leaves them.
    const testing::scratch_pipe_name left;
    std::filesystem::copy_file(roles, left.path() + ".roles");
    if (now == stage::both) {
      ASSERT_EQ(mkfifo(left.path().c_str(), 0600), 0);
    }
    const auto pipe = named_pipe::open(left.path());
    ASSERT_TRUE(pipe) << pipe.error().message;
    auto tx = must(pipe_producer::attach(*pipe));
    auto rx = must(pipe_consumer::attach(*pipe));
    EXPECT_EQ(tx.try_push(tell(0)), status::ok);
    EXPECT_EQ(read_all(rx, 1), count_from(0, 1));
  }
  told.instructions = process.steps();
  EXPECT_EQ(told.first, 2u);
}

}  // namespace
}  // namespace annulus::processes
