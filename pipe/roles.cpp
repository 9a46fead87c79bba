#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <annulus/channel/file.hpp>
#include <annulus/channel/file_watch.hpp>
#include <annulus/channel/uncancelled.hpp>
#include <annulus/pipe/audit_log.hpp>
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
  void* at = mmap(nullptr, size, read_only ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED,
                  mapped->number(), 0);
  if (at == MAP_FAILED) return system_error("cannot map the roles file of " + quoted(name), errno);
  auto* const base = static_cast<std::byte*>(at);
  made.mapped_ = pages({base, size});
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

off_t roles::room_of(std::uint32_t which) const noexcept {
  const std::uint64_t room = round_up(geometry().max_message, page_bytes);
  return static_cast<off_t>(file_bytes(geometry()) + which * room);
}

bool roles::keep(std::uint32_t which, std::uint64_t offset,
                 std::span<const std::byte> bytes) const noexcept {
  const uncancelled here;
  while (!bytes.empty()) {
    const auto done = pwrite(file_.number(), bytes.data(), bytes.size(),
                             room_of(which) + static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
  return true;
}

// Whether so many bytes were written there. A peer can make the file any length for nothing; only
// bytes that it wrote cost it as much memory as they will cost us.
bool roles::is_there(off_t from, std::uint64_t count) const noexcept {
  return lseek(file_.number(), from, SEEK_HOLE) >= from + static_cast<off_t>(count);
}

bool roles::recall(std::uint32_t which, octets& bytes, std::uint64_t count) const noexcept {
  const uncancelled here;
  if (count > geometry().max_message || !is_there(room_of(which), count)) return false;
  if (!bytes.resize(static_cast<std::size_t>(count))) return false;
  auto rest = bytes.bytes();
  auto from = room_of(which);
  while (!rest.empty()) {
    const auto some = pread(file_.number(), rest.data(), rest.size(), from);
    if (some < 0 && errno == EINTR) continue;
    if (some <= 0) return false;
    rest = rest.subspan(static_cast<std::size_t>(some));
    from += some;
  }
  return true;
}

}  // namespace annulus::pipes
