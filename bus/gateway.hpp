// A gateway: messages from one endpoint, or several, into another, whatever their transports.
//
// Lanes      each source has a lane of its own: a thread, its consumer, and a producer of its own
//            at the target. So the order of each source is kept, and a slow one holds no other up
// Steps      read a batch -> push it -> release it. A source is released only when the target has
//            taken what was read, so a death in between loses nothing: the next gateway passes on
//            again what was not released. With once=yes on the target each message carries the mark
//            of its source, and a consumer with once=yes drops redeliveries
// Full       wait for room (the source fills up, and its producers feel it), or drop the newest and
//            count it, also where no consumer is
// Removed    a lane whose source or target has lost its name fails: it checks the target before it
//            releases at the source, so nothing leaves there that nobody will find
// Ends       by stop(): a batch that was begun is finished, if its target takes it within a second.
//            Without a consumer at the target a lane fills the target, and then waits for one,
//            however the last one ended. A source whose producers have closed is waited for too,
//            unless it is told to end there
// Pipes      what a pipe holds is gone with the last process that has it open. So a lane whose
//            source has ended stays until its pipe is read empty; one that drops, or is stopped,
//            does not, and its report says how many bytes are left
// Processes  a gateway belongs to the process that opened it: in a child of fork() its lanes fail
#pragma once

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include <annulus/bus/bus.hpp>
#include <annulus/bus/lane.hpp>
#include <annulus/channel/at_least_cxx20.hpp>

namespace annulus::bus {

// Passes messages from channels into another.
class gateway {
 public:
  // Opens every endpoint, and makes what is missing; a target is made large enough. Refuses an
  // existing target that is too small for a source, or is a source, however spelled; then removes
  // what it created. It does not see a circle of several gateways: a message that enters one goes
  // round for ever.
  [[nodiscard]] static result<gateway> open(const std::vector<endpoint>& from, endpoint to,
                                            gateway_options options = {});
  // Of lanes that rest on other ends: lane.hpp.
  explicit gateway(std::vector<std::unique_ptr<lane>> lanes) noexcept : lanes_(std::move(lanes)) {}

  // Passes messages on until stop(), or until every lane has ended; blocks until then. Once. One
  // thread per lane: a lane whose thread cannot start has failed (report()).
  void run();
  // Returns at once; the lanes end within about a second. From any thread, or a signal handler.
  void stop() noexcept;

  // At any time, from any thread.
  [[nodiscard]] std::vector<lane_report> report() const;
  // Whether every lane has ended. At any time, from any thread.
  [[nodiscard]] bool is_over() const noexcept;

 private:
  std::vector<std::unique_ptr<lane>> lanes_;
  std::unique_ptr<std::atomic<bool>> stops_ = std::make_unique<std::atomic<bool>>(false);
};

}  // namespace annulus::bus
