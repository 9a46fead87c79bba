// Reads a channel to its end and writes it out. Only what was written out is released.
#pragma once

#include "cli/endpoint.hpp"
#include "cli/exit_code.hpp"
#include "cli/file.hpp"
#include "cli/gathered.hpp"
#include "cli/patience.hpp"
#include "cli/progress.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <annulus/bus/bus.hpp>

namespace annulus::cli {

struct receiver_options : transfer_options {
  std::uint64_t producers = 0;  // this many must have come before the end counts
  bool survives_death = false;
  bool goes_on_for_ever = false;
};

class receiver {
 public:
  // Requires: all of them outlive it.
  receiver(const receiver_options& o, const bus::endpoint& from, file& output)
      : o_(o),
        named_(from),
        output_(output),
        batch_(o.how),
        progress_("received", o.shows_progress, {}) {}

  // Opens the channel, reads it to its end and removes it if it was made in passing.
  void run();
  [[nodiscard]] bool saw_damage() const noexcept { return damage_ != 0; }

 private:
  using clock = std::chrono::steady_clock;

  // Why it stopped reading a channel.
  enum class ending : std::uint8_t { closed, count_reached, output_closed };

  [[nodiscard]] bus::channel open();
  [[nodiscard]] std::optional<ending> read(const bus::channel& from);
  void note_the_past(const bus::channel& from, const bus::channel_report& before);
  void require_progress(const bus::channel_report& now);
  [[nodiscard]] ending read_all(const bus::channel& from, bus_consumer& role);
  [[nodiscard]] bool write(bus_consumer& role);
  [[nodiscard]] bool is_end(const bus::channel& from, bus_consumer& role, status why);
  [[nodiscard]] bool was_said_of_all(const bus::channel_report& now);
  [[nodiscard]] bool is_closed(const bus::channel& from, const bus_consumer& role);
  [[nodiscard]] bool is_gone(const bus::channel& from, const bus_consumer& role);
  void wait_for_next(const bus::channel& from, const bus_consumer& role, const std::string& what);
  [[noreturn]] void throw_removed(const bus::channel& from) const;
  void note_absence(const bus::channel& from);
  void report_damage(const bus::channel& from, std::optional<damage> what);
  void report_stall(const bus::channel& from, std::optional<stall> by);
  void wait_a_bit(exit_code when_over, const std::string& what);
  void check_timeout(exit_code when_over, const std::string& what);
  [[nodiscard]] std::string name() const { return to_string(led_.where); }

  const receiver_options& o_;
  const bus::endpoint& named_;
  led_endpoint led_;
  file& output_;
  gathered batch_;
  progress progress_;
  patience patience_;
  std::uint64_t count_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t damage_ = 0;
  std::uint64_t damaged_bytes_ = 0;  // since the last message
  damage last_damage_;
  std::array<std::uint64_t, 3> last_state_{};  // of a channel that ended and could not be removed
  int rounds_ = 0;
  std::uint64_t past_ = 0;  // arrivals of producers whose streams were read before we came
  std::optional<std::uint64_t> gone_;  // arrivals, at the last look; nothing: not all had gone
  std::optional<stall> stalled_;
  bool has_begun_ = false;
};

}  // namespace annulus::cli
