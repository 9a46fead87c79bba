// Traces of one producer's ring whose words are damaged, between its calls and in their midst: the
// calls that Damage.v has as programs. One process makes them all.
//
// trace_damage COUNT [SEED [MUTANT]]    writes COUNT traces. A call is a line, and behind it stands
// what it does: `C attach`, `C poll`, `C look` (a closer one), `C release`, `P find`,
// `P find-clean`, `P claim WORDS` (a push).
#include "process_trace.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>
#include <random>

#include <annulus/ring/role.hpp>
#include <annulus/ring/spsc.hpp>
#include <annulus/ring/spsc_recovery.hpp>

namespace annulus::replay {
namespace {

// Each release tells at once, as Damage.v's does, and no line is taken over, which it leaves out.
struct damaged_atomics : process_atomics {
  static constexpr std::uint64_t cache_line_bytes = 8;
  static bool is_far(const word<std::uint64_t>&) { return false; }
};
using producer_type = basic_spsc_producer<damaged_atomics, uncounted>;
using consumer_type = basic_spsc_consumer<damaged_atomics, uncounted>;

constexpr std::uint64_t data_bytes = 256;

class damaged_ring {
 public:
  explicit damaged_ring(std::uint64_t seed) : random_(seed) {
    constexpr std::uint64_t firsts[] = {0, capacity * 6, 0 - capacity};
    const auto first = firsts[random_() % 3];
    memory_.geometry = small_ring(topology::spsc, 1, first);
    if (random_() % 2 == 0) memory_.geometry.integrity = integrity::crc32c;
    memory_.control = &control_;
    memory_.producers = &producer_;
    memory_.data = process_atomics::area(data_);
    for_each_word(memory_, [&](auto& word, const char* name) {
      word.set(0);
      names_[&word] = location::of(name);
    });
    control_.write_pos.set(first);
    control_.consumer.read_pos.set(first);
    control_.freed.set(first);
    for (std::uint64_t i = 0; i < data_bytes; i += 8) names_[data_ + i] = location::data(i / 8);
    log_.role = "C";
    own_log = &log_;
    hit_ = this;
    live_well();
    std::memcpy(whole_, data_, sizeof data_);
  }

  void run() {
    std::printf("ring %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", capacity,
                max_message, memory_.geometry.first_pos, key, memory_.geometry.trailer_bytes());
    for (auto left = random_() % 3; left > 0; --left) damage();
    consume();
    produce();
    std::printf("end\n");
  }

 private:
  // A good header, somewhere in eight laps, of whole words: Damage.v has no others.
  std::uint64_t disguised() {
    const auto pos = memory_.geometry.first_pos + random_() % 64 * 8;
    return record_header::committed(random_() % 4 * 8, pos, key);
  }

  // Both roles at work, and nothing is damaged yet.
  void live_well() {
    (void)enter<damaged_atomics>(producer_.role, true, holder{});
    (void)enter<damaged_atomics>(control_.consumer.role, true, holder{});
    producer_type writes(memory_);
    consumer_type reads(memory_);
    for (auto left = random_() % 24; left > 0; --left) {
      log_.count = 0;
      if (random_() % 3 != 0) {
        push(writes, random_() % 4);
      } else {
        (void)reads.try_read();
        if (random_() % 2 == 0) reads.release();
      }
    }
    while (random_() % 8 != 0 && push(writes, random_() % 4) != status::full) log_.count = 0;
    if (random_() % 2 == 0) close_producer(writes);
  }
  status push(producer_type& role, std::uint64_t words) {
    const std::uint64_t all[] = {disguised(), disguised(), disguised()};
    return role.try_push(std::as_bytes(std::span(all)).first(static_cast<std::size_t>(words * 8)));
  }

  // One word says something else; or it says again what it said.
  void damage() {
    auto& control = control_;
    const auto flip = [&](auto& word) {
      word.set(word.value() ^ std::uint64_t{8} << random_() % 61);
    };
    const auto at = memory_.index_of(cursor_ ? *cursor_ : control.consumer.read_pos.value());
    switch (random_() % 10) {
      case 0: return flip(control.write_pos);
      case 1: return flip(control.consumer.read_pos);
      case 2: return flip(control.freed);
      case 3: return flip(producer_.announcement);
      case 4: return producer_.announcement.set(control.write_pos.value() + 1);
      case 5: return control.write_pos.set(control.write_pos.value() + (random_() % 40 - 20) * 8);
      case 6: return change(random_() % data_bytes / 8 * 8, random_() % 32);
      case 7: return change(at, random_() % 64);
      case 8: std::memset(data_ + at, 0, 8); return;
      default: std::memcpy(data_ + at, whole_ + at, 8); return;
    }
  }
  // Flips a bit, but none by which a header's length is no whole number of words, and none in the
  // upper half of a checksum's word, which the ring leaves out and Damage.v does not.
  void change(std::uint64_t index, std::uint64_t bit) {
    if (bit > 1 && bit < 5) return;
    std::uint64_t word;
    std::memcpy(&word, data_ + index, 8);
    if (bit > 31 && word >> 32 == 0) return;
    word ^= std::uint64_t{1} << bit;
    std::memcpy(data_ + index, &word, 8);
  }
  // In the midst of a call.
  static void strike() {
    if (hit_->strikes_in_ > 0 && --hit_->strikes_in_ == 0) hit_->damage();
  }

  template <class Call>
  void traced(const char* what, Call call) {
    std::printf("%s\n", what);
    log_.count = 0;
    strikes_in_ = static_cast<unsigned>(random_() % 40);
    before_access = strike;
    call();
    before_access = nullptr;
    write_accesses(log_, names_);
  }
  void answer(const char* what, std::uint64_t value) {
    finish(begin("answers", what, "-", nullptr, value, __FILE__, __LINE__));
  }

  void consume() {
    log_.role = "C";
    (void)enter<damaged_atomics>(control_.consumer.role, true, holder{});
    std::optional<consumer_type> role;
    traced("C attach", [&] { role.emplace(memory_); });
    for (unsigned left = 10; left > 0; --left) {
      cursor_ = role->cursor();
      if (random_() % 3 == 0) damage();
      switch (random_() % 4) {
        case 0: traced("C release", [&] { role->release(); }); break;
        case 1: traced("C poll", [&] { tell(*role, role->try_read()); }); break;
        default: traced("C look", [&] { tell(*role, role->examine()); });
      }
    }
    cursor_.reset();
  }
  void tell(const consumer_type& role, const consumer_type::view_type& seen) {
    if (seen) return answer("message", seen.bytes().size());
    const bool is_damage = seen.status() == status::corrupt;
    answer(to_string(seen.status()).data(), is_damage ? role.last_damage()->bytes : 0);
  }

  void produce() {
    log_.role = "P";
    (void)enter<damaged_atomics>(producer_.role, true, holder{});
    const bool is_clean = began_clean(producer_.role.owner.value());
    const char* find = is_clean ? "P find-clean" : "P find";
    bool makes_sense = false;
    traced(find, [&] {
      const end_search<damaged_atomics> found(memory_);
      makes_sense = found.makes_sense();
      makes_sense ? answer("ok", found.pos()) : answer("corrupt", 0);
    });
    if (!makes_sense) return;
    std::optional<producer_type> role;
    traced(find, [&] { role.emplace(memory_); });
    const auto words = random_() % 4;
    char claim[16];
    std::snprintf(claim, sizeof claim, "P claim %" PRIu64, words);
    traced(claim, [&] { answer(to_string(push(*role, words)).data(), 0); });
  }

  static inline damaged_ring* hit_;
  std::mt19937_64 random_;
  control_words<damaged_atomics> control_;
  producer_words<damaged_atomics> producer_;
  alignas(128) std::byte data_[data_bytes] = {};
  std::byte whole_[data_bytes];  // before any damage
  ring_memory<damaged_atomics> memory_;
  std::map<const void*, location> names_;
  life_log log_{};
  std::optional<std::uint64_t> cursor_;
  unsigned strikes_in_ = 0;
};

}  // namespace
}  // namespace annulus::replay

int main(int argc, char** argv) {
  using namespace annulus::replay;
  const auto asked = options_of("trace_damage", argc, argv);
  for (unsigned long long i = 0; i < asked.traces; ++i) damaged_ring(asked.seed + i).run();
}
