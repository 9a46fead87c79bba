#include <cerrno>

#include <annulus/channel/file.hpp>
#include <annulus/channel/file_watch.hpp>
#include <annulus/pipe/audit_log.hpp>
#include <annulus/pipe/files.hpp>
#include <annulus/pipe/roles.hpp>

namespace annulus::pipes {

using files::quoted;
using files::system_error;
result<roles> roles::map(int file, const pipes::geometry& shape, bool read_only,
                         const std::string& name, const places& at_names) {
  roles made;
  made.places_ = at_names;
  const auto how = read_only ? access::read_only : access::read_write;
  auto own = lock_file::reopened(file, how, name);
  if (!own) return own.error();
  made.file_ = std::move(*own);
  auto mapped = files::reopened(file, how, name);
  if (!mapped) return mapped.error();
  const std::size_t size = file_bytes(shape);
  made.mapped_ = pages::of_file(mapped->number(), size, how);
  if (!made.mapped_) return system_error("cannot map the roles file of " + quoted(name), errno);
  auto* const base = made.mapped_.data();
  made.memory_ = {reinterpret_cast<control_words*>(base + control_offset),
                  reinterpret_cast<producer_words*>(base + producers_offset),
                  reinterpret_cast<audit_words*>(base + audit_offset(shape)), shape,
                  lock_witness(made.file_.number())};
  return made;
}

role_words& roles::words_of(std::uint32_t role) const noexcept {
  return role == consumer_role ? control().consumer : producer(role - 1).role;
}

// Coming and going.

bool roles::enter(std::uint32_t role) const noexcept {
  if (!memory_.witness.take(role)) return false;
  auto& words = words_of(role);
  // [roll] acquire: after all that the one before did.
  if (tenure_of(words.owner.load<edge::roll>(std::memory_order_acquire)) == tenure::attached) {
    // [own] relaxed: diagnostic only; the lock is ours.
    record(memory_, act::found_dead, role, words.pid.load<edge::own>(std::memory_order_relaxed),
           // [own] relaxed: diagnostic only; the lock is ours.
           words.uid.load<edge::own>(std::memory_order_relaxed));
  }
  const auto who = holder::here();
  if (!annulus::enter(words, true, who)) return false;
  tell_origin<pipes::words>(role == consumer_role ? control().origin : producer(role - 1).origin,
                            who);
  record(memory_, act::attached, role, who.pid, who.uid);
  if (role == consumer_role) {
    // [hint] relaxed: a producer that does not see it yet is refused once more.
    control().is_closed.store<edge::hint>(0, std::memory_order_relaxed);
  } else {
    call_the_roll<pipes::words>(control());
  }
  return true;
}

void roles::leave(std::uint32_t role) const noexcept {
  const auto who = holder::here();
  record(memory_, act::closed, role, who.pid, who.uid);
  annulus::leave(words_of(role));
  if (role == consumer_role) {
    // [hint] relaxed: a push that does not see it yet is read by the next consumer.
    control().is_closed.store<edge::hint>(1, std::memory_order_relaxed);
  } else {
    call_the_roll<pipes::words>(control());
  }
  memory_.witness.give_back();
  file_watch::touch(file_.number());
}

presence roles::presence_of(std::uint32_t role) const noexcept {
  if (!file_.is_here()) return presence::never_came;
  return annulus::presence_of(words_of(role), memory_.witness, role);
}

presence roles::presence_of_producers() const noexcept {
  return file_.is_here() ? annulus::presence_of_producers(memory_) : presence::never_came;
}

std::optional<failure> roles::lost_name(int fifo) const {
  if (!has_lost_name(fifo)) return std::nullopt;
  return files::lost("the pipe " + quoted(places_.fifo.path()));
}

// Keeping.

std::uint64_t roles::room_of(std::uint32_t which) const noexcept {
  const std::uint64_t room = round_up(geometry().max_message, page_bytes);
  return file_bytes(geometry()) + which * room;
}

bool roles::keep(std::uint32_t which, std::uint64_t offset,
                 std::span<const std::byte> bytes) const noexcept {
  while (!bytes.empty()) {
    const auto done =
        files::write_at(file_.number(), bytes.data(), bytes.size(), room_of(which) + offset);
    if (done <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
  return true;
}

// A peer can make the file any length for nothing; only bytes that it wrote cost it as much memory
// as they will cost us.
bool roles::recall(std::uint32_t which, octets& bytes, std::uint64_t count) const noexcept {
  auto from = room_of(which);
  if (count > geometry().max_message || !is_written(file_.number(), from, count)) return false;
  if (!bytes.resize(static_cast<std::size_t>(count))) return false;
  auto rest = bytes.bytes();
  while (!rest.empty()) {
    const auto some = files::read_at(file_.number(), rest.data(), rest.size(), from);
    if (some <= 0) return false;
    rest = rest.subspan(static_cast<std::size_t>(some));
    from += static_cast<std::uint64_t>(some);
  }
  return true;
}

}  // namespace annulus::pipes
