// The C interface: each function is the call of a bus role, with its answers as numbers.
#include "annulus.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <annulus/bus/bus.hpp>
#include <annulus/bus/channel.hpp>
#include <annulus/bus/name.hpp>
#include <annulus/bus/rendezvous.hpp>

struct annulus_producer {
  annulus::bus_producer role;
  std::optional<annulus::bus_claim> claim = std::nullopt;
};

// A message that was waited for and not yet read is held. What is to be released meanwhile is
// released with it.
struct annulus_consumer {
  annulus::bus_consumer role;
  annulus::view held = annulus::status::empty;
};

namespace {

using annulus::status;

static_assert(static_cast<int>(status::ok) == ANNULUS_OK);
static_assert(static_cast<int>(status::full) == ANNULUS_FULL);
static_assert(static_cast<int>(status::empty) == ANNULUS_EMPTY);
static_assert(static_cast<int>(status::never_fits) == ANNULUS_NEVER_FITS);
static_assert(static_cast<int>(status::closed) == ANNULUS_CLOSED);
static_assert(static_cast<int>(status::peer_gone) == ANNULUS_PEER_GONE);
static_assert(static_cast<int>(status::stalled) == ANNULUS_STALLED);
static_assert(static_cast<int>(status::corrupt) == ANNULUS_CORRUPT);
static_assert(static_cast<int>(status::not_permitted) == ANNULUS_NOT_PERMITTED);
static_assert(static_cast<int>(status::timed_out) == ANNULUS_TIMED_OUT);
static_assert(static_cast<int>(status::interrupted) == ANNULUS_INTERRUPTED);
static_assert(static_cast<int>(status::removed) == ANNULUS_REMOVED);
static_assert(static_cast<int>(status::no_memory) == ANNULUS_NO_MEMORY);
static_assert(static_cast<int>(annulus::fault::bad_argument) == ANNULUS_BAD_ARGUMENT);
static_assert(static_cast<int>(annulus::fault::not_found) == ANNULUS_NOT_FOUND);
static_assert(static_cast<int>(annulus::fault::already_exists) == ANNULUS_ALREADY_EXISTS);
static_assert(static_cast<int>(annulus::fault::in_use) == ANNULUS_IN_USE);
static_assert(static_cast<int>(annulus::fault::no_permission) == ANNULUS_NO_PERMISSION);
static_assert(static_cast<int>(annulus::fault::no_space) == ANNULUS_NO_SPACE);
static_assert(static_cast<int>(annulus::fault::not_a_channel) == ANNULUS_NOT_A_CHANNEL);
static_assert(static_cast<int>(annulus::fault::incompatible) == ANNULUS_INCOMPATIBLE);
static_assert(static_cast<int>(annulus::fault::damaged) == ANNULUS_DAMAGED);
static_assert(static_cast<int>(annulus::fault::system) == ANNULUS_SYSTEM);
static_assert(static_cast<int>(annulus::presence::never_came) == ANNULUS_NEVER_CAME);
static_assert(static_cast<int>(annulus::presence::attached) == ANNULUS_ATTACHED);
static_assert(static_cast<int>(annulus::presence::closed) == ANNULUS_LEFT);
static_assert(static_cast<int>(annulus::presence::died) == ANNULUS_DIED);

annulus_status number(status s) noexcept { return static_cast<annulus_status>(s); }

annulus::deadline until(std::int64_t wait) noexcept {
  return wait < 0 ? annulus::no_deadline : annulus::within(std::chrono::nanoseconds(wait));
}

std::span<const std::byte> span_of(const void* data, std::size_t count) noexcept {
  return {static_cast<const std::byte*>(data), count};
}

annulus_bytes bytes_of(annulus::message one) noexcept { return {one.data(), one.size()}; }

bool is_missing(const void* data, std::size_t count) noexcept {
  return data == nullptr && count > 0;
}

void tell(annulus_error* why, annulus_fault fault, std::string_view text) noexcept {
  if (why == nullptr) return;
  why->fault = fault;
  const auto count = std::min(text.size(), sizeof why->text - 1);
  std::memcpy(why->text, text.data(), count);
  why->text[count] = '\0';
}

// What make() answers, as a pointer of C. No exception crosses the border.
template <class Role, class Make>
Role* opened(const char* name, annulus_error* why, Make make) noexcept {
  try {
    if (name == nullptr) return tell(why, ANNULUS_BAD_ARGUMENT, "the name is NULL"), nullptr;
    auto made = make(name);
    if (made) return new Role{std::move(*made)};
    tell(why, static_cast<annulus_fault>(made.error().kind), made.error().message);
  } catch (const std::bad_alloc&) {
    tell(why, ANNULUS_NO_SPACE, "no memory for the role");
  }
  return nullptr;
}

// Whether act(), on what the name says, succeeded. No exception crosses the border.
template <class Act>
bool done(const char* name, annulus_error* why, Act act) noexcept {
  try {
    if (name == nullptr) return tell(why, ANNULUS_BAD_ARGUMENT, "the name is NULL"), false;
    const auto at = annulus::bus::parse(name);
    const auto wrong = at ? annulus::result<bool>(act(*at)) : annulus::result<bool>(at.error());
    if (wrong) return true;
    tell(why, static_cast<annulus_fault>(wrong.error().kind), wrong.error().message);
  } catch (const std::bad_alloc&) {
    tell(why, ANNULUS_NO_SPACE, "no memory");
  }
  return false;
}

annulus_presence known(annulus::presence of) noexcept { return static_cast<annulus_presence>(of); }

annulus_report report_of(const annulus::bus::channel& channel,
                         const annulus::bus::channel_report& found) noexcept {
  annulus_report out{};
  out.capacity = channel.capacity();
  out.max_message = channel.max_message();
  out.depth = found.depth;
  out.consumer = known(found.consumer.state);
  out.received = found.consumer.counters.messages;
  out.recovered = found.consumer.counters.recovered;
  out.corrupt = found.consumer.counters.corrupt;
  for (const auto& one : found.producers) {
    const auto state = known(one.state);
    const bool is_more_alive = state == ANNULUS_ATTACHED ||
                               (state == ANNULUS_DIED && out.producers != ANNULUS_ATTACHED) ||
                               out.producers == ANNULUS_NEVER_CAME;
    if (is_more_alive) out.producers = state;
    out.sent += one.counters.messages;
    out.sent_bytes += one.counters.bytes;
    out.refused += one.counters.refused;
    out.dropped += one.counters.dropped;
  }
  return out;
}

// The same spans in the library's type. Empty, and `count` is not: no memory.
std::vector<annulus::message> spans_of(const annulus_bytes* many, std::size_t count) {
  std::vector<annulus::message> out;
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i) out.push_back(span_of(many[i].data, many[i].count));
  return out;
}

bool is_any_missing(const annulus_bytes* many, std::size_t count) noexcept {
  if (is_missing(many, count)) return true;
  return std::any_of(many, many + count,
                     [](const annulus_bytes& one) { return is_missing(one.data, one.count); });
}

// Whether they are more than one message can hold; their sum may be more than a size_t can.
bool is_too_much(const annulus_bytes* pieces, std::size_t many, std::size_t most) noexcept {
  return !std::all_of(pieces, pieces + many, [&](const annulus_bytes& one) {
    return one.count <= most && (most -= one.count, true);
  });
}

bool is_ready(const annulus_producer* role) noexcept { return role != nullptr && !role->claim; }

}  // namespace

extern "C" {

const char* annulus_version(void) { return ANNULUS_VERSION; }

const char* annulus_text(annulus_status s) {
  const int n = s;
  return to_string(static_cast<status>(n < 0 || n > 255 ? 255 : n)).data();  // a status is a byte
}

annulus_producer* annulus_open_producer(const char* name, annulus_error* why) {
  return opened<annulus_producer>(name, why,
                                  [](const char* n) { return annulus::open_producer(n); });
}

void annulus_close_producer(annulus_producer* role) { delete role; }

annulus_status annulus_push(annulus_producer* role, const void* data, size_t count, int64_t wait) {
  if (!is_ready(role) || is_missing(data, count)) return ANNULUS_NOT_PERMITTED;
  const auto one = span_of(data, count);
  return number(wait == 0 ? role->role.try_push(one) : role->role.push(one, until(wait)));
}

annulus_status annulus_push_pieces(annulus_producer* role, const annulus_bytes* pieces, size_t many,
                                   int64_t wait) try {
  if (!is_ready(role) || is_any_missing(pieces, many)) return ANNULUS_NOT_PERMITTED;
  if (is_too_much(pieces, many, role->role.max_message())) return ANNULUS_NEVER_FITS;
  const auto parts = spans_of(pieces, many);
  return number(wait == 0 ? role->role.try_push(annulus::pieces(parts))
                          : role->role.push(annulus::pieces(parts), until(wait)));
} catch (const std::bad_alloc&) {
  return ANNULUS_NEVER_FITS;
}

annulus_status annulus_push_batch(annulus_producer* role, const annulus_bytes* messages,
                                  size_t many, int64_t wait, size_t* taken) try {
  if (taken != nullptr) *taken = 0;
  if (!is_ready(role) || is_any_missing(messages, many)) return ANNULUS_NOT_PERMITTED;
  const auto all = spans_of(messages, many);
  const auto done =
      wait == 0 ? role->role.try_push_batch(all) : role->role.push_batch(all, until(wait));
  if (taken != nullptr) *taken = done.count;
  return number(done.why);
} catch (const std::bad_alloc&) {
  return ANNULUS_NEVER_FITS;
}

annulus_status annulus_push_or_drop(annulus_producer* role, const void* data, size_t count) {
  if (!is_ready(role) || is_missing(data, count)) return ANNULUS_NOT_PERMITTED;
  return number(role->role.push_or_drop(span_of(data, count)));
}

annulus_status annulus_claim(annulus_producer* role, size_t count, int64_t wait, void** at) {
  if (at != nullptr) *at = nullptr;
  if (!is_ready(role) || at == nullptr) return ANNULUS_NOT_PERMITTED;
  auto made = wait == 0 ? role->role.try_claim(count) : role->role.claim(count, until(wait));
  if (!made) return number(made.status());
  role->claim.emplace(std::move(made));
  *at = role->claim->bytes().data();
  return ANNULUS_OK;
}

annulus_status annulus_commit(annulus_producer* role, size_t count) {
  if (role == nullptr || !role->claim) return ANNULUS_NOT_PERMITTED;
  const bool fits = count <= role->claim->bytes().size();
  if (fits) role->claim->commit(count);
  role->claim.reset();
  return fits ? ANNULUS_OK : ANNULUS_NEVER_FITS;
}

annulus_status annulus_abort(annulus_producer* role) {
  if (role == nullptr || !role->claim) return ANNULUS_NOT_PERMITTED;
  role->claim.reset();
  return ANNULUS_OK;
}

size_t annulus_producer_max_message(const annulus_producer* role) {
  return role == nullptr ? 0 : role->role.max_message();
}

annulus_presence annulus_producer_peer(annulus_producer* role) {
  if (role == nullptr) return ANNULUS_NEVER_CAME;
  return static_cast<annulus_presence>(role->role.peer());
}

void annulus_interrupt_producer(annulus_producer* role) {
  if (role != nullptr) role->role.interrupt();
}

annulus_consumer* annulus_open_consumer(const char* name, annulus_error* why) {
  return opened<annulus_consumer>(name, why,
                                  [](const char* n) { return annulus::open_consumer(n); });
}

void annulus_close_consumer(annulus_consumer* role) { delete role; }

annulus_status annulus_read(annulus_consumer* role, int64_t wait, annulus_bytes* message) {
  if (message != nullptr) *message = {nullptr, 0};
  if (role == nullptr || message == nullptr) return ANNULUS_NOT_PERMITTED;
  auto seen = std::exchange(role->held, status::empty);
  if (!seen) seen = wait == 0 ? role->role.try_read() : role->role.read(until(wait));
  if (seen) *message = bytes_of(seen.bytes());
  return number(seen.status());
}

annulus_status annulus_release(annulus_consumer* role) {
  if (role == nullptr) return ANNULUS_NOT_PERMITTED;
  if (!role->held) role->role.release();
  return ANNULUS_OK;
}

annulus_status annulus_drain(annulus_consumer* role, void (*f)(void*, annulus_bytes), void* with,
                             size_t most, int64_t wait, size_t* taken) {
  if (taken != nullptr) *taken = 0;
  if (role == nullptr || f == nullptr) return ANNULUS_NOT_PERMITTED;
  size_t count = 0;
  if (most > 0 && role->held) {
    f(with, bytes_of(std::exchange(role->held, status::empty).bytes()));
    count = 1;
    wait = 0;
  }
  const auto each = [&](annulus::message one) { f(with, bytes_of(one)); };
  const auto left = most - count;
  const auto done =
      wait == 0 ? role->role.drain(each, left) : role->role.drain(each, left, until(wait));
  role->role.release();
  if (taken != nullptr) *taken = count + done.count;
  return number(done.why);
}

annulus_status annulus_wait(annulus_consumer* role, int64_t wait) {
  if (role == nullptr) return ANNULUS_NOT_PERMITTED;
  if (!role->held) {
    role->held = wait == 0 ? role->role.try_read() : role->role.read(until(wait));
  }
  return number(role->held.status());
}

size_t annulus_consumer_max_message(const annulus_consumer* role) {
  return role == nullptr ? 0 : role->role.max_message();
}

annulus_presence annulus_consumer_peer(annulus_consumer* role) {
  if (role == nullptr) return ANNULUS_NEVER_CAME;
  return static_cast<annulus_presence>(role->role.peer());
}

void annulus_interrupt_consumer(annulus_consumer* role) {
  if (role != nullptr) role->role.interrupt();
}

bool annulus_stat(const char* name, annulus_report* report, annulus_error* why) {
  if (report != nullptr) *report = {};
  if (report == nullptr) return tell(why, ANNULUS_BAD_ARGUMENT, "the report is NULL"), false;
  return done(name, why, [&](annulus::bus::endpoint at) -> annulus::result<bool> {
    at.creates = false;
    const auto led = annulus::bus::resolve(at);
    if (!led) return led.error();
    const auto channel = annulus::bus::channel::open(led->where);
    if (!channel) return channel.error();
    const auto found = channel->report();
    if (!found) return found.error();
    *report = report_of(*channel, *found);
    return true;
  });
}

bool annulus_remove(const char* name, bool is_forced, annulus_error* why) {
  return done(name, why, [&](const annulus::bus::endpoint& at) {
    return annulus::bus::remove(at, is_forced);
  });
}

}  // extern "C"
