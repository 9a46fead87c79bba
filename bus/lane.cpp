#include <annulus/bus/lane.hpp>

namespace annulus::bus {

const char* to_string(lane_state s) noexcept {
  switch (s) {
    case lane_state::idle: return "idle";
    case lane_state::passing: return "passing";
    case lane_state::full: return "target full";
    case lane_state::no_consumer: return "no consumer at the target";
    case lane_state::unread: return "not all read at the target";
    case lane_state::away: return "server away";
    case lane_state::ended: return "ended";
    case lane_state::failed: return "failed";
  }
  return "unknown";
}

bool lane::fail(status why, std::string what) {
  {
    const std::scoped_lock over(words_);
    why_ = why;
    error_ = std::move(what);
  }
  enter(lane_state::failed);
  return false;
}

void lane::be_away(const std::string& why) {
  {
    const std::scoped_lock over(words_);
    error_ = why;
  }
  enter(lane_state::away);
}

lane_report lane::report() const {
  lane_report out;
  out.from = name_;
  out.messages = messages_.value();
  out.bytes = bytes_.value();
  out.batches = batches_.value();
  out.dropped = dropped_.value();
  out.corrupt = corrupt_.value();
  out.unread = unread_.value();
  const std::scoped_lock over(words_);
  out.state = state();
  if (out.state == lane_state::failed || out.state == lane_state::away) out.error = error_;
  if (out.state == lane_state::failed) out.why = why_;
  return out;
}

}  // namespace annulus::bus
