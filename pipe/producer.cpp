#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include <annulus/pipe/producer.hpp>
#include <annulus/pipe/wait.hpp>

namespace annulus {

using namespace pipes;

namespace pipes {

void source::copy(std::byte* to, std::size_t count) noexcept {
  while (count > 0) {
    if (now_.empty()) {
      now_ = later_.front();
      later_ = later_.subspan(1);
      continue;
    }
    const std::size_t some = std::min(count, now_.size());
    if (to != nullptr) {
      std::memcpy(to, now_.data(), some);
      to += some;
    }
    now_ = now_.subspan(some);
    count -= some;
  }
}

}  // namespace pipes

namespace {

std::size_t bytes_of(pieces parts) noexcept {
  std::size_t bytes = 0;
  for (const auto& one : parts) bytes += one.size();
  return bytes;
}

}  // namespace

result<pipe_producer> pipe_producer::attach(const named_pipe& to, waiting how) {
  auto held = roles::map(to.roles_file(), to.geometry(), false, to.name(), to.places());
  if (!held) return held.error();
  auto own = another(to.file());
  if (!own) return own.error();
  auto staging = pages::fresh(most_blocks * block_bytes);
  if (!staging) return staging.error();
  auto claimed = pages::fresh(static_cast<std::size_t>(held->geometry().max_message));
  if (!claimed) return claimed.error();
  auto interrupt = interruption::make();
  if (!interrupt) return interrupt.error();
  const std::uint32_t most = held->geometry().producers;
  const auto number = take_first_free(
      held->memory().witness, most, [&](std::uint32_t i) { return held->enter(producer_role(i)); });
  if (auto why = held->lost_name(to.file())) return *why;
  if (number) {
    pipe_producer made(std::move(*held), std::move(*own), std::move(*staging), std::move(*claimed),
                       *number, how);
    made.waits_.interrupt = std::move(*interrupt);
    made.waits_.files = {made.held_.file(), made.fifo_.number()};
    return made;
  }
  const auto& first = held->producer(0);
  return producers_in_use("pipe", most, holder_of(first.role, first.origin));
}

pipe_producer::pipe_producer(roles held, descriptor fifo, pages staging, pages claimed,
                             std::uint32_t number, waiting how) noexcept
    : held_(std::move(held)),
      fifo_(std::move(fifo)),
      staging_(std::move(staging)),
      claimed_(std::move(claimed)),
      counters_(held_.producer(number).counters),
      how_(how),
      number_(number),
      most_at_once_(most_at_once_of(shape().max_message, kernel_bytes(fifo_.number()))),
      blocks_(shape().producers == 1 ? most_blocks : 1) {
  auto& words = held_.producer(number_);
  // [own] relaxed: our own word, just stored.
  const auto owner = words.role.owner.load<edge::own>(std::memory_order_relaxed);
  incarnation_ = static_cast<std::uint32_t>(incarnation_of(owner));
  // [own] relaxed: written by the one before us in the role.
  sequence_ = words.sequence.load<edge::own>(std::memory_order_relaxed) + 1;
  use_sequences(0);
}

pipe_producer& pipe_producer::operator=(pipe_producer&& other) noexcept {
  if (this == &other) return *this;
  std::destroy_at(this);
  return *std::construct_at(this, std::move(other));
}

// What is refused, and what there is room for.

status pipe_producer::refusal(std::uint64_t count) const noexcept {
  if (!home_.is_here() || claim_.is_here()) [[unlikely]]
    return status::not_permitted;
  if (count > shape().max_message) [[unlikely]]
    return status::never_fits;
  return status::ok;
}

// Why there is no room: the consumer is still to make some, or has closed, and nobody will until
// another comes.
status pipe_producer::no_room() const noexcept {
  // [hint] relaxed: a wait looks again at the end of each nap.
  const auto is_closed = held_.control().is_closed.load<edge::hint>(std::memory_order_relaxed);
  return is_closed != 0 ? status::closed : status::full;
}

bool pipe_producer::is_certain(std::uint64_t count) const noexcept {
  return count <= most_payload || frames_of(count) * block_bytes <= certain_room(fifo_.number());
}

// Claims.

status pipe_producer::claimable(std::uint64_t count, bool at_once) noexcept {
  if (const status s = refusal(count); s != status::ok) return s;
  if (at_once && count > most_at_once_) return status::never_fits;
  if (send_owed() != status::ok || !has_free_page(fifo_.number())) return no_room();
  if (is_certain(count)) return status::ok;
  // What can never be in the FIFO at once is written on as room comes, if somebody makes room.
  const status why = no_room();
  return count > most_at_once_ && why == status::full ? status::ok : why;
}

pipe_producer::claim_type pipe_producer::opened(status may, std::size_t count) noexcept {
  if (may != status::ok) return claim_type(may);
  claim_ = home::here();
  claim_type made(*this, {claimed_.data(), count});
  watch_.opened(made);
  return made;
}

pipe_producer::claim_type pipe_producer::try_claim(std::size_t count) noexcept {
  const auto running = watch_.enter("try_claim");
  const status may = claimable(count, true);
  if (may == status::full) counters_.refused();
  return opened(may, count);
}

pipe_producer::claim_type pipe_producer::claim(std::size_t count, deadline until) noexcept {
  const auto running = watch_.enter("claim");
  const auto take_a_nap = [&](std::chrono::nanoseconds at_most) {
    counters_.waited();
    // One page may be free, and not enough of them: that is nothing to poll for.
    if (!has_free_page(fifo_.number())) return nap_for_page(at_most);
    nap(std::min<std::chrono::nanoseconds>(at_most, std::chrono::milliseconds(1)), waits_.ends());
  };
  return opened(wait(until, take_a_nap, [&] { return claimable(count, false); }), count);
}

void pipe_producer::commit_claim(std::size_t count) noexcept {
  if (!claim_.leave()) return;
  owed_.emplace(parcel{source(message(claimed_.data(), count)), count});
  if (send_owed() == status::ok || peer() != presence::attached) return;
  const auto ended = wait(
      no_deadline, [&](auto at_most) { nap_for_page(at_most); }, [&] { return send_owed(); },
      [&] {
        // Without bytes: this process has closed the FIFO under its role, as closefrom() does.
        const bool is_without_fifo = kernel_bytes(fifo_.number()) == 0;
        return why_in_vain(false, is_without_fifo || peer() != presence::attached);
      });
  if (ended == status::interrupted) waits_.interrupt.put_back();
}

void pipe_producer::abandon_claim() noexcept {
  const auto running = watch_.enter("abandon_claim");
  abort_claim();
  watch_.abandoned();
}

// Pushes.

status pipe_producer::try_push(message one) noexcept {
  const auto running = watch_.enter("try_push");
  return try_push(source(one), one.size());
}
status pipe_producer::try_push(pieces parts) noexcept {
  const auto running = watch_.enter("try_push");
  return try_push(source(parts), bytes_of(parts));
}
status pipe_producer::push(message one, deadline until) noexcept {
  const auto running = watch_.enter("push");
  return push(source(one), one.size(), until);
}
status pipe_producer::push(pieces parts, deadline until) noexcept {
  const auto running = watch_.enter("push");
  return push(source(parts), bytes_of(parts), until);
}

status pipe_producer::try_push(source from, std::uint64_t count) noexcept {
  if (const status s = refusal(count); s != status::ok) [[unlikely]]
    return s;
  parcel one{from, count};
  const status s = send_at_once(one);
  if (s == status::full) counters_.refused();
  return s;
}

status pipe_producer::push_or_drop(message one) noexcept {
  const auto running = watch_.enter("push_or_drop");
  if (const status s = refusal(one.size()); s != status::ok) return s;
  parcel whole{source(one), one.size()};
  const status s = send_at_once(whole);
  if (s == status::full) counters_.dropped();
  return s;
}

status pipe_producer::push(source from, std::uint64_t count, deadline until) noexcept {
  parcel one{from, count};
  const bool is_now = count > most_payload && until <= std::chrono::steady_clock::now();
  const status s = wait(until, [&] {
    if (const status why = refusal(count); why != status::ok) return why;
    if (send_owed() != status::ok) return no_room();
    // Without time to go on, or anybody who makes room for it: all or nothing.
    const bool is_whole_or_not = is_now || (one.sent == 0 && no_room() == status::closed);
    return is_whole_or_not && !is_certain(count) ? no_room() : send(one);
  });
  if (s != status::ok && home_.is_here()) abandon(one);  // a child's copy gives up nothing
  return s;
}

batch pipe_producer::try_push_batch(messages many) noexcept {
  const auto running = watch_.enter("try_push_batch");
  batch all;
  while (all.count < many.size() && all.why == status::ok) {
    const auto rest = many.subspan(all.count);
    all.why = refusal(rest[0].size());
    if (all.why != status::ok) break;
    if (is_short(rest[0].size())) {
      const batch some = send_group(rest);
      all.count += some.count;
      all.why = some.why;
    } else {
      parcel one{source(rest[0]), rest[0].size()};
      all.why = send_at_once(one);
      if (all.why == status::ok) ++all.count;
    }
  }
  if (many.empty() && (!home_.is_here() || claim_.is_here())) all.why = status::not_permitted;
  if (all.count == 0 && all.why == status::full) counters_.refused();
  return all;
}

batch pipe_producer::push_batch(messages many, deadline until) noexcept {
  const auto running = watch_.enter("push_batch");
  batch all;
  while (all.count < many.size() && all.why == status::ok) {
    const auto rest = many.subspan(all.count);
    if (!is_short(rest[0].size())) {
      all.why = push(source(rest[0]), rest[0].size(), until);
      if (all.why == status::ok) ++all.count;
      continue;
    }
    all.why = wait(until, [&] {
      if (const status why = refusal(rest[0].size()); why != status::ok) return why;
      const batch some = send_group(rest);
      all.count += some.count;
      return some.count > 0 ? status::ok : some.why;
    });
  }
  return all;
}

// Sending.

status pipe_producer::send_owed() noexcept {
  if (!owed_) [[likely]]
    return status::ok;
  if (!home_.is_here()) return status::not_permitted;
  if (send(*owed_) != status::ok) return status::full;
  owed_.reset();
  return status::ok;
}

status pipe_producer::send_at_once(parcel& one) noexcept {
  if (one.bytes > most_at_once_) return status::never_fits;
  if (send_owed() != status::ok || !is_certain(one.bytes)) return no_room();
  const status s = send(one);
  if (s != status::ok) abandon(one);  // others took the room in between
  return s;
}

// The hot path.
status pipe_producer::send_short(const parcel& one) noexcept {
  const auto payload = static_cast<std::size_t>(one.bytes);
  source from = one.rest;
  stage_frame(staging_.data(), from, payload, sequence_, 0, true);
  if (write_blocks(fifo_.number(), {staging_.data(), frame_bytes(payload)}) == 0) [[unlikely]]
    return no_room();
  counters_.messages(1, payload);
  use_sequences(1);
  return status::ok;
}

status pipe_producer::send(parcel& one) noexcept {
  if (one.bytes <= most_payload) [[likely]]
    return send_short(one);
  do {
    const source before = one.rest;
    const std::uint64_t sent = one.sent;
    const std::size_t staged = stage(one);
    const std::size_t written = write_blocks(fifo_.number(), {staging_.data(), staged});
    learn(written, staged);
    if (written != staged) [[unlikely]] {
      const std::size_t payload = written / block_bytes * most_payload;
      one.rest = before;
      one.rest.skip(payload);
      one.sent = sent + payload;
      return no_room();
    }
  } while (one.sent < one.bytes);
  counters_.messages(1, one.bytes);
  use_sequences(1);
  return status::ok;
}

// As many short messages from the front as go at once.
batch pipe_producer::send_group(messages many) noexcept {
  if (send_owed() != status::ok) return {0, no_room()};
  std::array<std::uint32_t, most_blocks> taken_by;  // messages up to the end of each block
  std::uint32_t count = 0;
  std::size_t block = 0, at = 0, last = 0;
  for (; count < many.size() && is_short(many[count].size()); ++count) {
    const std::size_t need = frame_bytes(many[count].size());
    if (at + need > (block + 1) * block_bytes) {
      if (block + 1 == blocks_) break;
      pad(staging_.data() + last, ++block * block_bytes - at);
      at = block * block_bytes;
    }
    source from(many[count]);
    stage_frame(staging_.data() + at, from, many[count].size(), sequence_ + count, 0, true);
    last = at;
    at += need;
    taken_by[block] = count + 1;
  }
  if (block > 0) {
    pad(staging_.data() + last, (block + 1) * block_bytes - at);
    at = (block + 1) * block_bytes;
  }
  const std::size_t written = write_blocks(fifo_.number(), {staging_.data(), at});
  learn(written, at);
  batch done{count, status::ok};
  if (written != at) {
    const std::size_t whole = written / block_bytes;
    done = {whole > 0 ? taken_by[whole - 1] : 0, no_room()};
  }
  std::uint64_t payload = 0;
  for (const auto& one : many.first(done.count)) payload += one.size();
  counters_.messages(done.count, payload);
  use_sequences(done.count);
  return done;
}

void pipe_producer::abandon(const parcel& one) noexcept {
  if (one.sent == 0) return;
  // [abandon] release: what was written of it is in the FIFO before.
  held_.producer(number_).abandoned.store<edge::abandon>(sequence_, std::memory_order_release);
  use_sequences(1);
}

std::size_t pipe_producer::stage(parcel& one) noexcept {
  std::size_t at = 0, frames = 0, last = 0;
  do {
    const auto payload =
        static_cast<std::size_t>(std::min<std::uint64_t>(one.bytes - one.sent, most_payload));
    const bool is_last = one.sent + payload == one.bytes;
    stage_frame(staging_.data() + at, one.rest, payload, sequence_, one.sent, is_last);
    last = at;
    at += frame_bytes(payload);
    one.sent += payload;
    ++frames;
  } while (one.sent < one.bytes && frames < blocks_);
  if (frames == 1) return at;
  pad(staging_.data() + last, frames * block_bytes - at);
  return frames * block_bytes;
}

void pipe_producer::stage_frame(std::byte* at, source& from, std::size_t payload,
                                std::uint64_t sequence, std::uint64_t offset,
                                bool is_last) noexcept {
  frame_header header;
  header.bytes = static_cast<std::uint16_t>(frame_bytes(payload));
  header.payload_bytes = static_cast<std::uint16_t>(payload);
  header.producer = static_cast<std::uint16_t>(number_);
  header.is_last = is_last ? 1 : 0;
  header.incarnation = incarnation_;
  header.sequence = sequence;
  header.offset = offset;
  from.copy(at + header_bytes, payload);
  write_header(at, header, shape().key);
}

void pipe_producer::pad(std::byte* frame, std::size_t more) noexcept {
  frame_header header;
  std::memcpy(&header, frame, sizeof header);
  header.bytes = static_cast<std::uint16_t>(header.bytes + more);
  write_header(frame, header, shape().key);
}

// What is staged and does not go is staged again: so less, while the FIFO is full.
void pipe_producer::learn(std::size_t written, std::size_t staged) noexcept {
  if (shape().producers > 1) return;
  if (written == staged) {
    blocks_ = std::min(most_blocks, 2 * blocks_);
  } else {
    blocks_ = std::max<std::size_t>(1, written / block_bytes);
  }
}

// A successor begins behind what is noted, so no sequence is ever used twice.
void pipe_producer::use_sequences(std::uint64_t count) noexcept {
  constexpr std::uint64_t ahead = std::uint64_t{1} << 20;
  constexpr std::uint64_t most_in_a_write = most_blocks * block_bytes / header_bytes;
  sequence_ += count;
  if (sequence_ + most_in_a_write <= reserved_) [[likely]]
    return;
  reserved_ = sequence_ + ahead;
  // [own] relaxed: read by the next in the role, behind its lock.
  held_.producer(number_).sequence.store<edge::own>(reserved_, std::memory_order_relaxed);
}

void pipe_producer::close() noexcept {
  const auto running = watch_.enter("close");
  watch_.closed();
  if (!home_.is_here()) return;
  abort_claim();
  if (send_owed() != status::ok) {
    counters_.dropped();
    abandon(*owed_);
  }
  (void)home_.leave();
  held_.leave(producer_role(number_));
}

// Waiting.

void pipe_producer::nap_for_page(std::chrono::nanoseconds at_most) noexcept {
  counters_.waited();
  nap_for_room(fifo_.number(), at_most, waits_.ends());
}

template <class Attempt>
status pipe_producer::wait(deadline until, Attempt attempt) noexcept {
  return wait(
      until, [&](std::chrono::nanoseconds at_most) { nap_for_page(at_most); }, attempt);
}

template <class Nap, class Attempt>
status pipe_producer::wait(deadline until, Nap take_a_nap, Attempt attempt) noexcept {
  return wait(until, take_a_nap, attempt,
              [&] { return why_in_vain(has_lost_name(), peer() == presence::died); });
}
template <class Nap, class Attempt, class News>
status pipe_producer::wait(deadline until, Nap take_a_nap, Attempt attempt, News news) noexcept {
  const auto same = [](status s) { return s; };
  return wait_for(
      how_, until, waits_, waiter{attempt, same, same, news},
      [&] { return has_free_page(fifo_.number()); }, take_a_nap);
}

}  // namespace annulus
