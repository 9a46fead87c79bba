// Death at every instruction of a gateway's step, and a second one in the step of its replacement.
//
// The gateway's lane is a thread: it is stepped, from its start to its end, while the rest of its
// process waits for it. What a death leaves is the source and the target; each different pair of
// them is copied under names of its own, and another gateway goes on there.
#include "instructions.hpp"
#include "names.hpp"
#include "own_directory.hpp"
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include <annulus/bus/channel.hpp>
#include <annulus/bus/gateway.hpp>

namespace annulus::processes {
namespace {

const testing::own_directory all_channels;

constexpr std::uint64_t all = 6;  // messages at the source: 0 to 5, of which the last is empty
constexpr std::uint64_t batch_of_gateway = 4;

std::string source_at(const std::string& path) {
  return "shm:" + path + "?capacity=4KiB&max_message=1024";
}
std::string target_at(const std::string& path, bool once) {
  return "shm:" + path + "?capacity=8KiB&max_message=2048" + (once ? "&once=yes" : "");
}

using bytes_of_ring = std::vector<std::byte>;

bytes_of_ring copy_of(const segment& from) {
  bytes_of_ring bytes(from.geometry().segment_bytes);
  const auto size = static_cast<ssize_t>(bytes.size());
  require(pread(from.file(), bytes.data(), bytes.size(), 0) == size, "cannot copy a segment");
  return bytes;
}

// Two rings under names of their own, gone with this object.
class route_of_rings {
 public:
  explicit route_of_rings(bool once) : once_(once) {
    open();
    auto tx = must(spsc_producer::attach(*from_));
    for (std::uint64_t n = 0; n < all; ++n) {
      require(tx.try_push(say(n)) == status::ok, "no room for the first messages");
    }
  }  // and closes
  // As a death left them, with nobody alive.
  route_of_rings(bool once, const std::pair<bytes_of_ring, bytes_of_ring>& left) : once_(once) {
    write(from_name_.path(), left.first);
    write(to_name_.path(), left.second);
    open();
  }
  route_of_rings(const route_of_rings&) = delete;
  route_of_rings& operator=(const route_of_rings&) = delete;
  ~route_of_rings() { (void)bus::remove(target(), true); }  // with what its consumer has seen

  [[nodiscard]] bus::gateway gateway() const {
    bus::gateway_options how;
    how.batch = batch_of_gateway;
    how.ends_with_source = true;
    return must(
        bus::gateway::open({must(bus::parse(source_at(from_name_.path())))}, target(), how));
  }
  [[nodiscard]] bus::endpoint target() const {
    return must(bus::parse(target_at(to_name_.path(), once_)));
  }
  [[nodiscard]] std::pair<bytes_of_ring, bytes_of_ring> copy() const {
    return {copy_of(*from_), copy_of(*to_)};
  }

 private:
  static void write(const std::string& path, const bytes_of_ring& bytes) {
    const int file = ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    const auto size = static_cast<ssize_t>(bytes.size());
    require(file >= 0 && ::write(file, bytes.data(), bytes.size()) == size,
            "cannot copy a segment");
    ::close(file);
  }
  void open() {
    from_.emplace(must(bus::open_segment(must(bus::parse(source_at(from_name_.path()))))));
    to_.emplace(must(bus::open_segment(target())));
  }

  bool once_;
  testing::scratch_name from_name_, to_name_;
  std::optional<segment> from_, to_;
};

struct route_watch {
  using image = std::pair<bytes_of_ring, bytes_of_ring>;
  const route_of_rings* rings;

  [[nodiscard]] image copy() const { return rings->copy(); }
  [[nodiscard]] bool is(const image& last) const { return rings->copy() == last; }
};

// The thread that a process starts, one instruction at a time.
class stepped_thread {
 public:
  explicit stepped_thread(const std::function<void()>& run)
      : process_([&] {
          require(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0, "cannot be traced");
          raise(SIGSTOP);
          run();
        }) {
    require(process_.await_stop(), "the traced process did not come");
    const auto options = std::uintptr_t{PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE};
    ptrace(PTRACE_SETOPTIONS, process_.pid(), nullptr, reinterpret_cast<void*>(options));
    go_on();
    require(process_.await_stop() && process_.stopped_by() == SIGTRAP, "no thread was started");
    unsigned long thread = 0;
    ptrace(PTRACE_GETEVENTMSG, process_.pid(), nullptr, &thread);
    thread_ = static_cast<pid_t>(thread);
    go_on();
    require(await(), "the thread did not come");
  }

  // One instruction. False: the thread has ended.
  bool step() {
    ++steps_;
    require(ptrace(PTRACE_SINGLESTEP, thread_, nullptr, nullptr) == 0, "cannot step");
    return await();
  }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

 private:
  void go_on() {
    ptrace(PTRACE_CONT, process_.pid(), nullptr, nullptr);
    process_.resumed();
  }
  // Until it stops. False: it has ended.
  bool await() const {
    const auto until = within(patience);
    int word = 0;
    while (waitpid(thread_, &word, WNOHANG | __WALL) == 0) {
      require(std::chrono::steady_clock::now() < until, "a step does not end");
      child::nap(100ms);
    }
    return WIFSTOPPED(word);
  }

  child process_;
  pid_t thread_ = 0;
  std::uint64_t steps_ = 0;
};

// Every state that a gateway's death may leave, in order.
std::vector<route_watch::image> states_of(const route_of_rings& rings, points& told) {
  const route_watch at{&rings};
  std::vector<route_watch::image> seen;
  stepped_thread lane([&] { rings.gateway().run(); });
  for (bool goes_on = true; goes_on; goes_on = lane.step()) {
    if (seen.empty() || !at.is(seen.back())) seen.push_back(at.copy());
  }
  told.instructions += lane.steps();
  return seen;
}

// What the target's consumer gets in the end, when another gateway goes on from there.
std::vector<std::uint64_t> go_on(bool once, const route_watch::image& left) {
  const route_of_rings rings(once, left);
  rings.gateway().run();
  auto rx = must(open_consumer(rings.target()));
  std::vector<std::uint64_t> numbers;
  for (view seen = rx.read(within(patience)); seen; seen = rx.read(within(patience))) {
    std::uint64_t n = 0;
    while (n < all && !says(seen.bytes(), n)) ++n;
    numbers.push_back(n);  // `all`: it is none of them
  }
  return numbers;
}

// All of them in order, each once or, from where a death left them unreleased, again.
void expect_whole(const std::vector<std::uint64_t>& got, bool once, std::uint64_t deaths) {
  if (once) {
    EXPECT_EQ(got, count_from(0, all));
    return;
  }
  std::uint64_t next = 0, steps_back = 0;
  for (const auto n : got) {
    const bool goes_back = n < next;
    steps_back += goes_back ? 1 : 0;
    ASSERT_TRUE(goes_back || n == next) << n << " came where " << next << " was due";
    EXPECT_LE(next - n, batch_of_gateway);
    next = n + 1;
  }
  EXPECT_EQ(next, all);
  EXPECT_LE(steps_back, deaths);
}

void die_twice(bool once) {
  points told;
  const route_of_rings rings(once);
  const auto states = states_of(rings, told);
  ASSERT_GT(states.size(), 10u) << "nothing was watched";
  for (std::size_t i = 0; i < states.size(); ++i) {
    SCOPED_TRACE("death in state " + std::to_string(i));
    ++told.first;
    expect_whole(go_on(once, states[i]), once, 1);
    if (::testing::Test::HasFailure()) return;
  }
  const std::size_t every = stride(states.size(), 6), every_second = every > 1 ? 4 : 1;
  for (std::size_t i = 0; i < states.size(); i += every) {
    const route_of_rings again(once, states[i]);
    const auto next = states_of(again, told);
    for (std::size_t k = 0; k < next.size(); k += every_second) {
      SCOPED_TRACE("death in state " + std::to_string(i) + ", then in " + std::to_string(k));
      ++told.second;
      expect_whole(go_on(once, next[k]), once, 2);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

TEST(GatewayInstruction, of_a_step_and_of_its_successors_loses_nothing) { die_twice(false); }
TEST(GatewayInstruction, of_a_step_and_of_its_successors_with_once_is_exactly_once) {
  die_twice(true);
}

}  // namespace
}  // namespace annulus::processes
