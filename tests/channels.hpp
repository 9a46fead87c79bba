// Channels that processes of a test meet at: there from the beginning to the end, watched, and
// taken away from under them.
#pragma once

#include "killing.hpp"
#include "names.hpp"
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <type_traits>

#include <annulus/bus/bus.hpp>
#include <annulus/bus/channel.hpp>
#include <annulus/bus/rendezvous.hpp>
#include <annulus/pipe/inspect.hpp>
#include <annulus/ring/inspect.hpp>

namespace annulus::processes {

// How a channel leaves its name while roles are attached.
enum class departure : std::uint8_t { none, renamed, removed };

// A channel, a pipe's contents included, until this object ends.
class standing_channel {
 public:
  explicit standing_channel(const bus::endpoint& e) : endpoint_(e) {
    const auto where = must(bus::resolve(e)).where;
    if (where.transport == bus::transport::shm)
      segment_.emplace(must(bus::open_segment(where)));
    else
      pipe_.emplace(must(bus::open_pipe(where)));
    map();
  }
  // Under a name of its own.
  standing_channel(const std::string& scheme, const std::string& options)
      : standing_channel(must(bus::parse(scheme + ":" + testing::unused_name() + "?" + options))) {}
  standing_channel(const standing_channel&) = delete;
  standing_channel& operator=(const standing_channel&) = delete;
  ~standing_channel() {
    munmap(seen_, seen_bytes_);
    if (!is_kept_) (void)bus::remove(endpoint_, true);
  }

  [[nodiscard]] const bus::endpoint& endpoint() const noexcept { return endpoint_; }
  [[nodiscard]] std::string path() const { return segment_ ? segment_->path() : pipe_->path(); }
  [[nodiscard]] std::uint64_t max_message() const {
    return segment_ ? segment_->geometry().max_message : pipe_->geometry().max_message;
  }
  [[nodiscard]] std::uint64_t depth() const {
    return segment_ ? must(inspect(*segment_)).depth : must(inspect(*pipe_)).depth;
  }
  [[nodiscard]] std::uint64_t damages() const {
    return segment_ ? must(inspect(*segment_)).consumer.counters.corrupt
                    : must(inspect(*pipe_)).consumer.counters.corrupt;
  }
  [[nodiscard]] bool is_empty() const { return depth() == 0; }

  // What its roles share: a ring whole, of a pipe its roles file.
  [[nodiscard]] std::span<const std::byte> watched() const noexcept {
    return {static_cast<const std::byte*>(seen_), seen_bytes_};
  }

  // The last message of a dead producer that stands in the ring for the consumer to read: it was
  // committed, though its producer could not say so any more. None: 0; nor is a pipe looked into.
  [[nodiscard]] std::uint64_t last_standing(const ledger& book, std::uint64_t incarnation) const {
    if (!segment_) return 0;
    const auto held = must(attachment::make(*segment_, access::read_only));
    const auto& ring = held.memory();
    std::uint64_t last = 0;
    for (auto pos = must(inspect(*segment_)).read_pos;;) {
      const record_header header(ring.header(pos).load<edge::publish>(std::memory_order_acquire));
      const bool is_record = header.is_committed(pos, ring.geometry.key) &&
                             header.bytes() <= ring.geometry.max_message;
      // A lap, or overtaken by the consumer: what stands here now is another's.
      if (!is_record || pos - must(inspect(*segment_)).read_pos >= ring.geometry.capacity) {
        return last;
      }
      const message one(ring.payload(pos, header.bytes()));
      name_of_message name = 0;
      if (one.size() >= sizeof name) std::memcpy(&name, one.data(), sizeof name);
      const bool is_its = name != 0 && incarnation_of(name) == incarnation &&
                          lane_of(name) == book.of[incarnation].lane &&
                          is_message(name, one, book.max_message);
      if (is_its) last = number_of(name);
      pos += ring.record_bytes(header.bytes());
    }
  }

  // The name is free for another channel; this one is found beside it from now on.
  void leave(departure how) {
    const std::string from = path(), to = from + ".left";
    const bool is_pipe = pipe_.has_value();
    for (const std::string& end : {std::string(), std::string(".roles")}) {
      if (!end.empty() && !is_pipe) break;
      const auto moved = how == departure::renamed
                             ? rename((from + end).c_str(), (to + end).c_str())
                             : link((from + end).c_str(), (to + end).c_str());
      require(moved == 0, "cannot take a name away");
    }
    if (how == departure::removed) must(bus::remove(endpoint_, true));
    endpoint_.transport = is_pipe ? bus::transport::pipe : bus::transport::shm;
    endpoint_.name = to;
  }
  // It outlives this object, for a post-mortem.
  void keep() noexcept { is_kept_ = true; }

 private:
  void map() {
    const int file = segment_ ? segment_->file() : pipe_->roles_file();
    struct stat info {};
    require(fstat(file, &info) == 0, "cannot watch a channel");
    seen_bytes_ = std::min<std::size_t>(static_cast<std::size_t>(info.st_size), 64 << 10);
    seen_ = mmap(nullptr, seen_bytes_, PROT_READ, MAP_SHARED, file, 0);
    require(seen_ != MAP_FAILED, "cannot watch a channel");
  }

  bus::endpoint endpoint_;
  std::optional<segment> segment_;
  std::optional<named_pipe> pipe_;
  void* seen_ = nullptr;
  std::size_t seen_bytes_ = 0;
  bool is_kept_ = false;
};

template <class Role>
[[nodiscard]] result<Role> open_role(const bus::endpoint& at) {
  if constexpr (std::is_same_v<Role, bus_producer>) {
    return open_producer(at);
  } else if constexpr (std::is_same_v<Role, bus_consumer>) {
    return open_consumer(at);
  } else if constexpr (std::is_same_v<Role, pipe_producer> || std::is_same_v<Role, pipe_consumer>) {
    return Role::attach(must(bus::open_pipe(at)), at.wait);
  } else {
    return Role::attach(must(bus::open_segment(at)), at.wait);
  }
}
// A child that the one before left behind may hold its lock for a while.
template <class Role>
[[nodiscard]] Role take_up(const bus::endpoint& at) {
  const auto until = within(patience);
  for (;;) {
    auto made = open_role<Role>(at);
    const bool may_wait = !made && made.error().kind == fault::in_use;
    if (!may_wait || std::chrono::steady_clock::now() > until) return must(std::move(made));
    std::this_thread::sleep_for(1ms);
  }
}

// A place (killing.hpp) of one channel; each role waits in another way than the one before.
template <class Producer, class Consumer>
class channel_place {
 public:
  using producer_type = Producer;
  using consumer_type = Consumer;

  explicit channel_place(standing_channel& at) : at_(at) {}

  [[nodiscard]] Producer producer(std::uint64_t lane) { return come<Producer>(lane); }
  [[nodiscard]] Consumer consumer() { return come<Consumer>(max_lanes); }
  // Whether this process has attached: as a lane's producer, or as the consumer.
  [[nodiscard]] bool has_come(std::uint64_t lane, pid_t who) const noexcept {
    return words_->last[lane] == who;
  }
  [[nodiscard]] std::uint64_t max_message() { return at_.max_message(); }
  [[nodiscard]] std::span<const std::byte> watched() const noexcept { return at_.watched(); }

  // Called when a producer has died at a chosen instruction.
  void note_standing(ledger& book, std::uint64_t incarnation) const {
    auto& committed = book.of[incarnation].committed;
    committed = std::max(committed.load(), at_.last_standing(book, incarnation));
  }

  // A commit on a pipe that found no room and no consumer is owed, and dies with its producer.
  static void settle(Producer& to) {
    if constexpr (requires { to.owes(); }) {
      while (to.owes()) (void)to.claim(0, within(20ms));
    }
  }
  void add_up(const toll&) {
    EXPECT_EQ(at_.depth(), 0u);
    EXPECT_EQ(at_.damages(), 0u);
  }

 private:
  struct words {
    std::atomic<std::uint64_t> turns;
    std::atomic<pid_t> last[max_lanes + 1];  // of each lane, and of the consumers
  };

  template <class Role>
  [[nodiscard]] Role come(std::uint64_t lane) {
    auto where = at_.endpoint();
    where.wait.how = static_cast<waiting::kind>(mixed(words_->turns.fetch_add(1)) % 4);
    auto made = take_up<Role>(where);
    words_->last[lane] = getpid();
    return made;
  }

  standing_channel& at_;
  shared<words> words_;
};

}  // namespace annulus::processes
