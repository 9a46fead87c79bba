#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include <annulus/channel/uncancelled.hpp>
#include <annulus/pipe/frame.hpp>
#include <annulus/pipe/roles.hpp>

namespace annulus::pipes {
namespace {

constexpr char magic[8] = {'a', 'n', 'n', 'p', 'i', 'p', 'e', '\0'};
constexpr std::uint32_t version = 1;
constexpr std::size_t producers_offset = 2 * page_bytes;
static_assert(sizeof(geometry) <= page_bytes && sizeof(control_words) <= page_bytes);

std::string number(std::uint64_t n) { return std::to_string(n); }

constexpr std::size_t trail_offset(const geometry& shape) noexcept {
  return producers_offset + shape.producers * sizeof(producer_words);
}
constexpr std::size_t file_bytes(const geometry& shape) noexcept {
  const std::size_t end = trail_offset(shape) + trail_size * sizeof(trail_words);
  return (end + page_bytes - 1) / page_bytes * page_bytes;
}

std::uint64_t checksum_of(const geometry& shape) noexcept {
  constexpr std::size_t end = offsetof(geometry, checksum);
  static_assert(end % sizeof(std::uint64_t) == 0);
  std::uint64_t pieces[end / sizeof(std::uint64_t)];
  std::memcpy(pieces, &shape, end);
  sum all(0);
  for (const auto piece : pieces) all.add(piece);
  return all.value();
}

// The limits, the same for a plan and for what was found. Empty: it is within them.
std::string broken_limit(const geometry& shape) {
  if (auto why = annulus::broken_limit(shape.capacity, shape.max_message, shape.producers);
      !why.empty()) {
    return why;
  }
  if ((shape.mode & ~0666u) != 0 || (shape.mode & 0600) != 0600) {
    return "mode " + number(shape.mode) +
           " does not let its owner read and write, or grants more than reading and writing";
  }
  return {};
}

}  // namespace

result<geometry> plan_geometry(std::uint64_t capacity, std::uint64_t max_message,
                               std::uint32_t producers, unsigned mode, bool transient) {
  geometry shape;
  std::memcpy(shape.magic, magic, sizeof magic);
  shape.version = version;
  shape.capacity = capacity;
  shape.max_message = max_message != 0 ? max_message : capacity / 2;
  shape.producers = producers;
  shape.mode = mode;
  shape.transient = transient ? 1 : 0;
  if (auto why = broken_limit(shape); !why.empty()) return failure{fault::bad_argument, why};
  shape.seal = files::random_word();
  shape.created_at = static_cast<std::int64_t>(std::time(nullptr));
  shape.created_by = static_cast<std::int32_t>(getpid());
  shape.checksum = checksum_of(shape);
  return shape;
}

result<bool> write_roles(int file, geometry shape, const std::string& name) {
  // What the file system cannot hold is told now, and not later by SIGBUS.
  const int why = files::set_size(file, file_bytes(shape), file_bytes(shape));
  if (why != 0) return system_error("cannot reserve the roles file of " + quoted(name), why);
  if (pwrite(file, &shape, sizeof shape, 0) != sizeof shape) {
    return system_error("cannot write the roles file of " + quoted(name), errno);
  }
  return true;
}

result<geometry> read_roles(int file, const std::string& name) {
  const auto what = "the roles file of " + quoted(name);
  struct stat info {};
  geometry shape;
  const auto got = pread(file, &shape, sizeof shape, 0);
  if (got < 0 || fstat(file, &info) != 0) return system_error("cannot read " + what, errno);
  if (got < static_cast<ssize_t>(sizeof shape)) {
    return failure{fault::not_a_segment, what + " is something else: it has only " +
                                             std::to_string(got) +
                                             " bytes; remove it or choose another name"};
  }
  if (std::memcmp(shape.magic, magic, sizeof magic) != 0) {
    return failure{fault::not_a_segment, what +
                                             " is something else: it does not start with the "
                                             "magic word; remove it or choose another name"};
  }
  if (shape.version != version) {
    return failure{fault::incompatible,
                   what + " has version " + number(shape.version) +
                       ", this library reads version " + number(version) +
                       "; open it with the library that made it, or make it anew"};
  }
  if (shape.checksum != checksum_of(shape)) {
    return failure{fault::damaged, what + " is damaged: its checksum is " + number(shape.checksum) +
                                       ", expected " + number(checksum_of(shape)) +
                                       "; remove it, make it anew"};
  }
  if (auto why = broken_limit(shape); !why.empty()) {
    return failure{fault::damaged, what + " has an impossible geometry: " + why};
  }
  if (static_cast<std::uint64_t>(info.st_size) < file_bytes(shape)) {
    return failure{fault::damaged, what + " is truncated: it has " + std::to_string(info.st_size) +
                                       " bytes of " + number(file_bytes(shape)) +
                                       "; remove it, make it anew"};
  }
  return shape;
}

// The mapping.

result<roles> roles::map(int file, const pipes::geometry& shape, bool read_only,
                         const std::string& name) {
  roles made;
  const int flags = read_only ? O_RDONLY : O_RDWR;
  auto own = lock_file::reopened(file, flags, name);
  if (!own) return own.error();
  made.file_ = std::move(*own);
  auto mapped = reopened(file, flags, name);
  if (!mapped) return mapped.error();
  const std::size_t size = file_bytes(shape);
  void* at = mmap(nullptr, size, read_only ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED,
                  mapped->number(), 0);
  if (at == MAP_FAILED) return system_error("cannot map the roles file of " + quoted(name), errno);
  auto* const base = static_cast<std::byte*>(at);
  made.mapped_ = pages({base, size});
  made.memory_ = {reinterpret_cast<control_words*>(base + page_bytes),
                  reinterpret_cast<producer_words*>(base + producers_offset), shape,
                  lock_witness(made.file_.number())};
  return made;
}

trail_words& roles::trail(std::uint64_t entry) const noexcept {
  return reinterpret_cast<trail_words*>(mapped_.data() +
                                        trail_offset(geometry()))[entry % trail_size];
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
    record(act::found_dead, role, words.pid.load<edge::own>(std::memory_order_relaxed),
           // [own] relaxed: diagnostic only; the lock is ours.
           words.uid.load<edge::own>(std::memory_order_relaxed));
  }
  const auto who = holder::here();
  if (!annulus::enter(words, true, who)) return false;
  record(act::attached, role, who.pid, who.uid);
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
  record(act::closed, role, who.pid, who.uid);
  annulus::leave(words_of(role));
  if (role == consumer_role) {
    // [hint] relaxed: a push that does not see it yet is read by the next consumer.
    control().is_closed.store<edge::hint>(1, std::memory_order_relaxed);
  } else {
    call_the_roll<pipes::words>(control());
  }
  memory_.witness.give_back();
}

presence roles::presence_of(std::uint32_t role) const noexcept {
  if (!file_.is_here()) return presence::never_came;
  return annulus::presence_of(words_of(role), memory_.witness, role);
}

presence roles::presence_of_producers() const noexcept {
  return file_.is_here() ? annulus::presence_of_producers(memory_) : presence::never_came;
}

std::optional<failure> roles::lost_name() const {
  struct stat info {};
  if (fstat(file_.number(), &info) != 0 || info.st_nlink != 0) return std::nullopt;
  return failure{fault::not_found, "the pipe was removed while it was attached to; open it anew"};
}

void roles::record(act what, std::uint32_t role, std::uint32_t pid,
                   std::uint32_t uid) const noexcept {
  // [own] relaxed: the count gives each entry to one role; the ticket hands it on.
  const auto entry = control().trail_next.fetch_add<edge::own>(1, std::memory_order_relaxed);
  auto& to = trail(entry);
  // [own] relaxed: readers see that the entry is being written, or compare the ticket again.
  to.ticket.store<edge::own>(0, std::memory_order_relaxed);
  // [own] relaxed: handed on by the ticket.
  to.at.store<edge::own>(static_cast<std::int64_t>(std::time(nullptr)), std::memory_order_relaxed);
  // [own] relaxed: handed on by the ticket.
  to.pid.store<edge::own>(pid, std::memory_order_relaxed);
  // [own] relaxed: handed on by the ticket.
  to.uid.store<edge::own>(uid, std::memory_order_relaxed);
  // [own] relaxed: handed on by the ticket.
  to.role.store<edge::own>(role, std::memory_order_relaxed);
  // [own] relaxed: handed on by the ticket.
  to.what.store<edge::own>(static_cast<std::uint32_t>(what), std::memory_order_relaxed);
  // [trail] release: whoever sees the ticket sees the entry.
  to.ticket.store<edge::trail>(entry + 1, std::memory_order_release);
}

// Keeping.

off_t roles::room_of(std::uint32_t which) const noexcept {
  const std::uint64_t room = (geometry().max_message + page_bytes - 1) / page_bytes * page_bytes;
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

// Whether so many bytes were written there. A file may be any length; only what is
// no hole costs him as much as it will cost us.
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
