// Your producer and your handler, in processes that are killed and started again.
//
//     struct sender {                       // one for each life of a producer
//       std::size_t fill(std::uint64_t id, std::span<std::byte> into);   // returns the size
//     };
//     struct handler {                      // one for each life of the consumer
//       explicit handler(const std::string& folder);   // what it keeps, it keeps there
//       void check();                                  // after each start: is that as it should
//       be? void handle(std::uint64_t id, annulus::message one); void save(); // before each
//       release
//     };
//     int main(int argc, char** argv) {
//       return annulus::fuzz::crash_test<sender, handler>({.producers = 2}, argc, argv);
//     }
//
// Deaths     SIGKILL at any moment, and where the code calls crash_point(): there now and then. A
//            successor of the same role goes on
// Held to    each message whose commit returned comes, in its producer's order; none comes that was
//            not begun; again comes only what was read and not released. So a handler sees an id
//            again after a death, and then every one behind it
// Says       the seed, what was sent and how many died; a refusal names the process and the reason.
//            require(holds, why) in your code does the same. Exits with 1 if anything was wrong
// Options    --seconds N (or ANNULUS_CRASH_SECONDS); ANNULUS_SEED repeats the dice, not the machine
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <annulus/fuzz/processes.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::fuzz {

using processes::require;

inline constexpr unsigned most_lanes = 8;

struct crash_options {
  unsigned producers = 1;  // up to 8; more than one: mpsc
  std::uint64_t capacity = std::uint64_t{1} << 16;
  annulus::integrity integrity = integrity::structure;
  std::size_t largest = 256;  // of your messages, bytes
  unsigned seconds = 2;
};

// The id of a message: its producer, and its number there, from 1.
[[nodiscard]] constexpr unsigned producer_of(std::uint64_t id) noexcept {
  return static_cast<unsigned>(id >> 48);
}
[[nodiscard]] constexpr std::uint64_t number_of(std::uint64_t id) noexcept {
  return id & 0xffff'ffff'ffff;
}

namespace crashing {

inline processes::dice* deaths = nullptr;  // none: nobody dies at a point

enum class fate : std::uint8_t { none, begun, committed };

// What a producer did, and what became of it. In memory that outlives them all.
struct lane {
  static constexpr std::uint64_t most = 1 << 20;
  std::atomic<std::uint64_t> begun;
  std::array<std::atomic<fate>, most> fates;
  std::atomic<std::uint64_t> delivered, released, releasing;
};

struct book {
  std::array<lane, most_lanes> lanes;
  std::atomic<std::uint64_t> read, repeated, deaths_at_points;
  std::atomic<bool> is_stopping, is_over;
};

inline void check_push(status s) {
  const bool may_be = s == status::full || s == status::timed_out || s == status::peer_gone ||
                      s == status::closed || s == status::ok;
  if (!may_be) processes::fail("a push was answered with " + std::string(to_string(s)));
}

template <class Sender, class Producer>
void send(book& all, unsigned number, const std::string& name, std::size_t largest) {
  auto tx = processes::must(Producer::attach(processes::must(segment::open(name))));
  auto& own = all.lanes[number];
  Sender user;
  for (std::uint64_t n = own.begun + 1; n < lane::most && !all.is_stopping; ++n) {
    auto claim = tx.claim(sizeof n + largest, within(std::chrono::milliseconds(20)));
    if (!claim) {
      check_push(claim.status());
      --n;
      continue;
    }
    const std::uint64_t id = std::uint64_t{number} << 48 | n;
    std::memcpy(claim.bytes().data(), &id, sizeof id);
    const std::size_t size = user.fill(id, claim.bytes().subspan(sizeof id));
    require(size <= largest, "a message is filled beyond its end");
    own.fates[n] = fate::begun;
    own.begun = n;
    claim.commit(sizeof id + size);
    own.fates[n] = fate::committed;
  }
}

// The consumer's books: what may come next of each producer.
class account {
 public:
  explicit account(book& all) : all_(all) {}

  // Holds the message to what was sent; ends the process if it should not have come.
  std::uint64_t judge(message one) {
    std::uint64_t id = 0;
    require(one.size() >= sizeof id, "a message comes without its id");
    std::memcpy(&id, one.data(), sizeof id);
    const auto number = number_of(id);
    require(producer_of(id) < most_lanes && number < lane::most, "a message with a torn id comes");
    auto& own = all_.lanes[producer_of(id)];
    require(own.fates[number] != fate::none, "a message comes that was never sent");
    auto& at = at_[producer_of(id)];
    const std::uint64_t least = at != 0 ? at : own.released.load();
    require(number > least, "a message comes twice, or after a later one");
    // The first after a death: a release that it cut off may have happened.
    const std::uint64_t from = at == 0 && number > own.releasing ? own.releasing.load() : least;
    for (std::uint64_t n = from + 1; n < number; ++n) {
      require(own.fates[n] != fate::committed, "a message that was sent is lost");
    }
    at = number;
    ++all_.read;
    if (number <= own.delivered)
      ++all_.repeated;
    else
      own.delivered = number;
    return id;
  }
  void releasing() {
    for (unsigned i = 0; i < most_lanes; ++i) {
      if (at_[i] != 0) all_.lanes[i].releasing = at_[i];
    }
  }
  void released() {
    for (unsigned i = 0; i < most_lanes; ++i) {
      if (at_[i] != 0) all_.lanes[i].released = at_[i];
    }
  }

 private:
  book& all_;
  std::array<std::uint64_t, most_lanes> at_{};  // the last of each; 0: none in this life
};

template <class Handler, class Consumer>
void receive(book& all, const std::string& name, const std::string& folder, std::uint64_t luck) {
  processes::dice dice(luck);
  auto rx = processes::must(Consumer::attach(processes::must(segment::open(name))));
  Handler user(folder);
  user.check();
  account books(all);
  for (;;) {
    const bool is_over = all.is_over;
    view seen = rx.read(within(std::chrono::milliseconds(20)));
    for (auto more = dice.below(32); seen; --more) {
      const auto id = books.judge(seen.bytes());
      user.handle(id, seen.bytes().subspan(sizeof id));
      if (more == 0) break;
      seen = rx.try_read();
    }
    const status why = seen.status();
    require(why != status::corrupt, "the ring is damaged");
    user.save();
    books.releasing();
    rx.release();
    books.released();
    if (is_over && (why == status::closed || why == status::peer_gone)) return user.check();
  }
}

}  // namespace crashing

// A chosen place to die at: once in some hundred times that it is passed.
inline void crash_point() {
  if (crashing::deaths != nullptr && crashing::deaths->once_in(300)) raise(SIGKILL);
}

template <class Sender, class Handler, class Producer, class Consumer>
class crash_run {
 public:
  crash_run(const crash_options& asked, const ring_options& shape)
      : asked_(asked), memory_(shape), dice_(seed_) {
    char pattern[] = "/tmp/annulus-crash-XXXXXX";
    const char* const made = mkdtemp(pattern);
    require(made != nullptr, "no folder can be made");
    folder_ = made;
    std::printf("replay with ANNULUS_SEED=%llu\n", static_cast<unsigned long long>(seed_));
  }
  crash_run(const crash_run&) = delete;
  crash_run& operator=(const crash_run&) = delete;
  ~crash_run() { std::filesystem::remove_all(folder_); }

  [[nodiscard]] bool run() {
    start_consumer();
    for (unsigned i = 0; i < asked_.producers; ++i) start_producer(i);
    const auto until = within(std::chrono::seconds(asked_.seconds));
    while (is_fine_ && std::chrono::steady_clock::now() < until) {
      processes::child::nap(std::chrono::microseconds(dice_.below(4'000)));
      const auto whom = dice_.below(asked_.producers + 1);
      if (dice_.once_in(2)) (whom == asked_.producers ? consumer_ : producers_[whom]).end();
      replace_the_dead();
    }
    return finish() && add_up();
  }

 private:
  template <class Work>
  processes::child start(Work work) {
    return processes::child([this, work, luck = dice_.roll()] {
      static processes::dice own(0);
      own = processes::dice(luck);
      if (!book_->is_stopping) crashing::deaths = &own;
      work(luck);
    });
  }
  void start_producer(unsigned i) {
    producers_[i] = start([this, i](std::uint64_t) {
      crashing::send<Sender, Producer>(*book_, i, memory_.name(), asked_.largest);
    });
  }
  void start_consumer() {
    consumer_ = start([this](std::uint64_t luck) {
      crashing::receive<Handler, Consumer>(*book_, memory_.name(), folder_, luck);
    });
  }

  void bury(processes::child& one) {
    if (!one.has_failed()) return;
    std::fprintf(stderr, "process %d %s\n", static_cast<int>(one.pid()), one.fate().c_str());
    is_fine_ = false;
  }
  void replace_the_dead() {
    if (consumer_.is_gone()) {
      bury(consumer_);
      ++consumer_deaths_;
      start_consumer();
    }
    for (unsigned i = 0; i < asked_.producers; ++i) {
      if (!producers_[i].is_gone() || producers_[i].is_content()) continue;
      bury(producers_[i]);
      ++producer_deaths_;
      start_producer(i);
    }
  }

  // The producers close; then a last consumer reads what is left.
  [[nodiscard]] bool finish() {
    book_->is_stopping = true;
    const auto until = within(processes::patience);
    const auto goes_on = [&] { return is_fine_ && std::chrono::steady_clock::now() < until; };
    const auto are_done = [&] {
      bool all = true;
      for (unsigned i = 0; i < asked_.producers; ++i) {
        all &= producers_[i].is_gone() && producers_[i].is_content();
      }
      return all;
    };
    while (goes_on() && !are_done()) {
      processes::child::nap(std::chrono::milliseconds(1));
      replace_the_dead();
    }
    book_->is_over = true;
    while (goes_on() && !(consumer_.is_gone() && consumer_.is_content())) {
      processes::child::nap(std::chrono::milliseconds(1));
      if (consumer_.is_gone() && !consumer_.is_content()) replace_the_dead();
    }
    if (is_fine_ && !consumer_.is_gone()) std::fprintf(stderr, "a process hangs\n");
    return is_fine_ && consumer_.is_gone();
  }

  [[nodiscard]] bool add_up() {
    for (unsigned i = 0; i < asked_.producers; ++i) {
      const auto& one = book_->lanes[i];
      for (std::uint64_t n = one.delivered + 1; n <= one.begun; ++n) {
        if (one.fates[n] != crashing::fate::committed) continue;
        std::fprintf(stderr, "message %llu of producer %u was sent and is lost\n",
                     static_cast<unsigned long long>(n), i);
        return false;
      }
    }
    std::printf("%llu messages, %llu of them again; deaths: %llu of producers, %llu of consumers\n",
                static_cast<unsigned long long>(book_->read),
                static_cast<unsigned long long>(book_->repeated),
                static_cast<unsigned long long>(producer_deaths_),
                static_cast<unsigned long long>(consumer_deaths_));
    if (book_->read == 0) std::fprintf(stderr, "nothing was read: that shows nothing\n");
    return book_->read != 0;
  }

  const std::uint64_t seed_ = processes::seed();
  crash_options asked_;
  processes::named_segment memory_;
  processes::shared<crashing::book> book_;
  std::string folder_;
  processes::dice dice_;
  processes::child consumer_;
  std::array<processes::child, most_lanes> producers_;
  std::uint64_t producer_deaths_ = 0, consumer_deaths_ = 0;
  bool is_fine_ = true;
};

// Runs it; what main returns.
template <class Sender, class Handler>
[[nodiscard]] int crash_test(crash_options asked, int argc, char** argv) {
  if (const char* given = std::getenv("ANNULUS_CRASH_SECONDS")) {
    asked.seconds = static_cast<unsigned>(std::strtoul(given, nullptr, 10));
  }
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string_view(argv[i]) != "--seconds") continue;
    asked.seconds = static_cast<unsigned>(std::strtoul(argv[i + 1], nullptr, 10));
  }
  if (asked.producers < 1 || asked.producers > most_lanes) {
    std::fprintf(stderr, "crash_test: 1 to %u producers, not %u\n", most_lanes, asked.producers);
    return 2;
  }
  ring_options shape;
  shape.capacity = asked.capacity;
  shape.integrity = asked.integrity;
  shape.producers = asked.producers;
  if (asked.producers == 1) {
    return crash_run<Sender, Handler, spsc_producer, spsc_consumer>(asked, shape).run() ? 0 : 1;
  }
  shape.topology = topology::mpsc;
  return crash_run<Sender, Handler, mpsc_producer, mpsc_consumer>(asked, shape).run() ? 0 : 1;
}

}  // namespace annulus::fuzz
