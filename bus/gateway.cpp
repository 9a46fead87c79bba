#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>
#include <system_error>
#include <thread>
#include <utility>

#include <annulus/bus/channel.hpp>
#include <annulus/bus/gateway.hpp>
#include <annulus/bus/rendezvous.hpp>

namespace annulus::bus {

using namespace std::chrono_literals;

namespace {

constexpr auto slice = 50ms;  // no wait is longer: then stop() is heeded
constexpr auto grace = 1s;    // for a batch that was begun, and for a message of many frames
constexpr std::size_t arena_bytes = std::size_t{1} << 20;

// Counted by the lane, read by anybody; a report is of some moment.
class counter {
 public:
  void add(std::uint64_t more) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace

const char* to_string(lane_state s) noexcept {
  switch (s) {
    case lane_state::idle: return "idle";
    case lane_state::passing: return "passing";
    case lane_state::full: return "target full";
    case lane_state::no_consumer: return "no consumer at the target";
    case lane_state::ended: return "ended";
    case lane_state::failed: return "failed";
  }
  return "unknown";
}

class lane {
 public:
  lane(const endpoint& source, const endpoint& source_at, const endpoint& target,
       const endpoint& target_at, bus_consumer from, bus_producer to, gateway_options options)
      : name_(to_string(source)),
        source_(told(source, source_at)),
        target_(told(target, target_at)),
        from_(std::move(from)),
        to_(std::move(to)),
        marks_(target.once),
        options_(options) {
    batch_.reserve(options.batch);
    if (marks_) arena_.reset(new std::byte[arena_bytes]);
  }

  void run(const std::atomic<bool>& stops) {
    stops_ = &stops;
    while (!is_stopping() && pass_some()) {
    }
    if (state() != lane_state::failed) enter(lane_state::ended);
    from_.close();
    to_.close();
  }

  void fail_to_start(const std::string& why) {
    fail(status::not_permitted, "there is no thread for its lane to " + target_ + ": " + why);
  }

  [[nodiscard]] lane_state state() const noexcept {
    return state_.load(std::memory_order_acquire);  // behind it, why the lane failed
  }
  [[nodiscard]] lane_report report() const {
    lane_report out;
    out.from = name_;
    out.state = state();
    out.messages = messages_.value();
    out.bytes = bytes_.value();
    out.batches = batches_.value();
    out.dropped = dropped_.value();
    out.corrupt = corrupt_.value();
    if (out.state == lane_state::failed) {
      out.error = error_;
      out.why = why_;
    }
    return out;
  }

 private:
  static std::string told(const endpoint& e, const endpoint& at) {
    return to_string(e) + " (" + path_of(at) + ")";
  }
  void enter(lane_state s) noexcept { state_.store(s, std::memory_order_release); }
  [[nodiscard]] bool is_stopping() const noexcept {
    return stops_->load(std::memory_order_relaxed);
  }
  bool fail(status why, std::string what) {
    why_ = why;
    error_ = std::move(what);
    enter(lane_state::failed);
    return false;
  }

  // One batch, from read to release. False: the lane ends.
  bool pass_some() {
    view seen = from_.read(within(slice));
    if (!seen) return has_more(seen.status());
    enter(lane_state::passing);
    for (std::size_t count = 0; seen; seen = from_.try_read()) {
      if (!add(seen.bytes())) return false;
      if (++count == options_.batch || read_bytes_ >= arena_bytes) break;
    }
    if (seen.status() == status::corrupt) corrupt_.add(1);
    if (!flush() || has_lost_target()) return false;
    from_.release();
    read_bytes_ = 0;
    batches_.add(1);
    return true;
  }

  // True: the lane has failed. What was read is not released, so that the source keeps it.
  bool has_lost_target() {
    if (!to_.has_lost_name()) return false;
    fail(status::removed, "the target " + target_ +
                              " was removed or renamed, and nobody else finds it; what it had not "
                              "taken stays at the source: start the gateway anew");
    return true;
  }
  bool has_lost_source() {
    if (!from_.has_lost_name()) return false;
    fail(status::removed, "the source " + source_ +
                              " was removed or renamed, and no producer finds it any more; all "
                              "that was in it was passed on: start the gateway anew");
    return true;
  }

  // Nothing was read: is it worth going on?
  bool has_more(status why) {
    const bool is_over = why == status::closed && options_.ends_with_source;
    if (!is_over && (has_lost_target() || (why != status::corrupt && has_lost_source())))
      return false;
    switch (why) {
      case status::corrupt: corrupt_.add(1); return true;
      case status::closed:
        if (is_over) return false;
        [[fallthrough]];
      case status::peer_gone:  // whoever comes next is waited for
        enter(lane_state::idle);
        std::this_thread::sleep_for(1ms);
        return true;
      case status::not_permitted:
        return fail(why, "it was opened in another process; open it here");
      default: enter(lane_state::idle); return true;
    }
  }

  // Puts one message into the batch, in front of it its mark where that is asked for.
  bool add(message one) {
    read_bytes_ += one.size();
    if (!marks_) {
      batch_.push_back(one);
      return true;
    }
    const auto head = head_of(from_.mark());
    const auto need = mark_bytes + one.size();
    if (arena_used_ + need > arena_bytes && !flush()) return false;
    if (need > arena_bytes) {
      const message parts[] = {head, one};
      return push_alone(parts, one.size());
    }
    std::byte* const at = arena_.get() + arena_used_;
    std::memcpy(at, head.data(), head.size());
    if (!one.empty()) std::memcpy(at + mark_bytes, one.data(), one.size());
    arena_used_ += need;
    batch_.emplace_back(at, need);
    return true;
  }

  void passed(messages some) noexcept {
    std::uint64_t bytes = 0;
    for (const auto& one : some) bytes += one.size() - (marks_ ? mark_bytes : 0);
    messages_.add(some.size());
    bytes_.add(bytes);
  }

  // Pushes the batch, whatever it takes. False: the lane ends, and releases nothing.
  bool flush() {
    messages rest = batch_;
    const bool done = attempt([&] {
      while (!rest.empty()) {
        const auto some =
            options_.drops ? to_.try_push_batch(rest) : to_.push_batch(rest, within(slice));
        passed(rest.first(some.count));
        rest = rest.subspan(some.count);
        if (rest.empty()) break;
        if (some.why == status::ok) continue;
        const auto why = some.why == status::never_fits ? insist(rest) : some.why;
        if (why == status::ok) continue;
        if (!may_drop(why)) return why;
        dropped_.add(1);
        rest = rest.subspan(1);
      }
      return status::ok;
    });
    batch_.clear();
    arena_used_ = 0;
    return done;
  }
  // A pipe passes at once only what its kernel grants; what is longer is given some time.
  status insist(messages& rest) noexcept {
    const auto some = to_.push_batch(rest.first(1), within(grace));
    passed(rest.first(some.count));
    rest = rest.subspan(some.count);
    return some.why;
  }
  bool push_alone(pieces parts, std::size_t count) {
    return attempt([&] {
      auto why = options_.drops ? to_.try_push(parts) : to_.push(parts, within(slice));
      if (options_.drops && why == status::never_fits) why = to_.push(parts, within(grace));
      if (why == status::ok) {
        messages_.add(1);
        bytes_.add(count);
      } else if (may_drop(why)) {
        dropped_.add(1);
        return status::ok;
      }
      return why;
    });
  }
  [[nodiscard]] bool may_drop(status why) const noexcept {
    return options_.drops && (why == status::full || why == status::timed_out ||
                              why == status::closed || why == status::peer_gone);
  }

  // Until it is done: over full targets and consumers that are gone.
  template <class Push>
  bool attempt(Push push) {
    auto gives_up_at = no_deadline;
    for (;;) {
      const status why = push();
      if (why != status::ok && has_lost_target()) return false;
      switch (why) {
        case status::ok: enter(lane_state::passing); return true;
        case status::full:
        case status::timed_out: enter(lane_state::full); break;
        case status::closed:
        case status::peer_gone:
          enter(lane_state::no_consumer);
          std::this_thread::sleep_for(1ms);
          break;
        default:
          return fail(why, "the target " + target_ +
                               " refuses a message: " + std::string(annulus::to_string(why)));
      }
      if (!is_stopping()) continue;
      if (gives_up_at == no_deadline) gives_up_at = within(grace);
      if (std::chrono::steady_clock::now() >= gives_up_at) return false;
    }
  }

  std::string name_;
  std::string source_, target_;  // with their paths
  bus_consumer from_;
  bus_producer to_;
  bool marks_;
  gateway_options options_;
  const std::atomic<bool>* stops_ = nullptr;

  std::vector<message> batch_;
  std::unique_ptr<std::byte[]> arena_;  // marked messages of the batch
  std::size_t arena_used_ = 0;
  std::size_t read_bytes_ = 0;  // and not released

  std::atomic<lane_state> state_{lane_state::idle};
  std::string error_;
  status why_ = status::ok;
  counter messages_, bytes_, batches_, dropped_, corrupt_;
};

namespace {

struct opened_source {
  bus_consumer role;
  endpoint where;
};

// Two spellings of a name stand for one channel if they lead to one file. Requires: one is there.
bool is_same_channel(const endpoint& one, const endpoint& other) {
  const auto path = path_of(one);
  const auto other_path = path_of(other);
  if (path == other_path) return true;
  struct stat file {};
  struct stat other_file {};
  return stat(path.c_str(), &file) == 0 && stat(other_path.c_str(), &other_file) == 0 &&
         file.st_dev == other_file.st_dev && file.st_ino == other_file.st_ino;
}

bool is_made_by_us(const endpoint& where) {
  const auto by_us = [](auto found) {
    return found && found->geometry().created_by == static_cast<std::int32_t>(getpid());
  };
  if (where.transport == transport::pipe) return by_us(named_pipe::open(where.name, where.owner));
  return by_us(segment::open(where.name, access::read_only, where.owner));
}

// The channels that were not there before, and go again if the gateway is refused.
class newcomers {
 public:
  newcomers() = default;
  newcomers(const newcomers&) = delete;
  newcomers& operator=(const newcomers&) = delete;
  // Whoever else has attached to one by now keeps it: removal is not forced.
  ~newcomers() {
    for (const auto& one : all_) {
      if (is_made_by_us(one.where)) static_cast<void>(remove(one.named, false));
    }
  }

  // Where the endpoint leads, noted if it is missing.
  result<resolved> resolve(const endpoint& e) {
    const bool is_decided = e.transport != transport::automatic || decision_of(e);
    auto led = bus::resolve(e);
    if (!led) return led;
    if (!is_decided || ::access(path_of(led->where).c_str(), F_OK) != 0) {
      all_.push_back({is_decided ? led->where : e, led->where});
    }
    return led;
  }
  void stay() noexcept { all_.clear(); }

 private:
  struct newcomer {
    endpoint named, where;
  };
  std::vector<newcomer> all_;
};

// A target that is still to be made is made large enough for messages of so many bytes.
void make_room(endpoint& to, std::uint64_t need) {
  if (to.capacity || to.max_message || ring_options().capacity / 2 >= need) return;
  if (need <= max_capacity / 2) to.capacity = std::bit_ceil(2 * need);
}

failure too_small(const endpoint& to, std::uint64_t found, std::uint64_t need) {
  return {fault::incompatible, to_string(to) + " takes messages up to " + std::to_string(found) +
                                   " bytes, and its sources may bring " + std::to_string(need) +
                                   (to.once ? ", their marks included" : "") +
                                   "; make it with max_message=" + std::to_string(need) +
                                   ", or the sources with less"};
}

}  // namespace

result<gateway> gateway::open(const std::vector<endpoint>& from, endpoint to,
                              gateway_options options) {
  if (from.empty() || options.batch == 0) {
    return failure{fault::bad_argument, "a gateway takes at least one source and a batch of 1"};
  }
  newcomers made;  // goes last, when the roles are closed
  std::vector<opened_source> sources;
  std::uint64_t need = 0;
  for (const auto& one : from) {
    auto where = made.resolve(one);
    if (!where) return where.error();
    auto role = open_consumer(one);
    if (!role) return role.error();
    need = std::max<std::uint64_t>(need, role->max_message() + (to.once ? mark_bytes : 0));
    sources.push_back({std::move(role).value(), std::move(where->where)});
  }
  make_room(to, need);
  if (!to.producers && from.size() > 1) to.producers = static_cast<std::uint32_t>(from.size());
  auto target = made.resolve(to);
  if (!target) return target.error();
  gateway out;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto name = to_string(from[i]);
    if (is_same_channel(sources[i].where, target->where)) {
      return failure{fault::bad_argument, name + " and " + to_string(to) +
                                              " are the same channel; a gateway cannot read what "
                                              "it passes on"};
    }
    auto role = open_producer(to);
    if (!role) return role.error();
    if (role->max_message() < need) return too_small(to, role->max_message(), need);
    out.lanes_.push_back(std::make_unique<lane>(from[i], sources[i].where, to, target->where,
                                                std::move(sources[i].role), std::move(role).value(),
                                                options));
  }
  made.stay();
  return out;
}

gateway::gateway(gateway&&) noexcept = default;
gateway& gateway::operator=(gateway&&) noexcept = default;
gateway::~gateway() = default;

void gateway::run() {
  std::vector<std::jthread> threads;
  threads.reserve(lanes_.size());
  for (auto& one : lanes_) {
    try {
      threads.emplace_back([&one, this] { one->run(*stops_); });
    } catch (const std::system_error& e) {
      one->fail_to_start(e.what());
    }
  }
}

void gateway::stop() noexcept { stops_->store(true, std::memory_order_relaxed); }

std::vector<lane_report> gateway::report() const {
  std::vector<lane_report> out;
  out.reserve(lanes_.size());
  for (const auto& one : lanes_) out.push_back(one->report());
  return out;
}

bool gateway::is_over() const noexcept {
  return std::ranges::all_of(lanes_, [](const auto& one) {
    return one->state() == lane_state::ended || one->state() == lane_state::failed;
  });
}

}  // namespace annulus::bus
