#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include <annulus/pipe/consumer.hpp>
#include <annulus/pipe/wait.hpp>

namespace annulus {

using namespace pipes;

result<pipe_consumer> pipe_consumer::attach(const named_pipe& to, waiting how) {
  auto held = roles::map(to.roles_file(), to.geometry(), false, to.name(), to.places());
  if (!held) return held.error();
  auto from = tap::open(to.file());
  if (!from) return from.error();
  auto memory = pages::fresh(static_cast<std::size_t>(2 * kernel_bytes(to.file())));
  if (!memory) return memory.error();
  auto interrupt = interruption::make();
  if (!interrupt) return interrupt.error();
  const bool is_ours =
      past_a_remover(held->memory().witness, [&] { return held->enter(consumer_role); });
  if (auto why = held->lost_name(to.file())) return *why;
  if (!is_ours) {
    const auto& control = held->control();
    return consumer_in_use("pipe", holder_of(control.consumer, control.origin));
  }
  pipe_consumer made(std::move(*held), std::move(*from), std::move(*memory), how);
  made.waits_.interrupt = std::move(*interrupt);
  made.waits_.files = {made.held_.file(), made.from_.fifo()};
  return made;
}

pipe_consumer::pipe_consumer(roles held, tap from, pages memory, waiting how)
    : held_(std::move(held)),
      from_(std::move(from)),
      memory_(std::move(memory)),
      counters_(held_.control().counters),
      how_(how),
      lanes_(held_.geometry().producers) {
  open_.reserve(lanes_.size());
  kept_.reserve(lanes_.size());
  // [released] acquire: the sequences of the set that the one before us completed.
  const auto set = held_.control().released_set.load<edge::released>(std::memory_order_acquire);
  for (std::uint32_t i = 0; i < lanes_.size(); ++i) {
    // [own] relaxed: handed on by the set's number.
    lanes_[i].passed =
        held_.producer(i).released[set & 1].load<edge::own>(std::memory_order_relaxed);
    recall(i);
  }
  clear_stall();
}

pipe_consumer& pipe_consumer::operator=(pipe_consumer&& other) noexcept {
  if (this == &other) return *this;
  std::destroy_at(this);
  return *std::construct_at(this, std::move(other));
}

// Reading.

view pipe_consumer::try_read() noexcept {
  const auto running = watch_.enter("try_read");
  return next();
}

view pipe_consumer::next() noexcept {
  if (!home_.is_here()) [[unlikely]]
    return status::not_permitted;
  if (const auto seen = parse()) return *seen;
  if (copy_in()) {
    if (const auto seen = parse()) return *seen;
  }
  return idle();
}

// Copies what has come to the FIFO. Returns false if nothing has.
bool pipe_consumer::copy_in() noexcept {
  if (copied_ == parsed_ && unreleased_count_ == 0) base_ = parsed_;
  const std::size_t used = static_cast<std::size_t>(copied_ - base_);
  const std::size_t some =
      from_.copy_new(copied_ - taken_, {memory_.data() + used, memory_.size() - used});
  copied_ += some;
  counters_.depth(copied_ - taken_);
  return some > 0;
}

// Nothing to read: is that all there will be, and who holds us up? Asked before the last look.
view pipe_consumer::idle() noexcept {
  const bool has_news = roll_.has_news(held_.control());
  if (has_news) roll_.refresh(held_.memory());
  if (has_news || !open_.empty()) {
    mark_the_gone();
    if (copy_in()) {
      if (const auto seen = parse()) return *seen;
      return open_.empty() ? status::empty : status::stalled;
    }
    drop_the_gone();
  }
  if (unreleased_count_ == 0) release_passed();
  if (!open_.empty()) {
    if (unreleased_count_ == 0 && is_blocked()) {
      for (const auto number : open_) lanes_[number].is_taken = true;
      release_passed();
    }
    note_stall();
    return status::stalled;
  }
  if (stall_) clear_stall();
  return roll_.all_closed() ? status::closed : status::empty;
}

view pipe_consumer::read(deadline until) noexcept {
  const auto running = watch_.enter("read");
  const waiter what{[&] { return next(); }, [](const view& v) { return v.status(); },
                    [](status s) { return view(s); },
                    [&] { return why_in_vain(has_lost_name(), peer() == presence::died); }};
  return wait_for(
      how_, until, waits_, what, [&] { return has_bytes(from_.fifo()); },
      [&](std::chrono::nanoseconds at_most) {
        counters_.waited();
        from_.nap(copied_ - taken_, at_most, waits_.ends());
      });
}

// Frames.

// The next message, or damage; nothing: what is there has been parsed.
std::optional<view> pipe_consumer::parse() noexcept {
  while (parsed_ + header_bytes <= copied_) {
    frame_header header;
    if (!read_header(at(parsed_), held_.geometry().key, held_.geometry().producers, header) ||
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

std::optional<view> pipe_consumer::accept(const frame_header& header, std::uint64_t pos) noexcept {
  const std::uint32_t number = header.producer;
  lane& of = lanes_[number];
  if (header.sequence <= of.passed) return std::nullopt;
  const message payload{at(pos) + header_bytes, header.payload_bytes};
  const bool goes_on = of.is_open && header.sequence == of.sequence;
  // The one before us kept it, and died before it took it out of the FIFO.
  if (goes_on && header.offset + payload.size() <= of.kept) return std::nullopt;
  if (!goes_on) {
    // A new message gives up the one that was begun: its producer did, or died over it.
    if (of.is_open) drop(number, header.incarnation != of.incarnation);
    if (header.offset != 0) {
      // Its beginning is lost: taken by another, or by a consumer that could not keep it.
      of.passed = header.sequence;
      counters_.recovered();
      return std::nullopt;
    }
    if (header.is_last != 0 && payload.size() <= max_message()) {
      of.passed = header.sequence;
      return deliver(payload, number, header.sequence);
    }
    open(number, header, pos);
  }
  return append(header, pos, payload);
}

void pipe_consumer::open(std::uint32_t number, const frame_header& first,
                         std::uint64_t pos) noexcept {
  lane& of = lanes_[number];
  of.is_open = true;
  of.is_taken = of.is_gone = false;
  of.kept = 0;
  of.sequence = first.sequence;
  of.incarnation = first.incarnation;
  of.first_pos = pos;
  of.bytes = spare_.pop();
  of.bytes.clear();
  open_.push_back(number);
}

std::optional<view> pipe_consumer::append(const frame_header& header, std::uint64_t pos,
                                          message payload) noexcept {
  lane& to = lanes_[header.producer];
  if (header.offset != to.bytes.size() || to.bytes.size() + payload.size() > max_message()) {
    // Something took frames out of the middle, or made them up.
    drop(header.producer, false);
    counters_.corrupt();
    return std::nullopt;
  }
  if (!to.bytes.append(payload)) {
    // No memory for it: the message is lost, which is told, and what follows is read.
    drop(header.producer, false);
    counters_.corrupt();
    damage_ = damage{pos, header.bytes};
    return view(status::corrupt);
  }
  if (header.is_last == 0) return std::nullopt;
  const message whole = to.bytes.bytes();
  whole_.push(std::move(to.bytes));
  to.is_open = false;
  to.passed = header.sequence;
  std::erase(open_, header.producer);
  return deliver(whole, header.producer, header.sequence);
}

// Keeps a little of the memory of long messages for others.
void pipe_consumer::set_aside(octets one) noexcept {
  constexpr std::size_t most = 4;
  if (spare_.size() < most) spare_.push(std::move(one));
}

view pipe_consumer::deliver(message one, std::uint32_t number, std::uint64_t sequence) noexcept {
  mark_ = {held_.geometry().key + number, sequence};
  ++unreleased_count_;
  if (stall_) clear_stall();
  counters_.messages(1, one.size());
  return one;
}

// Goes on to the next frame, or to the end of what is there.
void pipe_consumer::skip_damage() noexcept {
  const std::uint64_t from = parsed_;
  frame_header header;
  do {
    ++parsed_;
  } while (parsed_ + header_bytes <= copied_ &&
           !read_header(at(parsed_), held_.geometry().key, held_.geometry().producers, header));
  if (parsed_ + header_bytes > copied_ && bytes_in(from_.fifo()) <= copied_ - taken_) {
    parsed_ = copied_;
  }
  if (damage_ && damage_->pos + damage_->bytes == from) {
    damage_->bytes += parsed_ - from;
  } else {
    damage_ = damage{from, parsed_ - from};
    counters_.corrupt();
  }
}

// Messages that do not become whole.

void pipe_consumer::drop(std::uint32_t number, bool is_loss) noexcept {
  lane& of = lanes_[number];
  of.is_open = false;
  set_aside(std::move(of.bytes));
  std::erase(open_, number);
  of.passed = of.sequence;
  if (is_loss) counters_.recovered();
}

void pipe_consumer::mark_the_gone() noexcept {
  for (const auto number : open_) {
    lane& of = lanes_[number];
    const auto& words = held_.producer(number);
    // [abandon] acquire: what was written of it is in the FIFO before the look that follows.
    const bool is_abandoned =
        words.abandoned.load<edge::abandon>(std::memory_order_acquire) >= of.sequence;
    // [roll] acquire: what the one before wrote is in the FIFO before the look that follows.
    const auto owner = words.role.owner.load<edge::roll>(std::memory_order_acquire);
    const bool is_another = static_cast<std::uint32_t>(incarnation_of(owner)) != of.incarnation;
    of.is_gone = is_abandoned || is_another ||
                 held_.presence_of(producer_role(number)) != presence::attached;
  }
}

void pipe_consumer::drop_the_gone() noexcept {
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

void pipe_consumer::release() noexcept {
  const auto running = watch_.enter("release");
  if (!home_.is_here()) return;
  unreleased_count_ = 0;
  release_passed();
  while (whole_.size() > 0) set_aside(whole_.pop());
}

// Takes what nobody needs out of the FIFO. Requires: nothing that was read is unreleased.
void pipe_consumer::release_passed() noexcept {
  std::uint64_t until = parsed_;
  for (const auto number : open_) {
    if (!lanes_[number].is_taken) until = std::min(until, lanes_[number].first_pos);
  }
  keep_taken();
  if (until < parsed_ || !kept_.empty()) note_released();
  if (until > taken_) from_.take(until - taken_);
  taken_ = until;
  forget_kept();
  if (parsed_ - base_ > capacity()) {
    std::memmove(memory_.data(), at(parsed_), static_cast<std::size_t>(copied_ - parsed_));
    base_ = parsed_;
  }
}

// For a successor: what was released although it is not taken. All of it at once, by the number
// of the set, so that a release is done or not.
void pipe_consumer::note_released() noexcept {
  auto& number = held_.control().released_set;
  // [own] relaxed: only the consumer stores it.
  const auto set = (number.load<edge::own>(std::memory_order_relaxed) + 1) & 1;
  for (std::uint32_t i = 0; i < lanes_.size(); ++i) {
    // [own] relaxed: handed on by the set's number.
    held_.producer(i).released[set].store<edge::own>(lanes_[i].passed, std::memory_order_relaxed);
  }
  // [released] release: the set is complete.
  number.store<edge::released>(set, std::memory_order_release);
}

// What is to leave the FIFO of messages that are not whole goes into the roles file first. Where
// it cannot, it is in memory alone, and lost should this consumer die.
void pipe_consumer::keep_taken() noexcept {
  for (const auto number : open_) {
    lane& of = lanes_[number];
    if (!of.is_taken || of.kept == of.bytes.size()) continue;
    auto& words = held_.producer(number);
    if (of.kept == 0) {
      // [kept] release: from here on the words are of another message.
      words.kept_bytes.store<edge::kept>(0, std::memory_order_release);
      // [own] relaxed: handed on by the count of bytes.
      words.kept_sequence.store<edge::own>(of.sequence, std::memory_order_relaxed);
      // [own] relaxed: handed on by the count of bytes.
      words.kept_incarnation.store<edge::own>(of.incarnation, std::memory_order_relaxed);
      if (std::ranges::find(kept_, number) == kept_.end()) kept_.push_back(number);
    }
    if (!held_.keep(number, of.kept, of.bytes.bytes().subspan(of.kept))) continue;
    of.kept = of.bytes.size();
    // [kept] release: the bytes are in the file.
    words.kept_bytes.store<edge::kept>(of.kept, std::memory_order_release);
  }
}

void pipe_consumer::forget_kept() noexcept {
  std::erase_if(kept_, [&](std::uint32_t number) {
    lane& of = lanes_[number];
    if (of.is_open && of.is_taken) return false;
    of.kept = 0;
    // [kept] release: after what was released of it is noted.
    held_.producer(number).kept_bytes.store<edge::kept>(0, std::memory_order_release);
    return true;
  });
}

// Takes up the message that the one before us kept.
void pipe_consumer::recall(std::uint32_t number) noexcept {
  const auto& words = held_.producer(number);
  lane& of = lanes_[number];
  // [kept] acquire: the bytes are in the file.
  const auto count = words.kept_bytes.load<edge::kept>(std::memory_order_acquire);
  // [own] relaxed: handed on by the count of bytes.
  of.sequence = words.kept_sequence.load<edge::own>(std::memory_order_relaxed);
  if (count == 0 || of.sequence <= of.passed || !held_.recall(number, of.bytes, count)) return;
  // [own] relaxed: handed on by the count of bytes.
  of.incarnation = words.kept_incarnation.load<edge::own>(std::memory_order_relaxed);
  of.kept = count;
  of.is_open = of.is_taken = true;
  open_.push_back(number);
  kept_.push_back(number);
}

// Whether what is held leaves no room for more, or hides it from a look.
bool pipe_consumer::is_blocked() noexcept {
  const bool is_full = !has_free_page(from_.fifo());
  if (bytes_in(from_.fifo()) > copied_ - taken_) return !copy_in();
  return is_full;
}

void pipe_consumer::note_stall() noexcept {
  const auto number = open_.front();
  if (stall_ && stall_->producer == number && stall_->pos == lanes_[number].first_pos) return;
  const auto now = std::chrono::steady_clock::now();
  const auto& by = held_.producer(number);
  stall_ = stall{number, static_cast<std::int32_t>(holder_of(by.role, by.origin).pid),
                 lanes_[number].first_pos, now};
  auto& control = held_.control();
  // [own] relaxed: diagnostic only.
  control.stalled_by.store<edge::own>(number, std::memory_order_relaxed);
  // [own] relaxed: diagnostic only.
  control.stalled_since.store<edge::own>(static_cast<std::uint64_t>(now.time_since_epoch().count()),
                                         std::memory_order_relaxed);
}

void pipe_consumer::clear_stall() noexcept {
  stall_.reset();
  // [own] relaxed: diagnostic only.
  held_.control().stalled_since.store<edge::own>(0, std::memory_order_relaxed);
}

void pipe_consumer::close() noexcept {
  const auto running = watch_.enter("close");
  if (!home_.leave()) return;
  clear_stall();
  held_.leave(consumer_role);
}

}  // namespace annulus
