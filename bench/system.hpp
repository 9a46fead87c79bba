// A system to measure: a transport or a peer, and its open channel, whatever its kind.
#pragma once

#include "bench/load.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace annulus::bench {

struct shape {
  std::size_t bytes = 128;                      // of the largest message
  std::size_t capacity = std::size_t{1} << 20;  // bytes of payload, where it can be chosen
  unsigned producers = 1;
  bool polls = false;  // the ends poll, where they could also wait in the kernel
};

// The steps of one message.
enum class step : std::uint8_t { claim, fill, commit, notice, read, release };
inline constexpr std::size_t step_count = 6;
[[nodiscard]] constexpr const char* to_string(step s) noexcept {
  constexpr const char* names[] = {"claim", "fill", "commit", "notice", "read", "release"};
  return names[static_cast<std::size_t>(s)];
}
// When each step of one message ended, and when the first began.
struct trace {
  clock::time_point producer[4];  // before claim; after claim, fill, commit
  clock::time_point consumer[3];  // after notice, read, release
};

// Round trips as the asking side sees them.
struct trips {
  double mean = 0;        // ns, of a loop without a clock in it
  std::size_t timed = 0;  // single trips that were timed too
};

// An open channel, before its sides part. Each function runs in a side of its own, and throws what
// ends the run.
class link {
 public:
  virtual ~link() = default;

  virtual void produce(const load& how, stage& on, unsigned number) = 0;
  virtual void consume(const load& how, stage& on, std::span<std::uint64_t> latencies) = 0;
  // Round trips. `back` is a link of the same kind. Fills `each` with single trips, ns.
  virtual trips ask(link& back, const load& how, stage& on, std::span<std::uint64_t> each) = 0;
  virtual void answer(link& back, const load& how, stage& on) = 0;
  // Step by step, on time; only where a message is claimed and committed.
  virtual void produce_traced(const load&, stage&, std::span<trace>) {}
  virtual void consume_traced(const load&, stage&, std::span<trace>) {}

  // What the channel holds, bytes; 0: its kind does not tell.
  [[nodiscard]] virtual std::uint64_t memory_bytes() const { return 0; }
};

using opening = std::function<std::unique_ptr<link>(const shape&)>;

struct system {
  std::string name;
  std::string setting;
  opening open{};            // throws if it cannot be opened
  std::string missing{};     // why it cannot be measured; empty: it can
  bool is_ours = false;      // judged by the targets, and recommended
  bool has_steps = false;    // it claims and commits
  bool has_batches = false;  // it sends several messages at once
  where sides = where::processes;
  unsigned most_producers = 1;
  unsigned helpers = 0;            // threads of its own beside the sides
  bool keeps_order_of_all = true;  // false: of each producer only
};

inline constexpr const char* pipe_name = "pipe";

}  // namespace annulus::bench
