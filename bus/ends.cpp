#include <algorithm>
#include <bit>
#include <cstring>

#include <annulus/bus/channel.hpp>
#include <annulus/bus/ends.hpp>
#include <annulus/bus/rendezvous.hpp>
#include <annulus/channel/file.hpp>

namespace annulus::bus {

channel_target::channel_target(bus_producer role, std::string name, std::string where, bool marks)
    : role_(std::move(role)), name_(std::move(name)), where_(std::move(where)), marks_(marks) {
  if (marks_) arena_.reset(new std::byte[lane_bytes]);
}

bool channel_target::add(message one, const message_mark& mark) {
  if (marks_) return add_marked(one, mark);
  batch_.push_back(one);
  return true;
}

bool channel_target::add_marked(message one, const message_mark& mark) {
  const auto head = head_of(mark);
  const auto need = mark_bytes + one.size();
  if (need > lane_bytes) {
    if (!batch_.empty() || has_long_one_) return false;
    head_ = head;
    long_one_ = one;
    has_long_one_ = true;
    return true;
  }
  if (has_long_one_ || arena_used_ + need > lane_bytes) return false;
  std::byte* const at = arena_.get() + arena_used_;
  std::memcpy(at, head.data(), head.size());
  if (!one.empty()) std::memcpy(at + mark_bytes, one.data(), one.size());
  arena_used_ += need;
  batch_.emplace_back(at, need);
  return true;
}

void channel_target::begin_anew() noexcept {
  batch_.clear();
  next_ = 0;
  arena_used_ = 0;
  has_long_one_ = false;
}

void channel_target::pass(std::size_t count, taken& into) noexcept {
  into.messages += count;
  for (; count > 0; --count) into.bytes += batch_[next_++].size() - (marks_ ? mark_bytes : 0);
}

taken channel_target::push(deadline until, bool at_once) noexcept {
  if (has_long_one_) return push_long(until, at_once);
  taken out;
  while (next_ < batch_.size()) {
    const messages rest = messages(batch_).subspan(next_);
    auto some = at_once ? role_.try_push_batch(rest) : role_.push_batch(rest, until);
    pass(some.count, out);
    if (some.count == rest.size()) break;
    // A pipe passes at once only what its kernel grants; what is longer is given some time.
    if (at_once && some.why == status::never_fits) {
      some = role_.push_batch(messages(batch_).subspan(next_, 1), within(lane_grace));
      pass(some.count, out);
    }
    out.why = some.why;
    if (some.why != status::ok) return out;
  }
  begin_anew();
  return out;
}

taken channel_target::push_long(deadline until, bool at_once) noexcept {
  const message parts[] = {head_, long_one_};
  taken out;
  out.why = at_once ? role_.try_push(parts) : role_.push(parts, until);
  if (at_once && out.why == status::never_fits) out.why = role_.push(parts, within(lane_grace));
  if (out.why != status::ok) return out;
  out.messages = 1;
  out.bytes = long_one_.size();
  begin_anew();
  return out;
}

std::size_t channel_target::drop() noexcept {
  if (has_long_one_ || ++next_ >= batch_.size()) begin_anew();
  return 1;
}

namespace {

// Two spellings of a name stand for one channel if they lead to one file. Requires: one is there.
bool is_same_channel(const endpoint& one, const endpoint& other) {
  const auto path = path_of(one);
  const auto other_path = path_of(other);
  return path == other_path || files::lead_to_same(path, other_path);
}

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

std::string with_path(const endpoint& e, const endpoint& at) {
  return to_string(e) + " (" + path_of(at) + ")";
}

}  // namespace

opened_ends::~opened_ends() {
  for (const auto& one : newcomers_) static_cast<void>(take_back(one));
  for (const auto& one : in_vain_) forget_in_vain(one.named, one.where);
}

result<endpoint> opened_ends::led_to(const endpoint& e) {
  const bool is_decided = e.transport != transport::automatic || decision_of(e);
  auto led = resolve(e);
  if (!led) return led.error();
  if (auto made = made_anew(led->where)) {
    if (!is_decided) made->decided = e;
    newcomers_.push_back(std::move(*made));
  } else if (!is_decided) {
    in_vain_.push_back({e, led->where});
  }
  return std::move(led->where);
}

result<channel_source> opened_ends::open_source(const endpoint& from) {
  auto where = led_to(from);
  if (!where) return where.error();
  for (const auto& other : sources_) {
    if (!is_same_channel(other.where, *where)) continue;
    return failure{fault::bad_argument, to_string(other.named) + " and " + to_string(from) +
                                            " are the same channel; a gateway reads each once"};
  }
  auto role = open_consumer(from);
  if (!role) return role.error();
  sources_.push_back({from, *where});
  return channel_source(std::move(role).value(), to_string(from), with_path(from, *where));
}

result<std::vector<channel_target>> opened_ends::open_target(endpoint to, std::uint64_t need,
                                                             std::size_t lanes) {
  if (to.once) need += mark_bytes;
  make_room(to, need);
  if (!to.producers && lanes > 1) to.producers = static_cast<std::uint32_t>(lanes);
  auto where = led_to(to);
  if (!where) return where.error();
  for (const auto& source : sources_) {
    if (!is_same_channel(source.where, *where)) continue;
    return failure{fault::bad_argument, to_string(source.named) + " and " + to_string(to) +
                                            " are the same channel; a gateway cannot read what "
                                            "it passes on"};
  }
  std::vector<channel_target> out;
  out.reserve(lanes);
  for (std::size_t i = 0; i < lanes; ++i) {
    auto role = open_producer(to);
    if (!role) return role.error();
    if (role->max_message() < need) return too_small(to, role->max_message(), need);
    out.emplace_back(std::move(role).value(), to_string(to), with_path(to, *where), to.once);
  }
  return out;
}

}  // namespace annulus::bus
