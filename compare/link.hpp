// A channel that is open, before the two processes part, whatever the transport.
#pragma once

#include "compare/load.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace annulus::compare {

struct shape {
  std::size_t bytes = 128;  // of the largest message
  std::size_t capacity = std::size_t{1}
                         << 20;  // bytes of payload, where a transport lets us choose
};

// The steps of one message, nanoseconds since the first.
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

class link {
 public:
  virtual ~link() = default;

  // Each in a process of its own. They throw what ends the run.
  virtual void produce(const load& how, stage& on) = 0;
  virtual void consume(const load& how, stage& on, std::span<std::uint64_t> latencies) = 0;
  // Round trips, with a link of the same kind for the way back.
  virtual void ask(link& back, const load& how, stage& on, std::span<std::uint64_t> trips) = 0;
  virtual void answer(link& back, const load& how, stage& on) = 0;
  // Step by step, on time; only where a message is claimed and committed.
  virtual void produce_traced(const load&, stage&, std::span<trace>) {}
  virtual void consume_traced(const load&, stage&, std::span<trace>) {}

  // What the channel holds, bytes; 0: its kind does not tell.
  [[nodiscard]] virtual std::uint64_t memory_bytes() const = 0;
};

struct transport {
  std::string name;
  std::string setting;
  std::unique_ptr<link> (*open)(const shape&) = nullptr;
  std::string missing{};  // why it cannot be measured; empty: it can
  bool is_ours = false;   // judged by the seed's targets, and recommended
  bool has_steps = false;
};

inline constexpr const char* pipe_name = "pipe";

// All that this build knows, also the missing ones, in the order of the tables.
[[nodiscard]] std::vector<transport> all_transports();

}  // namespace annulus::compare
