#include <algorithm>
#include <cstring>
#include <utility>

#include <annulus/pipe/inflow.hpp>
#include <annulus/pipe/wait.hpp>

namespace annulus::pipes {

result<inflow> inflow::make(roles held, int fifo, waiting how) {
  auto from = tap::open(fifo);
  if (!from) return from.error();
  auto memory = pages::fresh(static_cast<std::size_t>(2 * kernel_bytes(fifo)));
  if (!memory) return memory.error();
  return inflow(std::move(held), std::move(*from), std::move(*memory), how);
}

inflow::inflow(roles held, tap from, pages memory, waiting how)
    : held_(std::move(held)),
      from_(std::move(from)),
      memory_(std::move(memory)),
      tally_(held_.control().counters),
      how_(how),
      lanes_(held_.geometry().producers) {
  for (std::uint32_t i = 0; i < lanes_.size(); ++i) {
    // [released] acquire: what the one before us released, it has stored before it took it.
    lanes_[i].passed = held_.producer(i).released.load<edge::released>(std::memory_order_acquire);
  }
  open_.reserve(lanes_.size());
  fresh_.reserve(lanes_.size());
  clear_stall();
}

// Reading.

view inflow::try_read() noexcept {
  if (is_closed_) [[unlikely]]
    return status::not_permitted;
  if (const auto seen = parse()) return *seen;
  if (look()) {
    if (const auto seen = parse()) return *seen;
  }
  return idle();
}

// Copies what has come to the FIFO. False: nothing has.
bool inflow::look() noexcept {
  if (copied_ == parsed_ && unreleased_count_ == 0) base_ = parsed_;
  const std::size_t used = static_cast<std::size_t>(copied_ - base_);
  const std::size_t some =
      from_.look(copied_ - taken_, {memory_.data() + used, memory_.size() - used});
  copied_ += some;
  tally_.depth(copied_ - taken_);
  return some > 0;
}

// Nothing to read: is that all there will be, and who holds us up? Asked before the last look.
view inflow::idle() noexcept {
  const bool has_news = roll_.has_news(held_);
  if (has_news) roll_.look(held_);
  if (has_news || !open_.empty()) {
    mark_the_gone();
    if (look()) {
      if (const auto seen = parse()) return *seen;
      return open_.empty() ? status::empty : status::stalled;
    }
    drop_the_gone();
  }
  if (unreleased_count_ == 0) take_settled();
  if (!open_.empty()) {
    if (unreleased_count_ == 0 && is_blocked()) {
      for (const auto number : open_) lanes_[number].is_taken = true;
      take_settled();
    }
    note_stall();
    return status::stalled;
  }
  if (stall_) clear_stall();
  return roll_.all_closed() ? status::closed : status::empty;
}

view inflow::read(deadline until) noexcept {
  return wait_for(how_, until,
                  waiter{[&] { return try_read(); }, [](const view& v) { return v.status(); },
                         [](status s) { return view(s); }, [&] { return peer() == presence::died; },
                         [&](std::chrono::nanoseconds at_most) {
                           tally_.waited();
                           from_.nap(copied_ - taken_, at_most);
                         }});
}

// Frames.

// The next message, or damage; nothing: what is there has been parsed.
std::optional<view> inflow::parse() noexcept {
  while (parsed_ + header_bytes <= copied_) {
    frame_header header;
    if (!read_header(at(parsed_), held_.geometry().seal, held_.geometry().producers, header) ||
        // Writes are whole: a frame that goes on behind all that is there was never one.
        (parsed_ + header.bytes > copied_ && bytes_in(from_.fifo()) <= copied_ - taken_)) {
      skip_damage();
      return view(status::corrupt);
    }
    if (parsed_ + header.bytes > copied_) return std::nullopt;
    const std::uint64_t pos = std::exchange(parsed_, parsed_ + header.bytes);
    if (auto seen = accept(header, pos)) return seen;
  }
  if (parsed_ < copied_ && bytes_in(from_.fifo()) <= copied_ - taken_) {
    skip_damage();
    return view(status::corrupt);
  }
  return std::nullopt;
}

std::optional<view> inflow::accept(const frame_header& header, std::uint64_t pos) noexcept {
  const std::uint32_t number = header.producer;
  lane& of = lanes_[number];
  if (header.sequence <= of.passed) return std::nullopt;
  const message payload{at(pos) + header_bytes, header.payload_bytes};
  if (header.offset == 0) {
    // A new message gives up the one that was begun: its producer did, or died over it.
    if (of.is_open) drop(number, header.incarnation != of.incarnation);
    if (header.is_last != 0 && payload.size() <= max_message()) {
      pass(of, number, header.sequence);
      return deliver(payload);
    }
    of.is_open = true;
    of.is_taken = of.is_gone = false;
    of.sequence = header.sequence;
    of.incarnation = header.incarnation;
    of.first_pos = pos;
    if (!spare_.empty()) {
      of.bytes = std::move(spare_.back());
      spare_.pop_back();
    }
    of.bytes.clear();
    open_.push_back(number);
  } else if (!of.is_open || header.sequence != of.sequence) {
    // Its beginning went with a consumer that had taken it out.
    if (of.is_open) drop(number, header.incarnation != of.incarnation);
    pass(of, number, header.sequence);
    tally_.recovered();
    return std::nullopt;
  }
  return append(of, header, payload);
}

std::optional<view> inflow::append(lane& to, const frame_header& header, message payload) noexcept {
  if (header.offset != to.bytes.size() || to.bytes.size() + payload.size() > max_message()) {
    // Something took frames out of the middle, or made them up.
    drop(header.producer, false);
    tally_.corrupt();
    return std::nullopt;
  }
  to.bytes.insert(to.bytes.end(), payload.begin(), payload.end());
  if (header.is_last == 0) return std::nullopt;
  whole_.push_back(std::move(to.bytes));
  to.is_open = false;
  std::erase(open_, header.producer);
  pass(to, header.producer, header.sequence);
  return deliver(whole_.back());
}

view inflow::deliver(message one) noexcept {
  ++unreleased_count_;
  if (stall_) clear_stall();
  tally_.messages(1, one.size());
  return one;
}

// Goes on to the next frame, or to the end of what is there.
void inflow::skip_damage() noexcept {
  const std::uint64_t from = parsed_;
  frame_header header;
  do {
    ++parsed_;
  } while (parsed_ + header_bytes <= copied_ &&
           !read_header(at(parsed_), held_.geometry().seal, held_.geometry().producers, header));
  if (parsed_ + header_bytes > copied_ && bytes_in(from_.fifo()) <= copied_ - taken_) {
    parsed_ = copied_;
  }
  if (damage_ && damage_->pos + damage_->bytes == from) {
    damage_->bytes += parsed_ - from;
  } else {
    damage_ = damage{from, parsed_ - from};
    tally_.corrupt();
  }
}

// Messages that do not become whole.

void inflow::pass(lane& of, std::uint32_t number, std::uint64_t sequence) noexcept {
  of.passed = sequence;
  if (!std::exchange(of.has_news, true)) fresh_.push_back(number);
}

void inflow::drop(std::uint32_t number, bool is_loss) noexcept {
  lane& of = lanes_[number];
  of.is_open = false;
  spare_.push_back(std::move(of.bytes));
  std::erase(open_, number);
  pass(of, number, of.sequence);
  if (is_loss) tally_.recovered();
}

void inflow::mark_the_gone() noexcept {
  for (const auto number : open_) {
    lane& of = lanes_[number];
    const auto& words = held_.producer(number);
    // [abandon] acquire: what was written of it is in the FIFO before the look that follows.
    const bool is_abandoned =
        words.abandoned.load<edge::abandon>(std::memory_order_acquire) >= of.sequence;
    // [roll] acquire: what the one before wrote is in the FIFO before the look that follows.
    const auto owner = words.role.owner.load<edge::roll>(std::memory_order_acquire);
    const bool is_another = static_cast<std::uint32_t>(generation_of(owner)) != of.incarnation;
    of.is_gone = is_abandoned || is_another ||
                 held_.presence_of(producer_role(number)) != presence::attached;
  }
}

void inflow::drop_the_gone() noexcept {
  for (std::size_t i = open_.size(); i-- > 0;) {
    const auto number = open_[i];
    lane& of = lanes_[number];
    if (!of.is_gone) continue;
    // [hint] relaxed: acquired when it was marked.
    const auto abandoned =
        held_.producer(number).abandoned.load<edge::hint>(std::memory_order_relaxed);
    drop(number, abandoned < of.sequence);
  }
}

// Giving back.

void inflow::release() noexcept {
  if (is_closed_) return;
  unreleased_count_ = 0;
  take_settled();
  for (auto& one : whole_) {
    if (spare_.size() < 4) spare_.push_back(std::move(one));
  }
  whole_.clear();
}

// Takes what nobody needs out of the FIFO. Requires: nothing that was read is unreleased.
void inflow::take_settled() noexcept {
  for (const auto number : fresh_) {
    lane& of = lanes_[number];
    of.has_news = false;
    // [released] release: before the frames go, and before any behind them.
    held_.producer(number).released.store<edge::released>(of.passed, std::memory_order_release);
  }
  fresh_.clear();
  std::uint64_t until = parsed_;
  for (const auto number : open_) {
    if (!lanes_[number].is_taken) until = std::min(until, lanes_[number].first_pos);
  }
  if (until > taken_) from_.take(until - taken_);
  taken_ = until;
  if (parsed_ - base_ > capacity()) {
    std::memmove(memory_.data(), at(parsed_), static_cast<std::size_t>(copied_ - parsed_));
    base_ = parsed_;
  }
}

// Whether what is held leaves no room for more, or hides it from a look.
bool inflow::is_blocked() noexcept {
  const bool is_full = !has_free_page(from_.fifo());
  if (bytes_in(from_.fifo()) > copied_ - taken_) return !look();
  return is_full;
}

void inflow::note_stall() noexcept {
  const auto number = open_.front();
  if (stall_ && stall_->producer == number && stall_->pos == lanes_[number].first_pos) return;
  const auto now = std::chrono::steady_clock::now();
  const auto& words = held_.producer(number).role;
  // [hint] relaxed: told to people.
  stall_ = stall{number, words.pid.load<edge::hint>(std::memory_order_relaxed),
                 lanes_[number].first_pos, now};
  auto& control = held_.control();
  // [own] relaxed: told to people.
  control.stalled_by.store<edge::own>(number, std::memory_order_relaxed);
  // [own] relaxed: told to people.
  control.stalled_since.store<edge::own>(static_cast<std::uint64_t>(now.time_since_epoch().count()),
                                         std::memory_order_relaxed);
}

void inflow::clear_stall() noexcept {
  stall_.reset();
  // [own] relaxed: told to people.
  held_.control().stalled_since.store<edge::own>(0, std::memory_order_relaxed);
}

void inflow::close() noexcept {
  if (std::exchange(is_closed_, true)) return;
  clear_stall();
  held_.leave(consumer_role);
}

}  // namespace annulus::pipes
