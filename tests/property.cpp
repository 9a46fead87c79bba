// Random sequences of every operation, held against a plain deque.
//
// The oracle knows the messages, and how much space each takes: every answer is predicted, full and
// empty included. A failure prints what reproduces it; to run it again, and longer:
//
//     RC_PARAMS="reproduce=..." test_property          the very case
//     RC_PARAMS="seed=42 max_success=10000" test_property
#include <gtest/gtest.h>
// RapidCheck's adapter wants GoogleTest before it.
#include "bytes.hpp"
#include "guarded.hpp"
#include <rapidcheck/gtest.h>
#include <rapidcheck/state.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <ostream>
#include <utility>
#include <vector>

#include <annulus/ring/inspect.hpp>
#include <annulus/ring/ring.hpp>

namespace annulus::testing {
namespace {

// The oracle.

struct entry {
  octets payload;
  std::uint64_t space = 0;
  bool is_message = true;  // else a claim that was given up and takes space until it is passed
};

struct model {
  ring_options shape;
  std::deque<entry> ring;  // from the last release on
  std::size_t read = 0;    // how many of them were passed by the consumer
  std::uint64_t used = 0;  // their space
  std::optional<std::size_t> claim;
  std::uint64_t next_seed = 0;  // of the next message's bytes
  bool producer_closed = false;
  bool consumer_closed = false;

  [[nodiscard]] bool is_mpsc() const { return shape.topology == topology::mpsc; }
  [[nodiscard]] std::uint64_t space_of(std::size_t count) const {
    return (8 + count + (shape.integrity == integrity::crc32c ? 4 : 0) + 7) / 8 * 8;
  }
  [[nodiscard]] bool has_room(std::uint64_t space) const {
    // A lone producer keeps room for the empty header behind its last record.
    return used + space + (is_mpsc() ? 0 : 8) <= shape.capacity;
  }
  [[nodiscard]] status may_push(std::size_t count) const {
    if (producer_closed) return status::not_permitted;
    if (count > shape.max_message) return status::never_fits;
    if (claim) return status::not_permitted;
    if (has_room(space_of(count))) return status::ok;
    return consumer_closed ? status::closed : status::full;
  }
  void append(octets payload, std::uint64_t space, bool is_message = true) {
    used += space;
    ring.push_back({std::move(payload), space, is_message});
  }
  void push(octets payload) {
    const auto space = space_of(payload.size());
    append(std::move(payload), space);
  }
  void settle_claim(std::optional<std::size_t> kept, octets payload) {
    const std::size_t claimed = *std::exchange(claim, std::nullopt);
    const auto whole = space_of(claimed);
    if (kept) {
      const auto taken = space_of(*kept);
      append(std::move(payload), taken);
      if (is_mpsc() && taken < whole) append({}, whole - taken, false);
    } else if (is_mpsc()) {
      append({}, whole, false);
    }
  }
  // The next message, if there is one; passes it and what was given up before it. A poll that finds
  // none hands back what it passed, unless messages that were read stand before it.
  const entry* pop() {
    while (read < ring.size() && !ring[read].is_message) ++read;
    if (read < ring.size()) return &ring[read++];
    if (std::ranges::none_of(ring, &entry::is_message)) release();
    return nullptr;
  }
  [[nodiscard]] status why_empty() const {
    return producer_closed ? status::closed : status::empty;
  }
  void release() {
    for (; read > 0; --read) {
      used -= ring.front().space;
      ring.pop_front();
    }
  }
};

// The ring under test: roles that come and go over memory between guard pages. For an mpsc ring a
// second, idle producer would hide the close of the first, so there is one.

class system_base {
 public:
  virtual ~system_base() = default;
  virtual status try_push(message one) = 0;
  virtual status push(message one) = 0;
  virtual status try_push_gathered(pieces parts) = 0;
  virtual status push_gathered(pieces parts) = 0;
  virtual batch push_batch(messages many, bool waits) = 0;
  virtual status push_or_drop(message one) = 0;
  virtual status open_claim(std::size_t count, bool waits) = 0;
  virtual std::span<std::byte> claimed() = 0;
  virtual void commit(std::size_t count) = 0;
  virtual void abort() = 0;
  virtual view try_read() = 0;
  virtual view read() = 0;
  virtual batch drain(std::vector<octets>& into, std::size_t limit, bool waits) = 0;
  virtual void release() = 0;
  virtual void close_producer() = 0;
  virtual void close_consumer() = 0;
  virtual void attach_producer() = 0;
  virtual void attach_consumer() = 0;
  virtual ring_report report() = 0;
};

template <class Producer, class Consumer>
class ring_system final : public system_base {
 public:
  explicit ring_system(const ring_options& shape)
      : memory_(static_cast<std::size_t>(*segment::bytes_for(shape))),
        segment_(segment::format(memory_.bytes(), shape).value()) {
    // As if a producer had slept once: then each release is told at once, and the oracle knows what
    // is full. What is told by the chunk else has tests of its own (telling.cpp).
    const auto held = attachment::make(segment_, access::read_write).value();
    set_bell<std_atomics>(held.memory().control->producers_bell, bell_state::awake);
    attach_producer();
    attach_consumer();
  }

  status try_push(message one) override { return tx_->try_push(one); }
  status push(message one) override { return tx_->push(one, now()); }
  status try_push_gathered(pieces parts) override { return tx_->try_push(parts); }
  status push_gathered(pieces parts) override { return tx_->push(parts, now()); }
  batch push_batch(messages many, bool waits) override {
    return waits ? tx_->push_batch(many, now()) : tx_->try_push_batch(many);
  }
  status push_or_drop(message one) override { return tx_->push_or_drop(one); }
  status open_claim(std::size_t count, bool waits) override {
    auto claim = waits ? tx_->claim(count, now()) : tx_->try_claim(count);
    const status why = claim.status();
    if (claim) claim_.emplace(std::move(claim));
    return why;
  }
  std::span<std::byte> claimed() override { return claim_->bytes(); }
  void commit(std::size_t count) override {
    claim_->commit(count);
    claim_.reset();
  }
  void abort() override { claim_.reset(); }
  view try_read() override { return rx_->try_read(); }
  view read() override { return rx_->read(now()); }
  batch drain(std::vector<octets>& into, std::size_t limit, bool waits) override {
    const auto take = [&](message one) { into.push_back(copy(one)); };
    return waits ? rx_->drain(take, limit, now()) : rx_->drain(take, limit);
  }
  void release() override { rx_->release(); }
  void close_producer() override { tx_->close(); }
  void close_consumer() override { rx_->close(); }
  void attach_producer() override {
    claim_.reset();
    tx_.reset();
    tx_.emplace(Producer::attach(segment_).value());
  }
  void attach_consumer() override {
    rx_.reset();
    rx_.emplace(Consumer::attach(segment_).value());
  }
  ring_report report() override { return inspect(segment_).value(); }

 private:
  static deadline now() { return std::chrono::steady_clock::now(); }

  guarded_memory memory_;
  segment segment_;
  std::optional<Producer> tx_;
  std::optional<Consumer> rx_;
  std::optional<typename Producer::claim_type> claim_;
};

std::unique_ptr<system_base> make_system(const ring_options& shape) {
  if (shape.topology == topology::spsc) {
    return std::make_unique<ring_system<spsc_producer, spsc_consumer>>(shape);
  }
  return std::make_unique<ring_system<mpsc_producer, mpsc_consumer>>(shape);
}

struct fixture {
  std::unique_ptr<system_base> ring;
};

using command = rc::state::Command<model, fixture>;

// Sizes on both sides of every limit, and all that lie between.
rc::Gen<std::size_t> sizes(const model& m) {
  const auto most = static_cast<std::size_t>(m.shape.max_message);
  const auto room = static_cast<std::size_t>(m.shape.capacity - m.used);
  const std::size_t fits = room > 24 ? room - 24 : 0;  // about what just fits now
  return rc::gen::oneOf(rc::gen::inRange<std::size_t>(0, 33),
                        rc::gen::inRange<std::size_t>(0, most + 1),
                        rc::gen::inRange<std::size_t>(most - 9, most + 10),
                        rc::gen::inRange<std::size_t>(fits, fits + 25));
}

// Operations.

// What a waiting form says where the other would say why it cannot go on.
status after_waiting(status why) {
  return why == status::full || why == status::empty ? status::timed_out : why;
}

enum class form { try_push, push, try_gathered, gathered, drop };

struct push_one : command {
  form how;
  std::size_t count;
  explicit push_one(const model& m)
      : how(*rc::gen::element(form::try_push, form::push, form::try_gathered, form::gathered,
                              form::drop)),
        count(*sizes(m)) {}

  [[nodiscard]] octets payload(const model& m) const { return pattern(count, m.next_seed); }
  void apply(model& m) const override {
    if (m.may_push(count) == status::ok) m.push(payload(m));
    ++m.next_seed;
  }
  void run(const model& m, fixture& f) const override {
    auto expected = m.may_push(count);
    const auto whole = payload(m);
    const message one(whole);
    const message parts[] = {one.first(count / 3), one.subspan(count / 3)};
    if (how == form::push || how == form::gathered) expected = after_waiting(expected);
    const status got = how == form::try_push   ? f.ring->try_push(one)
                       : how == form::push     ? f.ring->push(one)
                       : how == form::drop     ? f.ring->push_or_drop(one)
                       : how == form::gathered ? f.ring->push_gathered(pieces(parts))
                                               : f.ring->try_push_gathered(pieces(parts));
    RC_ASSERT(to_string(got) == to_string(expected));
  }
  void show(std::ostream& out) const override {
    out << "push_one(" << static_cast<int>(how) << ", " << count << ")";
  }
};

struct push_batch : command {
  bool waits = *rc::gen::arbitrary<bool>();
  std::vector<std::size_t> counts;
  explicit push_batch(const model& m)
      : counts(*rc::gen::resize(8, rc::gen::container<std::vector<std::size_t>>(sizes(m)))) {}

  // How many go in, and what stops it.
  [[nodiscard]] batch expected(const model& m) const {
    model then = m;
    batch done;
    if (m.producer_closed) return {0, status::not_permitted};
    for (const auto count : counts) {
      if (done.why = then.may_push(count); done.why != status::ok) break;
      then.push(octets(count));
      ++done.count;
    }
    return done;
  }
  [[nodiscard]] std::vector<octets> payloads(const model& m) const {
    std::vector<octets> all;
    for (const auto count : counts) all.push_back(pattern(count, m.next_seed + all.size()));
    return all;
  }
  void apply(model& m) const override {
    const batch done = expected(m);
    auto all = payloads(m);
    for (std::size_t i = 0; i < done.count; ++i) m.push(std::move(all[i]));
    m.next_seed += counts.size();
  }
  void run(const model& m, fixture& f) const override {
    const auto all = payloads(m);
    const std::vector<message> many(all.begin(), all.end());
    const batch done = expected(m);
    const batch got = f.ring->push_batch(many, waits);
    RC_ASSERT(got.count == done.count);
    RC_ASSERT(to_string(got.why) == to_string(waits ? after_waiting(done.why) : done.why));
  }
  void show(std::ostream& out) const override {
    out << (waits ? "push_batch(" : "try_push_batch(");
    for (const auto count : counts) out << count << " ";
    out << ")";
  }
};

struct open_claim : command {
  bool waits = *rc::gen::arbitrary<bool>();
  std::size_t count;
  explicit open_claim(const model& m) : count(*sizes(m)) {}

  void apply(model& m) const override {
    if (m.may_push(count) == status::ok) m.claim = count;
  }
  void run(const model& m, fixture& f) const override {
    const status expected = waits ? after_waiting(m.may_push(count)) : m.may_push(count);
    RC_ASSERT(to_string(f.ring->open_claim(count, waits)) == to_string(expected));
  }
  void show(std::ostream& out) const override {
    out << (waits ? "claim(" : "try_claim(") << count << ")";
  }
};

struct commit : command {
  std::size_t kept = 0;
  explicit commit(const model& m) {
    if (m.claim.has_value()) {
      kept =
          *rc::gen::oneOf(rc::gen::just(*m.claim), rc::gen::inRange<std::size_t>(0, *m.claim + 1));
    }
  }

  void checkPreconditions(const model& m) const override {
    const bool can = m.claim.has_value() && kept <= *m.claim;
    RC_PRE(can);
  }
  void apply(model& m) const override {
    m.settle_claim(kept, pattern(kept, m.next_seed));
    ++m.next_seed;
  }
  void run(const model& m, fixture& f) const override {
    const auto bytes = f.ring->claimed();
    RC_ASSERT(bytes.size() == *m.claim);
    for (auto& one : bytes) one = std::byte{0xee};
    const auto payload = pattern(kept, m.next_seed);
    std::ranges::copy(payload, bytes.begin());
    f.ring->commit(kept);
  }
  void show(std::ostream& out) const override { out << "commit(" << kept << ")"; }
};

struct abort_claim : command {
  void checkPreconditions(const model& m) const override { RC_PRE(m.claim.has_value()); }
  void apply(model& m) const override { m.settle_claim(std::nullopt, {}); }
  void run(const model&, fixture& f) const override {
    for (auto& one : f.ring->claimed()) one = std::byte{0xee};
    f.ring->abort();
  }
  void show(std::ostream& out) const override { out << "abort_claim"; }
};

struct read_one : command {
  bool waits = *rc::gen::arbitrary<bool>();

  // An open claim at its cursor stalls an mpsc consumer; that has a test of its own.
  void checkPreconditions(const model& m) const override {
    RC_PRE(!m.consumer_closed && !(waits && m.claim && m.is_mpsc()));
  }
  void apply(model& m) const override { (void)m.pop(); }
  void run(const model& m, fixture& f) const override {
    model then = m;
    const entry* expected = then.pop();
    const view got = waits ? f.ring->read() : f.ring->try_read();
    if (expected != nullptr) {
      RC_ASSERT(to_string(got.status()) == "ok");
      RC_ASSERT(copy(got.bytes()) == expected->payload);
    } else {
      const status why = waits ? after_waiting(m.why_empty()) : m.why_empty();
      RC_ASSERT(to_string(got.status()) == to_string(why));
    }
  }
  void show(std::ostream& out) const override { out << (waits ? "read" : "try_read"); }
};

struct drain : command {
  bool waits = *rc::gen::arbitrary<bool>();
  std::size_t limit = *rc::gen::inRange<std::size_t>(0, 12);

  void checkPreconditions(const model& m) const override {
    RC_PRE(!m.consumer_closed && !(waits && m.claim && m.is_mpsc()));
  }
  [[nodiscard]] std::vector<octets> take(model& m) const {
    std::vector<octets> seen;
    while (seen.size() < limit) {
      const entry* one = m.pop();
      if (one == nullptr) break;
      seen.push_back(one->payload);
    }
    m.release();
    return seen;
  }
  void apply(model& m) const override { (void)take(m); }
  void run(const model& m, fixture& f) const override {
    model then = m;
    const auto expected = take(then);
    std::vector<octets> got;
    const batch done = f.ring->drain(got, limit, waits);
    RC_ASSERT(got == expected);
    RC_ASSERT(done.count == expected.size());
    // Only the first message is waited for.
    const status why = waits && got.empty() ? after_waiting(m.why_empty()) : m.why_empty();
    RC_ASSERT(to_string(done.why) == to_string(got.size() == limit ? status::ok : why));
  }
  void show(std::ostream& out) const override {
    out << (waits ? "drain_waiting(" : "drain(") << limit << ")";
  }
};

struct release : command {
  void apply(model& m) const override {
    if (!m.consumer_closed) m.release();
  }
  void run(const model&, fixture& f) const override { f.ring->release(); }
  void show(std::ostream& out) const override { out << "release"; }
};

struct close_producer : command {
  void checkPreconditions(const model& m) const override { RC_PRE(!m.producer_closed); }
  void apply(model& m) const override {
    if (m.claim) m.settle_claim(std::nullopt, {});
    m.producer_closed = true;
  }
  void run(const model&, fixture& f) const override { f.ring->close_producer(); }
  void show(std::ostream& out) const override { out << "close_producer"; }
};

struct attach_producer : command {
  void checkPreconditions(const model& m) const override { RC_PRE(m.producer_closed); }
  void apply(model& m) const override { m.producer_closed = false; }
  void run(const model&, fixture& f) const override { f.ring->attach_producer(); }
  void show(std::ostream& out) const override { out << "attach_producer"; }
};

struct close_consumer : command {
  void checkPreconditions(const model& m) const override { RC_PRE(!m.consumer_closed); }
  void apply(model& m) const override { m.consumer_closed = true; }
  void run(const model&, fixture& f) const override { f.ring->close_consumer(); }
  void show(std::ostream& out) const override { out << "close_consumer"; }
};

struct attach_consumer : command {
  void checkPreconditions(const model& m) const override { RC_PRE(m.consumer_closed); }
  // What was read and not released is redelivered.
  void apply(model& m) const override {
    m.consumer_closed = false;
    m.read = 0;
  }
  void run(const model&, fixture& f) const override { f.ring->attach_consumer(); }
  void show(std::ostream& out) const override { out << "attach_consumer"; }
};

// What is told from outside agrees with the oracle.
struct look : command {
  void apply(model&) const override {}
  void run(const model& m, fixture& f) const override {
    const auto seen = f.ring->report();
    const bool holds_claim = m.claim && m.is_mpsc();
    RC_ASSERT(seen.depth == m.used + (holds_claim ? m.space_of(*m.claim) : 0));
    RC_ASSERT(seen.read_pos % 8 == 0u);
    RC_ASSERT(seen.consumer_closed == m.consumer_closed);
    RC_ASSERT((seen.producers[0].state == presence::closed) == m.producer_closed);
  }
  void show(std::ostream& out) const override { out << "look"; }
};

rc::Gen<std::uint64_t> first_positions() {
  const auto just_below = [](std::uint64_t limit) {
    return rc::gen::map(rc::gen::inRange<std::uint64_t>(0, 2048),
                        [=](std::uint64_t words) { return limit - 8 * words; });
  };
  return rc::gen::oneOf(rc::gen::just<std::uint64_t>(0), just_below(std::uint64_t{1} << 32),
                        just_below(std::uint64_t{1} << 63), just_below(0));
}

void check_against_a_deque(topology kind, integrity checked) {
  ring_options shape;
  shape.topology = kind;
  shape.capacity = 4096;
  const auto most = static_cast<int>(shape.capacity / 2);
  shape.max_message = static_cast<std::uint64_t>(
      *rc::gen::oneOf(rc::gen::element(10, 24, 100, most - 4, most), rc::gen::inRange(10, most)));
  shape.producers = 1;
  shape.integrity = checked;
  shape.first_pos = *first_positions();

  model initial;
  initial.shape = shape;
  fixture sut{make_system(shape)};
  rc::state::check(
      initial, sut,
      rc::state::gen::execOneOfWithArgs<push_one, push_one, push_one, push_batch, open_claim,
                                        commit, commit, abort_claim, read_one, read_one, read_one,
                                        drain, release, release, close_producer, attach_producer,
                                        close_consumer, attach_consumer, look>());
}

RC_GTEST_PROP(Property, an_spsc_ring_is_a_deque, ()) {
  check_against_a_deque(topology::spsc, integrity::structure);
}
RC_GTEST_PROP(Property, an_spsc_ring_with_crc32c_is_a_deque, ()) {
  check_against_a_deque(topology::spsc, integrity::crc32c);
}
RC_GTEST_PROP(Property, an_mpsc_ring_is_a_deque, ()) {
  check_against_a_deque(topology::mpsc, integrity::structure);
}
RC_GTEST_PROP(Property, an_mpsc_ring_with_crc32c_is_a_deque, ()) {
  check_against_a_deque(topology::mpsc, integrity::crc32c);
}

// Exhaustive where the deque is random.

struct kind_of_ring {
  topology kind;
  integrity checked;
};
constexpr kind_of_ring every_kind[] = {{topology::spsc, integrity::structure},
                                       {topology::spsc, integrity::crc32c},
                                       {topology::mpsc, integrity::structure},
                                       {topology::mpsc, integrity::crc32c}};

TEST(Limits, every_offset_of_the_wrap_carries_a_message_across) {
  for (const auto& [kind, checked] : every_kind) {
    for (const std::uint64_t limit :
         {std::uint64_t{4096}, std::uint64_t{1} << 32, std::uint64_t{0}}) {
      for (std::uint64_t back = 8; back <= 160; back += 8) {
        ring_options shape;
        shape.topology = kind;
        shape.integrity = checked;
        shape.capacity = 4096;
        shape.producers = 1;
        shape.first_pos = limit - back;
        const auto ring = make_system(shape);
        for (std::size_t count = 0; count <= 150; ++count) {
          const auto one = pattern(count, count);
          const message pair[] = {message(one), message(one)};
          ASSERT_EQ(ring->push_batch(pair, false).count, 2u) << back << " " << count;
          ASSERT_EQ(copy(ring->try_read().bytes()), one) << back << " " << count;
          ASSERT_EQ(copy(ring->try_read().bytes()), one) << back << " " << count;
          ASSERT_EQ(ring->try_read().status(), status::empty);
          ring->release();
          if (count == 12)
            break;  // the wrap is behind us for the nearest offsets; go on from there
        }
        ASSERT_EQ(ring->report().depth, 0u);
      }
    }
  }
}

TEST(Limits, every_size_fits_exactly_where_its_record_does) {
  for (const auto& [kind, checked] : every_kind) {
    model m;
    m.shape.topology = kind;
    m.shape.integrity = checked;
    m.shape.capacity = 4096;
    m.shape.max_message = 2048;
    m.shape.producers = 1;
    for (std::size_t first = 1990; first <= 2048; ++first) {
      for (std::size_t second = 1990; second <= 2048; ++second) {
        m.ring.clear();
        m.used = 0;
        m.push(octets(first));
        const auto expected = m.may_push(second);
        const auto ring = make_system(m.shape);
        ASSERT_EQ(ring->try_push(octets(first)), status::ok);
        ASSERT_EQ(ring->try_push(octets(second)), expected) << first << " " << second;
      }
    }
  }
}

}  // namespace
}  // namespace annulus::testing
