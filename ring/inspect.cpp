#include <ctime>
#include <string_view>

#include <annulus/channel/roster.hpp>
#include <annulus/ring/bell.hpp>
#include <annulus/ring/inspect.hpp>
#include <annulus/ring/spsc_recovery.hpp>

namespace annulus {
namespace {

template <class T>
T value_of(const std_atomics::word<T>& at) noexcept {
  // [hint] relaxed: a report is no atomic snapshot.
  return at.template load<edge::hint>(std::memory_order_relaxed);
}

// What a lone producer's ring holds past what its roles have published.
struct unpublished {
  counters_report& out;
  std::uint64_t from;

  [[nodiscard]] std::uint64_t counted_to(std::uint64_t) const noexcept { return from; }
  void messages(std::uint64_t count, std::uint64_t bytes) noexcept {
    out.messages += count;
    out.bytes += bytes;
  }
};

void add_unpublished(const ring_memory<std_atomics>& ring, const tally_words<std_atomics>& words,
                     std::uint64_t to, counters_report& out) noexcept {
  if (ring.geometry.topology != topology::spsc) return;
  unpublished past{out, value_of(words.counted_to)};
  catch_up(ring, past, to);
}

void report_front(const ring_memory<std_atomics>& ring, ring_report& out) noexcept {
  const auto pos = out.read_pos;
  const auto key = ring.geometry.key;
  const auto word = value_of(ring.header(pos));
  const record_header header(word);
  if (word == 0) {
    // Claimed, and no header yet; for a lone producer the claim is the commit.
    const bool is_claimed = out.depth > 0 && ring.geometry.topology == topology::mpsc;
    out.front = is_claimed ? front::unfinished : front::empty;
  } else if (header.is_committed(pos, key)) {
    out.front = front::readable;
  } else if (header.is_aborted(pos, key)) {
    out.front = front::given_up;
  } else if (header.is_busy(pos, key, ring.geometry.producers)) {
    out.front = front::unfinished;
    out.front_producer = header.producer(pos, key);
  } else {
    out.front = front::unreadable;
  }
}

// How long ago that was, ns; a peer may have written any word, and what cannot be is 0.
std::int64_t elapsed_since(std::uint64_t then) noexcept {
  const auto now = static_cast<std::uint64_t>(std_atomics::now().time_since_epoch().count());
  return then != 0 && then < now ? static_cast<std::int64_t>(now - then) : 0;
}

}  // namespace

std::string_view to_string(front f) noexcept {
  switch (f) {
    case front::empty: return "empty";
    case front::readable: return "message";
    case front::unfinished: return "unfinished claim";
    case front::given_up: return "aborted claim";
    case front::unreadable: return "unreadable";
  }
  return "unknown";
}

result<ring_report> inspect(const segment& of) {
  auto held = attachment::make(of, access::read_only);
  if (!held) return held.error();
  const auto& ring = held->memory();
  const auto& control = *ring.control;

  ring_report out;
  out.geometry = ring.geometry;
  out.read_pos = value_of(control.consumer.read_pos);
  out.write_pos = value_of(control.write_pos);
  out.depth = is_before(out.read_pos, out.write_pos) ? out.write_pos - out.read_pos : 0;
  const auto bell = value_of(control.consumer_bell);
  out.consumer_sleeps = bell == static_cast<std::uint32_t>(bell_state::asleep);
  out.consumer_closed = bell == static_cast<std::uint32_t>(bell_state::closed);
  out.producers_wait =
      value_of(control.producers_bell) == static_cast<std::uint32_t>(bell_state::asleep);
  out.stalled_for_ns = elapsed_since(value_of(control.consumer.stalled_since));
  out.consumer = report_of(control.consumer.role, control.consumer.origin,
                           control.consumer.counters, ring.witness, consumer_role);
  add_unpublished(ring, control.consumer.counters, out.read_pos, out.consumer.counters);
  report_front(ring, out);

  for (std::uint32_t i = 0; i < ring.geometry.producers; ++i) {
    const auto& words = ring.producers[i];
    producer_report one{
        report_of(words.role, words.origin, words.counters, ring.witness, producer_role(i))};
    const auto announced = value_of(words.announcement);
    // A lone producer claims without announcing: what stands there is its end (publish_end).
    one.has_claim = ring.geometry.topology == topology::mpsc && announced != 0;
    if (one.has_claim) one.claim_pos = announced - 1;
    add_unpublished(ring, words.counters, out.write_pos, one.counters);
    if (one.has_claim && one.claim_pos == out.read_pos && out.front == front::unfinished) {
      out.front_producer = i;
    }
    out.producers.push_back(one);
  }
  return out;
}

}  // namespace annulus
