#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include <annulus/bus/channel.hpp>
#include <annulus/bus/dedup.hpp>
#include <annulus/bus/rendezvous.hpp>
#include <annulus/channel/directory.hpp>
#include <annulus/channel/file.hpp>
#include <annulus/channel/lock.hpp>
#include <annulus/channel/settled.hpp>
#include <annulus/pipe/files.hpp>
#include <annulus/pipe/inspect.hpp>
#include <annulus/ring/inspect.hpp>

namespace annulus::bus {
namespace {

failure unfit(const endpoint& e, const std::string& what, std::uint64_t found,
              std::uint64_t wanted) {
  return {fault::incompatible, to_string(e) + " exists and has " + what + " " +
                                   std::to_string(found) + ", not " + std::to_string(wanted) +
                                   "; ask for less, or remove it and make it anew"};
}

// Whether what is there can do what was asked for.
template <class Geometry>
result<bool> is_fit(const endpoint& e, const Geometry& found) {
  const auto capacity = e.capacity.value_or(0);
  const auto max_message = e.max_message.value_or(0);
  const auto producers = e.producers.value_or(0);
  if (capacity > found.capacity) return unfit(e, "capacity", found.capacity, capacity);
  if (max_message > found.max_message) {
    return unfit(e, "max_message", found.max_message, max_message);
  }
  if (producers > found.producers) return unfit(e, "producers", found.producers, producers);
  return true;
}

// Returns false if there was none.
result<bool> remove_file(const std::string& path) {
  if (files::remove(path)) return true;
  if (errno == ENOENT) return false;
  return files::system_error("cannot remove " + path, errno);
}

// What once=yes keeps. What stands there and is no such list, or not ours, is left alone.
result<bool> remove_list(const std::string& path) {
  return seen_list::is_one(path) ? remove_file(path) : result<bool>(false);
}

result<bool> or_false(result<bool> done) {
  if (done || done.error().kind != fault::not_found) return done;
  return false;
}

result<bool> remove_decided(const endpoint& e, bool is_forced) {
  auto held = hold_for_removal(e);
  if (!held && !is_forced) return held.error();
  auto where = e;
  bool was_there = false;
  auto decided = decision_of(e);
  if (decided) {
    where.transport = decided->transport;
    auto done = or_false(remove(where, is_forced));
    if (!done) return done;
    was_there = *done;
  } else if (decided.error().kind != fault::damaged || !is_forced) {
    return decided.error();
  }
  // The decision last: while the channel is there, whoever comes must be led to it.
  if (auto done = forget_decision(e); !done) return done;
  return was_there;
}

constexpr std::uint32_t many_producers = 16;  // unless told how many

// What holds for both transports.
template <class Options>
result<Options> shape(const endpoint& e, const making& like) {
  const auto asked = e.producers.value_or(1);
  if (like.topology == topology::spsc && asked > 1) {
    return failure{fault::bad_argument, "spsc means one producer, and " + std::to_string(asked) +
                                            " were asked for; ask for mpsc"};
  }
  Options out;
  out.producers = e.producers.value_or(like.topology == topology::mpsc ? many_producers : 1);
  out.capacity = e.capacity.value_or(like.capacity);
  if (e.max_message) out.max_message = *e.max_message;
  out.mode = e.mode;
  out.transient = like.transient;
  return out;
}

result<ring_options> ring_shape(const endpoint& e, const making& like) {
  auto out = shape<ring_options>(e, like);
  if (!out) return out;
  out->topology = like.topology.value_or(out->producers > 1 ? topology::mpsc : topology::spsc);
  if (e.integrity) out->integrity = *e.integrity;
  out->huge_pages = like.huge_pages;
  out->reserve = like.reserve;
  return out;
}

// The channel of a segment or a pipe, if there is one.
template <class Held>
result<channel> as_channel(result<Held> held) {
  if (!held) return held.error();
  return channel(std::move(*held));
}

// A producer has its lock a moment longer than its role, and a moment earlier.
enum class leavers : std::uint8_t { all_gone, one_attached, one_in_between };

// Waits until each producer has both or neither, two seconds at most.
result<leavers> wait_for_leavers(const channel& of, const lock_witness& locks) {
  const auto gives_up_at = within(std::chrono::seconds(2));
  for (;;) {
    const auto seen = of.report();
    if (!seen) return seen.error();
    if (seen->has_producer()) return leavers::one_attached;
    bool is_any_held = false;
    for (std::uint32_t i = 0; i < seen->producers.size(); ++i) {
      is_any_held |= locks.is_held(producer_role(i));
    }
    if (!is_any_held) return leavers::all_gone;
    if (std::chrono::steady_clock::now() > gives_up_at) return leavers::one_in_between;
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

channel_report in_common(ring_report seen) {
  channel_report out{seen.depth,
                     seen.depth == 0 && seen.front == front::empty,
                     seen.consumer_closed,
                     seen.consumer,
                     {}};
  out.producers.assign(seen.producers.begin(), seen.producers.end());
  return out;
}
channel_report in_common(pipe_report seen) {
  return {seen.depth, seen.depth == 0, seen.consumer_closed, seen.consumer,
          std::move(seen.producers)};
}

}  // namespace

bool channel_report::has_producer() const noexcept { return is_any_attached(producers); }
std::uint64_t channel_report::arrivals() const noexcept {
  std::uint64_t count = 0;
  for (const auto& one : producers) count += one.incarnation;
  return count;
}
std::uint64_t channel_report::sent_count() const noexcept {
  std::uint64_t count = 0;
  for (const auto& one : producers) count += one.counters.messages;
  return count;
}

result<channel> channel::open(const endpoint& e) {
  auto named = name_of(e);
  if (!named) return named.error();
  auto found = e.transport == transport::pipe
                   ? as_channel(named_pipe::open(*named, e.owner))
                   : as_channel(segment::open(*named, access::read_write, e.owner));
  if (!found) return found;
  auto fit =
      found->is_ring() ? is_fit(e, found->ring().geometry()) : is_fit(e, found->pipe().geometry());
  if (!fit) return fit.error();
  if (found->is_ring() && e.integrity && *e.integrity != found->ring().geometry().integrity) {
    return failure{fault::incompatible, to_string(e) +
                                            " exists with the other integrity; leave the option "
                                            "out, or remove it and make it anew"};
  }
  return found;
}

result<channel> channel::create(const endpoint& e, const making& like) {
  auto named = name_of(e);
  if (!named) return named.error();
  if (e.transport == transport::pipe) {
    auto like_this = shape<pipe_options>(e, like);
    if (!like_this) return like_this.error();
    return as_channel(named_pipe::create(*named, *like_this));
  }
  auto like_this = ring_shape(e, like);
  if (!like_this) return like_this.error();
  return as_channel(segment::create(*named, *like_this));
}

result<channel> channel::open_or_create(const endpoint& e, const making& like) {
  if (!e.creates) return open(e);
  return files::opened_or_created<channel>(
      e.name, [&] { return open(e); }, [&] { return create(e, like); });
}

std::string channel::name() const {
  return is_ring() ? "shm:" + ring().name() : "pipe:" + pipe().name();
}
const std::string& channel::path() const noexcept {
  return is_ring() ? ring().path() : pipe().path();
}
topology channel::topology() const noexcept {
  if (is_ring()) return ring().geometry().topology;
  return pipe().geometry().producers == 1 ? topology::spsc : topology::mpsc;
}
std::uint64_t channel::max_message() const noexcept {
  return is_ring() ? ring().geometry().max_message : pipe().geometry().max_message;
}
std::uint64_t channel::capacity() const noexcept {
  return is_ring() ? ring().geometry().capacity : pipe().kernel_bytes();
}
bool channel::is_transient() const noexcept {
  return (is_ring() ? ring().geometry().transient : pipe().geometry().transient) != 0;
}
std::uint32_t channel::producers() const noexcept {
  return is_ring() ? ring().geometry().producers : pipe().geometry().producers;
}
int channel::lock_file() const noexcept { return is_ring() ? ring().file() : pipe().roles_file(); }

bool channel::is_still_named() const noexcept {
  return files::is_still_named(lock_file(), is_ring() ? path() : path() + files::roles_ending);
}
bool channel::is_consumer_held() const noexcept {
  return locks::is_held(lock_file(), consumer_role);
}

result<channel_report> channel::report() const {
  const auto read = [](auto seen) -> result<channel_report> {
    if (!seen) return seen.error();
    return in_common(std::move(*seen));
  };
  return is_ring() ? read(inspect(ring())) : read(inspect(pipe()));
}

result<bool> channel::remove_if_over() const {
  auto own = files::reopened(lock_file(), access::read_write, name());
  if (!own) return own.error();
  const lock_witness locks(own->number());
  if (!locks.take(consumer_role)) return true;  // the next consumer ends it
  auto left = wait_for_leavers(*this, locks);
  if (!left) return left.error();
  if (*left != leavers::all_gone) return *left == leavers::one_in_between;
  // Nobody is there who could push, so what is seen now is final.
  auto seen = report();
  if (!seen) return seen.error();
  if (!seen->is_empty) return false;
  // Forced, for we hold a lock of it ourselves; and exact, as long as nobody else forces: the name
  // changes hands only under the lock that we hold.
  if (!is_still_named()) return true;
  static_cast<void>(is_ring() ? segment::remove(path(), true, ownership::any)
                              : named_pipe::remove(path(), true, ownership::any));
  return true;
}

result<bool> channel::remove_if_unused(const std::optional<std::string>& list) const {
  auto own = files::reopened(lock_file(), access::read_write, name());
  if (!own) return own.error();
  // As an unforced removal does: from here on nobody attaches.
  if (!locks::take(own->number(), locks::maker, within(files::patience))) return false;
  if (!files::take_all_roles(own->number(), producers(), name())) return false;
  auto seen = report();
  if (!seen) return seen.error();
  if (!seen->is_empty || !is_still_named()) return false;
  if (list) {
    if (auto done = remove_list(*list); !done) return done;
  }
  if (is_ring()) return remove_file(path());
  if (auto done = pipes::remove_fifo(path()); !done) return done;
  return remove_file(path() + files::roles_ending);
}

result<segment> open_segment(const endpoint& e) {
  auto found = channel::open_or_create(e);
  if (!found) return found.error();
  return std::move(*found).ring();
}
result<named_pipe> open_pipe(const endpoint& e) {
  auto found = channel::open_or_create(e);
  if (!found) return found.error();
  return std::move(*found).pipe();
}

ring_options shape_of(const endpoint& e) {
  auto out = ring_shape(e, {});
  return out ? *out : ring_options{};
}

std::string directory_of(const endpoint& e) {
  return e.directory.empty() ? files::directory() : e.directory;
}

std::string path_of(const endpoint& e) {
  return files::path_of(e.name, directory_of(e), e.transport == transport::pipe ? ".pipe" : "");
}

result<std::string> name_of(const endpoint& e) {
  const bool is_pipe = e.transport == transport::pipe;
  auto path = files::place_of(e.name, is_pipe ? ".pipe" : "", is_pipe ? "pipe" : "segment", e.owner,
                              e.directory);
  if (!path || !e.directory.empty()) return path;
  return e.name;
}

std::string seen_path_of(const endpoint& e) {
  const bool is_path = e.name.front() == '/' || files::is_path(e.name);
  return path_of(e) + (is_path || e.transport == transport::pipe ? ".seen" : ".shm.seen");
}

result<bool> remove(const endpoint& e, bool is_forced) {
  if (e.transport == transport::automatic) return remove_decided(e, is_forced);
  auto named = name_of(e);
  if (!named) return named.error();
  auto channel = e.transport == transport::shm ? segment::remove(*named, is_forced, e.owner)
                                               : named_pipe::remove(*named, is_forced, e.owner);
  if (!channel && channel.error().kind != fault::not_found) return channel;
  auto seen = remove_list(seen_path_of(e));
  if (!seen) return seen;
  if (!channel && !*seen) return channel;
  return static_cast<bool>(channel);
}

}  // namespace annulus::bus
