// A gateway: messages from one endpoint, or several, into another, whatever their transports.
//
// Lanes      each source has a lane of its own: a thread, its consumer, and a producer of its own
//            at the target. So the order of each source is kept, and a slow one holds no other up
// Steps      read a batch -> push it -> release it. A source is released only when the target has
//            taken what was read, so a death in between loses nothing: the next gateway passes on
//            again what was not released. With once=yes on the target each message carries the mark
//            of its source, and a consumer with once=yes drops what came again
// Full       wait for room (the source fills up, and its producers feel it), or drop the newest and
//            count it, also where no consumer is
// Removed    a lane whose source or target has lost its name fails: it checks the target before it
//            releases at the source, so nothing leaves there that nobody will find
// Ends       by stop(): a batch that was begun is finished, if its target takes it within a second.
//            Without a consumer at the target a lane fills the target, and then waits for one,
//            however the last one ended. A source whose producers have closed is waited for too,
//            unless it is told to end there
// Processes  a gateway belongs to the process that opened it: in a child of fork() its lanes fail
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <annulus/bus/bus.hpp>
#include <annulus/channel/at_least_cxx20.hpp>

namespace annulus::bus {

// How a gateway passes messages on.
struct gateway_options {
  bool drops = false;             // without room: drop the newest; else wait
  bool ends_with_source = false;  // when all producers of a source have closed, and it is empty
  std::size_t batch = 256;        // messages
};

// What a lane is doing.
enum class lane_state : std::uint8_t { idle, passing, full, no_consumer, ended, failed };
[[nodiscard]] const char* to_string(lane_state s) noexcept;

// One source, and what was passed on from it.
struct lane_report {
  std::string from;                     // the source
  lane_state state = lane_state::idle;  // now
  std::uint64_t messages = 0;           // passed on
  std::uint64_t bytes = 0;              // of payload
  std::uint64_t batches = 0;            // in so many steps
  std::uint64_t dropped = 0;            // without room
  std::uint64_t corrupt = 0;            // stretches of damage at the source
  std::string error;                    // why it failed
  status why = status::ok;              // then: what was answered, or removed
};

class lane;

// Passes messages from channels into another.
class gateway {
 public:
  // Opens every endpoint, and makes what is missing; a target is made large enough. Refuses an
  // existing target that is too small for a source, or is a source, however spelled; then removes
  // what it created. It does not see a circle of several gateways: a message that enters one goes
  // round for ever.
  [[nodiscard]] static result<gateway> open(const std::vector<endpoint>& from, endpoint to,
                                            gateway_options options = {});
  gateway(gateway&&) noexcept;
  gateway& operator=(gateway&&) noexcept;
  ~gateway();

  // Passes messages on until stop(), or until every lane has ended. One thread per lane.
  void run();
  // From any thread, or a signal handler.
  void stop() noexcept;

  // At any time, from any thread.
  [[nodiscard]] std::vector<lane_report> report() const;
  [[nodiscard]] bool is_over() const noexcept;

 private:
  gateway() = default;

  std::vector<std::unique_ptr<lane>> lanes_;
  std::unique_ptr<std::atomic<bool>> stops_ = std::make_unique<std::atomic<bool>>(false);
};

}  // namespace annulus::bus
