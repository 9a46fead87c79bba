// Any sequence of operations, with deaths at any access of any of them, held to a plain deque.
//
// The shipped cores over a policy in which a role can die (atomics.hpp): in attaching, in a push
// or half way through its copy, in a release or its zeroing, in the repair of another death. Others
// take its role up. No message that was answered ok is lost, none comes twice but what was not
// released, order holds, no live claim is passed, nothing is called damaged, no room is denied.
//
//     u8 shape (image.hpp), then steps: u8 what, u8 how much, and u16 the access to die at
#include "atomics.hpp"
#include "image.hpp"
#include "oracle.hpp"
#include "target.hpp"

#include <array>
#include <cstdlib>
#include <memory>
#include <new>

#include <annulus/ring/mpsc.hpp>
#include <annulus/ring/role.hpp>
#include <annulus/ring/segment.hpp>
#include <annulus/ring/spsc.hpp>

namespace annulus::fuzz {
namespace {

// Room for a role or a claim, whose end nobody hears of when it died.
template <class T>
class mortal {
 public:
  template <class... Args>
  void be(Args&&... args) {
    is_there_ = true;
    new (place_) T(std::forward<Args>(args)...);
  }
  void forget() noexcept { is_there_ = false; }
  [[nodiscard]] explicit operator bool() const noexcept { return is_there_; }
  T& operator*() noexcept { return *std::launder(reinterpret_cast<T*>(place_)); }
  T* operator->() noexcept { return &**this; }

 private:
  alignas(T) std::byte place_[sizeof(T)];
  bool is_there_ = false;
};

constexpr std::uint64_t most_accesses = 100'000;

template <class Producer, class Consumer>
class play {
  using claim_type = typename Producer::claim_type;
  struct sending {
    mortal<Producer> role;
    mortal<claim_type> claim;
    wait_memory<fuzz_atomics> sleep;
  };

 public:
  explicit play(const ring_memory<fuzz_atomics>& ring)
      : ring_(ring),
        expected_(ring.geometry),
        pushers_(std::min(ring.geometry.producers, most_pushers)) {}

  void run(input& in) {
    for (unsigned i = 0; i < pushers_; ++i) attach(i, 0);
    attach_consumer(0);
    while (!in.is_over()) step(in);
    settle();
  }

 private:
  static constexpr unsigned most_pushers = 3;
  static constexpr waiting sleeping{.how = waiting::kind::block, .spin_for = {}};

  void step(input& in) {
    const auto what = in.take<std::uint8_t>();
    const std::size_t much = in.take<std::uint8_t>();
    const std::uint64_t dies_at = (what & 0x80) != 0 ? 1 + in.take<std::uint16_t>() % 512 : 0;
    const unsigned i = (what >> 4 & 3) % pushers_;
    if (is_traced()) {
      std::fprintf(stderr, "%u by %u, %zu, dies at %llu\n", what & 15u, i, much,
                   static_cast<unsigned long long>(dies_at));
    }
    switch (what & 15) {
      case 0: return attach(i, dies_at);
      case 1: return attach_consumer(dies_at);
      case 2: return close(i, dies_at);
      case 3: return close_reader(dies_at);
      case 4: return push(i, size_of(much), dies_at, ways::whole);
      case 5: return push(i, size_of(much), dies_at, ways::pieces);
      case 6: return push(i, size_of(much), dies_at, ways::waiting);
      case 7: return push_batch(i, 1 + much % 6, size_of(much), dies_at);
      case 8: return claim(i, size_of(much), dies_at);
      case 9: return commit(i, much, dies_at);
      case 10: return abort(i, dies_at);
      case 11: return read(dies_at, false, [&] { return reader_->try_read(); });
      case 12: return read(dies_at, true, [&] { return reader_->examine(); });
      case 13: return read_waiting(dies_at);
      case 14: return release(dies_at);
      case 15: return (what & 0x40) != 0 ? bury_reader() : bury(i);
    }
  }

  // From the id alone to the most there may be, and beyond.
  [[nodiscard]] std::size_t size_of(std::size_t much) const noexcept {
    const std::size_t most = ring_.geometry.max_message;
    if (much == 255) return most + 1;
    if (most < id_bytes) return most;
    return much >= 250 ? most - (much - 250) % (most - id_bytes + 1)
                       : std::min(id_bytes + much * (much < 200 ? 1 : 8), most);
  }

  // Attaching, as ring.cpp does it.
  void attach(unsigned i, std::uint64_t dies_at) {
    auto& one = from_[i];
    if (one.role) return;
    now_running.is_held[producer_role(i)] = true;
    const bool lived = life(dies_at, [&] {
      demand(enter<fuzz_atomics>(ring_.producers[i].role, true, {1, i}), "a free role is refused");
      one.role.be(ring_, i);
      call_the_roll<fuzz_atomics>(*ring_.control);
    });
    one.sleep = {};
    if (!lived) bury(i);
  }
  void attach_consumer(std::uint64_t dies_at) {
    if (reader_) return;
    now_running.is_held[consumer_role] = true;
    const bool lived = life(dies_at, [&] {
      demand(enter<fuzz_atomics>(ring_.control->consumer.role, true, {1, 7}),
             "a free role is refused");
      set_bell<fuzz_atomics>(ring_.control->consumer_bell, bell_state::none);
      may_be_closed_ = false;
      reader_.be(ring_);
    });
    reader_sleep_ = {};
    if (!lived) return bury_reader();
    // A release that a death cut off has happened or not.
    if (in_release_ != 0) {
      const bool happened = reader_->cursor() == release_to_;
      demand(happened || reader_->cursor() == released_, "half of a release happened");
      if (happened) expected_.release(in_release_);
      in_release_ = 0;
    }
    expected_.read_again();
    released_ = reader_->cursor();
  }

  // A death between two calls, or what is left after one inside.
  void bury(unsigned i) {
    auto& one = from_[i];
    one.role.forget();
    one.claim.forget();
    now_running.is_held[producer_role(i)] = false;
    if (entry* open = expected_.open_claim(i)) expected_.give_up(*open);
  }
  void bury_reader() {
    reader_.forget();
    now_running.is_held[consumer_role] = false;
  }

  void close(unsigned i, std::uint64_t dies_at) {
    auto& one = from_[i];
    if (!one.role) return;
    has_closed_ = true;
    (void)life(dies_at, [&] { close_producer(*one.role); });
    bury(i);
  }
  void close_reader(std::uint64_t dies_at) {
    if (!reader_) return;
    may_be_closed_ = true;
    (void)life(dies_at, [&] { close_consumer(*reader_); });
    bury_reader();
  }

  enum class ways { whole, pieces, waiting };

  void push(unsigned i, std::size_t size, std::uint64_t dies_at, ways how) {
    auto& one = from_[i];
    if (!one.role) return;
    write_message(expected_.next_id(), std::span(bytes_).first(size));
    const auto whole = message(bytes_).first(size);
    const std::array<message, 2> parts{whole.first(size / 3), whole.subspan(size / 3)};
    status s = status::ok;
    const auto work = [&] {
      switch (how) {
        case ways::whole: s = one.role->try_push(whole); break;
        case ways::pieces: s = one.role->try_push(pieces(parts)); break;
        case ways::waiting:
          s = wait_for_room(
              *one.role, sleeping, fuzz_atomics::now() + std::chrono::milliseconds(25), one.sleep,
              [] { return false; }, [&] { return one.role->try_push(whole); },
              [](status r) { return r; }, [](status r) { return r; });
          break;
      }
    };
    const bool lived = life(dies_at, work);
    if (!lived) {
      expected_.add(i, size, state::maybe);
      return bury(i);
    }
    if (s == status::ok)
      expected_.add(i, size, state::committed);
    else
      check_refusal(s, i, size);
  }

  void push_batch(unsigned i, std::size_t count, std::size_t size, std::uint64_t dies_at) {
    auto& one = from_[i];
    if (!one.role) return;
    size = std::min<std::size_t>(size, 300);
    std::array<message, 6> many;
    for (std::size_t k = 0; k < count; ++k) {
      const auto place = std::span(bytes_).subspan(k * 300, size);
      write_message(expected_.next_id() + k, place);
      many[k] = place;
    }
    batch done;
    const bool lived =
        life(dies_at, [&] { done = one.role->try_push_batch(messages(many).first(count)); });
    const std::size_t all = lived ? done.count : count;
    for (std::size_t k = 0; k < all; ++k) {
      expected_.add(i, size, lived ? state::committed : state::maybe);
    }
    if (!lived) return bury(i);
    if (done.count < count) check_refusal(done.why, i, size);
  }

  void claim(unsigned i, std::size_t size, std::uint64_t dies_at) {
    auto& one = from_[i];
    if (!one.role || one.claim) return;
    status s = status::ok;
    const bool lived = life(dies_at, [&] {
      auto made = one.role->try_claim(size);
      s = made.status();
      if (made) one.claim.be(std::move(made));
    });
    if (!lived) {
      expected_.give_up(expected_.add(i, size, state::open));
      return bury(i);
    }
    if (!one.claim) return check_refusal(s, i, size);
    demand(one.claim->bytes().size() == size, "a claim is not as large as was asked");
    auto& open = expected_.add(i, size, state::open);
    write_message(open.id, one.claim->bytes());
  }
  void commit(unsigned i, std::size_t much, std::uint64_t dies_at) {
    auto& one = from_[i];
    entry* const open = expected_.open_claim(i);
    if (!one.claim || open == nullptr) return;
    const std::size_t least = std::min<std::size_t>(id_bytes, open->size);
    const std::size_t kept = open->size - much % (open->size - least + 1);
    const bool lived = life(dies_at, [&] { one.claim->commit(kept); });
    expected_.commit(open, kept, lived ? state::committed : state::maybe);
    one.claim.forget();
    if (!lived) bury(i);
  }
  void abort(unsigned i, std::uint64_t dies_at) {
    auto& one = from_[i];
    if (!one.claim) return;
    const bool lived = life(dies_at, [&] { one.claim->abort(); });
    expected_.give_up(*expected_.open_claim(i));
    one.claim.forget();
    if (!lived) bury(i);
  }

  void check_refusal(status s, unsigned i, std::size_t size) {
    switch (s) {
      case status::never_fits:
        return demand(size > ring_.geometry.max_message, "what fits is refused for ever");
      case status::not_permitted:
        return demand(static_cast<bool>(from_[i].claim), "not permitted, and no claim is open");
      case status::closed: return demand(may_be_closed_, "closed, and the consumer has not");
      case status::full:
      case status::timed_out:
        // A consumer that died may have told less than it freed; its successor tells the rest.
        return reader_ ? expected_.check_full(size) : void();
      case status::peer_gone:
        return demand(!reader_, "the consumer is gone, it says, and it lives");
      default: broken("a push answers what it cannot: nothing is damaged here");
    }
  }

  // Some producer has closed, and none is here.
  [[nodiscard]] bool is_over() {
    bool any_here = false;
    for (auto& one : from_) any_here |= static_cast<bool>(one.role);
    return has_closed_ && !any_here;
  }

  template <class Read>
  void read(std::uint64_t dies_at, bool is_close_look, Read&& how) {
    if (!reader_) return;
    typename Consumer::view_type seen = status::empty;
    const bool lived = life(dies_at, [&] { seen = how(); });
    if (!lived) return bury_reader();
    // What was given up in front of a message goes back while it is read.
    released_ = reader_->cursor() - reader_->unreleased_bytes();
    if (seen)
      expected_.read(seen.bytes());
    else
      expected_.check_nothing(seen.status(), is_close_look, is_over());
  }
  void read_waiting(std::uint64_t dies_at) {
    read(dies_at, true, [&] {
      const auto until = fuzz_atomics::now() + std::chrono::milliseconds(25);
      return wait_for_message(*reader_, ours_, sleeping, until, reader_sleep_,
                              [] { return false; });
    });
  }
  void release(std::uint64_t dies_at) {
    if (!reader_) return;
    in_release_ = expected_.read_count();
    release_to_ = reader_->cursor();
    const bool lived = life(dies_at, [&] { reader_->release(); });
    if (!lived) {
      if (has_canary() && in_release_ != 0) {
        // Planted: the dead one has released a word more than it read.
        planted();
        ring_.control->consumer.read_pos.store<edge::free>(release_to_ + record_align,
                                                           std::memory_order_relaxed);
      }
      return bury_reader();
    }
    expected_.release(in_release_);
    in_release_ = 0;
    released_ = release_to_;
  }

  // In the end everybody dies, and a last consumer reads all that must come.
  void settle() {
    for (unsigned i = 0; i < pushers_; ++i) bury(i);
    bury_reader();
    for (unsigned i = 0; i < pushers_; ++i) attach(i, 0);
    attach_consumer(0);
    for (bool goes_on = true; goes_on;) {
      typename Consumer::view_type seen = reader_->examine();
      goes_on = static_cast<bool>(seen);
      if (seen)
        expected_.read(seen.bytes());
      else
        expected_.check_nothing(seen.status(), true, false);
    }
  }

  ring_memory<fuzz_atomics> ring_;
  oracle expected_;
  unsigned pushers_;
  std::array<sending, most_pushers> from_;
  mortal<Consumer> reader_;
  const fuzz_atomics::home ours_ = fuzz_atomics::home::here();
  wait_memory<fuzz_atomics> reader_sleep_;
  bool may_be_closed_ = false;    // the consumer
  bool has_closed_ = false;       // some producer
  std::size_t in_release_ = 0;    // entries of a release that a death cut off
  std::uint64_t release_to_ = 0;  // where it led
  std::uint64_t released_ = 0;    // where the last one led
  std::array<std::byte, 8192> bytes_{};
};

void run(input& in) {
  const auto shape = options_from(in);
  auto bytes = segment::bytes_for(shape);
  if (!bytes) return;
  static auto* const memory = static_cast<std::byte*>(std::aligned_alloc(4096, 1 << 16));
  demand(*bytes <= 1 << 16, "a case is larger than its memory");
  auto made = segment::format({memory, static_cast<std::size_t>(*bytes)}, shape);
  demand(static_cast<bool>(made), "a planned ring cannot be made");
  now_running = {};
  now_running.most = most_accesses;
  auto ring = ring_at(memory, made->geometry());
  ring.geometry.key = 0x5ea1'5ea1'5ea1'5ea0;  // a case is the same each time
  if (shape.topology == topology::spsc)
    play<basic_spsc_producer<fuzz_atomics>, basic_spsc_consumer<fuzz_atomics>>(ring).run(in);
  else
    play<basic_mpsc_producer<fuzz_atomics>, basic_mpsc_consumer<fuzz_atomics>>(ring).run(in);
}

}  // namespace
}  // namespace annulus::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t count) {
  annulus::fuzz::input in(data, count);
  annulus::fuzz::run(in);
  return 0;
}
