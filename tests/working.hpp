// A producer and a consumer at work in processes that may die at any moment: every way to push,
// every way to read, and every way to end in between. What they did stands in the ledger
// (ledger.hpp).
//
// A Place is where they meet: killing.hpp.
#pragma once

#include "ledger.hpp"
#include "processes.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace annulus::processes {

inline constexpr std::uint64_t batch_size = 5;

struct plan {
  std::uint64_t lanes = 1;
  std::uint64_t first_lane = 0;  // 1: no message is anonymous
  bool producers_die = true;
  bool consumers_die = true;
  bool restarts = false;    // roles close now and then, and come again
  bool forks = false;       // and fork: the child exits, or stays a while
  bool dawdles = false;     // and a consumer keeps what it read for a while
  bool interrupts = false;  // their waits are ended by a signal's handler
  bool leaves = false;      // the channel loses its name under them
  bool aims = false;        // the parent kills some of them at a chosen instruction
};

// A child with copies of all that its parent has: it uses them, or not, and exits at once or stays
// a while. Its parent may die meanwhile, so nothing but its own clock ends it.
template <class Use>
void fork_off(dice& luck, Use use) {
  while (waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  const bool uses = luck.once_in(2);
  const auto stay = luck.once_in(2) ? luck.below(6'000) : 0;
  if (fork() != 0) return;
  if (uses) use();
  std::this_thread::sleep_for(std::chrono::microseconds(stay));
  _exit(0);
}

// SIGUSR1 ends this role's waits. One at a time; it ends before the role does, as interrupt() asks.
template <class Role>
class interrupted_by_signal {
 public:
  explicit interrupted_by_signal(Role& role) {
    role_ = &role;
    struct sigaction how {};
    how.sa_handler = [](int) { role_.load()->interrupt(); };
    sigaction(SIGUSR1, &how, nullptr);
  }
  ~interrupted_by_signal() { signal(SIGUSR1, SIG_IGN); }
  interrupted_by_signal(const interrupted_by_signal&) = delete;
  interrupted_by_signal& operator=(const interrupted_by_signal&) = delete;

 private:
  static inline std::atomic<Role*> role_{nullptr};
};

// One incarnation of a producer: every way to push, and every way to die of it.
template <class Place>
class pushing {
 public:
  pushing(ledger& book, Place& place, std::uint64_t incarnation, const plan& p, std::uint64_t seed)
      : book_(book),
        to_(place.producer(book.of[incarnation].lane)),
        sent_(book, incarnation),
        dice_(mixed(seed) ^ incarnation),
        plan_(p),
        may_die_(p.producers_die) {
    if (p.interrupts) interrupts_.emplace(to_);
    if (may_die_ && dice_.once_in(64)) raise(SIGKILL);
  }

  void run() {
    while (!book_.is_stopping.load(std::memory_order_relaxed)) {
      push_somehow();
      if (plan_.forks && dice_.once_in(2'000)) fork_off(dice_, [&] { misuse(); });
      // The role is one thread's at a time, not always the same one's.
      if (plan_.restarts && dice_.once_in(2'000)) std::thread([&] { push_somehow(); }).join();
      if (plan_.restarts && dice_.once_in(2'000)) end_thread_in_claim();
      if ((may_die_ && dice_.once_in(20'000)) || (plan_.restarts && dice_.once_in(5'000))) return;
    }
  }

 private:
  void push_somehow() {
    switch (dice_.below(12)) {
      case 0:
      case 1:
      case 2: push_claim(); break;
      case 3: push_batch(); break;
      case 4: push_pieces(); break;
      case 5: abort_claim(); break;
      case 6: push([&](message m) { return to_.push_or_drop(m); }); break;
      case 7:
      case 8: push([&](message m) { return to_.try_push(m); }); break;
      default: push([&](message m) { return to_.push(m, within(20ms)); }); break;
    }
  }

  // In a child, where the role is another's.
  void misuse() {
    require(to_.try_push(message()) == status::not_permitted,
            "a child pushed by its parent's role");
    to_.close();
  }

  void check(status s) const {
    const bool may_be = s == status::ok || s == status::full || s == status::timed_out ||
                        s == status::peer_gone || (s == status::closed && plan_.restarts) ||
                        (s == status::interrupted && plan_.interrupts) ||
                        (s == status::removed && plan_.leaves);
    if (!may_be) fail("a push was answered with " + std::string(to_string(s)));
  }

  message prepare(std::uint64_t ahead = 0) {
    const auto name = sent_.next(ahead);
    auto& bytes = bytes_[ahead];
    bytes.resize(size_of(name, book_.max_message));
    write_message(name, bytes);
    return bytes;
  }
  void settle(status s) {
    check(s);
    sent_.end(s == status::ok ? 1 : 0);
  }

  template <class F>
  void push(F&& f) {
    const message m = prepare();
    sent_.begin();
    settle(f(m));
  }
  void push_pieces() {
    const message m = prepare();
    const std::size_t cut = m.size() / 3;
    const std::array<message, 3> parts{m.first(cut), m.subspan(cut, cut), m.subspan(2 * cut)};
    sent_.begin();
    settle(to_.try_push(pieces(parts)));
  }
  void push_batch() {
    std::array<message, batch_size> many;
    for (std::uint64_t i = 0; i < batch_size; ++i) many[i] = prepare(i);
    sent_.begin(batch_size);
    const auto done = to_.try_push_batch(messages(many));
    check(done.why);
    sent_.end(done.count);
  }

  // Claims more than the message takes. Dies inside the claim, perhaps.
  void push_claim() {
    const auto name = sent_.next();
    const std::size_t size = size_of(name, book_.max_message);
    const std::size_t claimed = std::min(size + dice_.below(3) * 20, book_.max_message);
    auto claim = to_.claim(claimed, within(20ms));
    if (!claim) return check(claim.status());
    std::memset(claim.bytes().data(), 0xff, claim.bytes().size());
    write_message(name, claim.bytes().first(size));
    die_in_claim();
    sent_.begin();
    claim.commit(size);
    Place::settle(to_);
    sent_.end(1);
  }
  // What stands in it would be taken for a message, but it was never begun.
  void abort_claim() {
    const auto name = sent_.next();
    auto claim = to_.try_claim(size_of(name, book_.max_message));
    if (!claim) return check(claim.status());
    write_message(name, claim.bytes());
    die_in_claim();
    if (dice_.once_in(2)) claim.abort();
  }
  // The thread ends, its claim does not; what stands in it would be taken for a message.
  void end_thread_in_claim() {
    using claim = decltype(to_.try_claim(0));
    const auto name = sent_.next();
    std::thread([&] {
      auto* const lost = new claim(to_.try_claim(size_of(name, book_.max_message)));
      if (*lost) write_message(name, lost->bytes());
    }).join();
    to_.abandon_claim();
  }
  void die_in_claim() {
    if (!may_die_ || !dice_.once_in(400)) return;
    book_.deaths_in_claims.fetch_add(1);
    raise(SIGKILL);
  }

  ledger& book_;
  typename Place::producer_type to_;
  std::optional<interrupted_by_signal<typename Place::producer_type>> interrupts_;
  sent sent_;
  dice dice_;
  plan plan_;
  bool may_die_;
  std::array<std::vector<std::byte>, batch_size> bytes_;
};

// One incarnation of a consumer: every way to read, and every way to die of it.
template <class Place>
class reading {
 public:
  reading(ledger& book, Place& place, const plan& p, std::uint64_t seed)
      : book_(book),
        from_(place.consumer()),
        received_(book),
        dice_(seed),
        plan_(p),
        may_die_(p.consumers_die) {
    if (p.interrupts) interrupts_.emplace(from_);
    if (may_die_ && dice_.once_in(64)) raise(SIGKILL);
  }

  void run() {
    for (;;) {
      const bool is_over = book_.is_over.load(std::memory_order_acquire);
      const status why = received_.is_settled() && dice_.once_in(2) ? drain() : read_some();
      const bool may_be = why == status::ok || why == status::empty || why == status::timed_out ||
                          why == status::stalled || why == status::peer_gone ||
                          why == status::closed ||
                          (why == status::interrupted && plan_.interrupts) ||
                          (why == status::removed && plan_.leaves);
      if (!may_be) fail("a read was answered with " + std::string(to_string(why)));
      const bool is_end =
          why == status::closed || why == status::peer_gone || why == status::removed;
      if (is_over && is_end) {
        received_.finish();
        book_.is_complete = true;
        return;
      }
      if (plan_.forks && dice_.once_in(2'000)) fork_off(dice_, [&] { misuse(); });
      if (plan_.restarts && received_.is_settled() && !is_over && dice_.once_in(1'000)) return;
    }
  }

 private:
  // In a child, where the role is another's.
  void misuse() {
    require(from_.try_read().status() == status::not_permitted,
            "a child read by its parent's role");
    from_.release();
    from_.close();
  }

  void see(message m) {
    received_.see(m);
    if (may_die_ && dice_.once_in(20'000)) raise(SIGKILL);
  }

  status read_some() {
    view seen = from_.read(within(20ms));
    for (std::uint64_t more = dice_.below(32); seen; --more) {
      see(seen.bytes());
      if (more == 0) break;
      seen = from_.try_read();
    }
    // What it has read stays its own, also while producers die and others come.
    if (plan_.dawdles && dice_.once_in(16)) {
      std::this_thread::sleep_for(std::chrono::microseconds(dice_.below(5'000)));
    }
    if (received_.is_settled()) {
      received_.releasing();
      if (may_die_ && dice_.once_in(20'000)) raise(SIGKILL);
      from_.release();
      if (may_die_ && dice_.once_in(20'000)) raise(SIGKILL);
      received_.released();
    }
    return seen.status();
  }
  status drain() {
    received_.draining();
    const auto f = [&](message m) { see(m); };
    const std::size_t limit = 1 + dice_.below(200);
    const auto done =
        dice_.once_in(2) ? from_.drain(f, limit) : from_.drain(f, limit, within(20ms));
    received_.released();
    return done.why;
  }

  ledger& book_;
  typename Place::consumer_type from_;
  std::optional<interrupted_by_signal<typename Place::consumer_type>> interrupts_;
  received received_;
  dice dice_;
  plan plan_;
  bool may_die_;
};

}  // namespace annulus::processes
