#include "cli/place.hpp"

#include "cli/console.hpp"
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <thread>

#include <annulus/bus/open.hpp>
#include <annulus/channel/directory.hpp>
#include <annulus/channel/file.hpp>
#include <annulus/channel/lock.hpp>
#include <annulus/pipe/fifo.hpp>
#include <annulus/ring/kernel.hpp>

namespace annulus::cli {
namespace {

constexpr std::uint32_t many_producers = 16;  // unless told how many

std::uint32_t producers_of(const bus::endpoint& e, const wishes& w) {
  if (w.asked == topology::spsc && e.producers.value_or(1) > 1) {
    throw command_error{
        exit_code::usage,
        fmt::format("spsc means one producer, and {} were asked for; ask for mpsc", *e.producers)};
  }
  return e.producers.value_or(w.asked == topology::mpsc ? many_producers : 1);
}

std::uint64_t capacity_for(std::uint64_t usual, const bus::endpoint& e, const wishes& w) {
  if (e.capacity || w.chunk <= usual / 2) return usual;
  return std::bit_ceil(2 * std::min(w.chunk, max_capacity));
}

// Opens what there is, or makes it; whoever else makes it at the same moment, too.
template <class Place, class Make>
Place open_or(const bus::endpoint& e, Make make) {
  for (;;) {
    auto found = Place::open(e);
    if (found) return std::move(found).value();
    if (found.error().kind != fault::not_found || !e.creates) {
      throw command_error{code_of(found.error().kind), found.error().message};
    }
    auto made = make();
    if (made) return Place(std::move(made).value());
    if (made.error().kind == fault::already_exists) continue;
    throw command_error{code_of(made.error().kind), made.error().message};
  }
}

// A producer has its lock a moment longer than its role, and a moment earlier.
enum class leavers : std::uint8_t { all_gone, one_attached, one_in_between };

// Waits until each producer has both or neither, two seconds at most.
template <class Place, class IsHeld>
leavers wait_for_leavers(const Place& place, IsHeld is_held) {
  const auto gives_up_at = within(std::chrono::seconds(2));
  for (;;) {
    const auto seen = place.look();
    if (has_producer(seen)) return leavers::one_attached;
    bool is_any_held = false;
    for (std::uint32_t i = 0; i < seen.producers.size(); ++i) is_any_held |= is_held(i);
    if (!is_any_held) return leavers::all_gone;
    if (std::chrono::steady_clock::now() > gives_up_at) return leavers::one_in_between;
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

bus::endpoint only_open(bus::endpoint e) {
  e.creates = false;
  return e;
}

}  // namespace

ring_options ring_shape(const bus::endpoint& e, const wishes& w) {
  auto shape = bus::shape_of(e);
  shape.producers = producers_of(e, w);
  shape.topology = w.asked.value_or(shape.producers > 1 ? topology::mpsc : topology::spsc);
  shape.capacity = capacity_for(shape.capacity, e, w);
  return shape;
}

pipe_options pipe_shape(const bus::endpoint& e, const wishes& w) {
  auto shape = bus::pipe_shape_of(e);
  shape.producers = producers_of(e, w);
  shape.capacity = capacity_for(shape.capacity, e, w);
  return shape;
}

// The ring.

result<ring_place> ring_place::open(const bus::endpoint& e) {
  auto found = bus::open_segment(only_open(e));
  if (!found) return found.error();
  return ring_place(std::move(found).value());
}

ring_place ring_place::open_or_make(const bus::endpoint& e, const wishes& w) {
  return open_or<ring_place>(e, [&] {
    auto shape = ring_shape(e, w);
    shape.transient = true;
    return segment::create(must(bus::name_of(e)), shape);
  });
}

bool ring_place::is_still_named() const {
  return files::is_still_named(memory_.file(), memory_.path());
}

bool ring_place::remove_if_over() const {
  const lock_witness locks(memory_.file());
  if (!locks.take(consumer_role)) return true;  // the next consumer ends it
  const auto left = wait_for_leavers(
      *this, [&](std::uint32_t number) { return locks.is_held(producer_role(number)); });
  if (left != leavers::all_gone) return left == leavers::one_in_between;
  // Nobody is there who could push, so what is seen now is final.
  const auto seen = look();
  if (seen.depth != 0 || seen.front != front::empty) return false;
  // Exact, as long as nobody forces: the name changes hands only under the lock that we hold.
  if (is_still_named()) unlink(memory_.path().c_str());
  return true;
}

// The pipe.

result<pipe_place> pipe_place::open(const bus::endpoint& e) {
  auto found = bus::open_pipe(only_open(e));
  if (!found) return found.error();
  return pipe_place(std::move(found).value());
}

pipe_place pipe_place::open_or_make(const bus::endpoint& e, const wishes& w) {
  return open_or<pipe_place>(e, [&] {
    auto shape = pipe_shape(e, w);
    shape.transient = true;
    return named_pipe::create(must(bus::name_of(e)), shape);
  });
}

std::uint64_t pipe_place::unread_bytes() const { return pipes::bytes_in(pipe_.file()); }

bool pipe_place::is_still_named() const {
  return files::is_still_named(pipe_.roles_file(), pipe_.path() + ".roles");
}

bool pipe_place::remove_if_over() const {
  const auto own = must(files::reopened(pipe_.roles_file(), O_RDWR, pipe_.name()));
  if (!locks::take(own.number(), consumer_role)) return true;
  const auto left = wait_for_leavers(*this, [&](std::uint32_t number) {
    return locks::is_held(own.number(), producer_role(number));
  });
  if (left != leavers::all_gone) return left == leavers::one_in_between;
  if (unread_bytes() != 0) return false;
  // Forced, for we hold a lock of it ourselves; and exact, for the others look at the locks.
  if (is_still_named()) static_cast<void>(named_pipe::remove(pipe_.name(), true));
  return true;
}

batch pipe_place::pusher::push(pipe_producer& role, messages many) {
  if (slice_ > wait_slice && role.peer() == presence::attached && !pipes::has_free_page(file_)) {
    pipes::nap_for_room(file_, wait_slice);
    if (!pipes::has_free_page(file_)) return {0, status::timed_out};
  }
  const auto done = role.push_batch(many, within(slice_));
  slice_ = done.count == 0 && done.why == status::timed_out ? 2 * slice_ : wait_slice;
  return done;
}

// Patience.

std::string patience::at(const std::string& path) {
  return fmt::format(" (at {}; the other side must use the same directory: {}, --dir or dir=)",
                     path, files::directory_variable);
}

void patience::waits(const std::string& what) {
  const auto now = std::chrono::steady_clock::now();
  if (since_ == deadline{}) since_ = now;
  if (has_said_ || now - since_ < std::chrono::seconds(1)) return;
  has_said_ = true;
  remark("{}", what);
}

}  // namespace annulus::cli
