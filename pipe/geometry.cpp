#include <cerrno>
#include <cstddef>
#include <cstring>
#include <ctime>

#include <annulus/channel/directory.hpp>
#include <annulus/channel/file.hpp>
#include <annulus/channel/process.hpp>
#include <annulus/pipe/frame.hpp>
#include <annulus/pipe/geometry.hpp>

namespace annulus::pipes {

using files::quoted;
using files::system_error;

namespace {

constexpr char magic[8] = {'a', 'n', 'n', 'p', 'i', 'p', 'e', '\0'};
constexpr std::uint32_t version = 2;

std::string number(std::uint64_t n) { return std::to_string(n); }

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
  shape.key = files::random_word();
  shape.created_at = static_cast<std::int64_t>(std::time(nullptr));
  shape.created_by = static_cast<std::int32_t>(process_id());
  shape.checksum = checksum_of(shape);
  return shape;
}

result<bool> write_roles(int file, geometry shape, const std::string& name) {
  // What the file system cannot hold is told now, and not later by SIGBUS.
  const int why = files::set_size(file, file_bytes(shape), file_bytes(shape));
  if (why != 0) return files::cannot_store("cannot reserve the roles file of " + quoted(name), why);
  if (files::write_at(file, &shape, sizeof shape, 0) != sizeof shape) {
    return files::cannot_store("cannot write the roles file of " + quoted(name), errno);
  }
  return true;
}

result<geometry> read_roles(int file, const std::string& name) {
  const auto what = "the roles file of " + quoted(name);
  geometry shape;
  const auto got = files::read_at(file, &shape, sizeof shape, 0);
  if (got < 0) return system_error("cannot read " + what, errno);
  constexpr auto kind = "the roles file of a pipe";
  if (got < static_cast<ssize_t>(sizeof shape)) return too_short_for_a_geometry(what, kind, got);
  const auto size = files::size_of_ours(file, ownership::any, name, "pipe");
  if (!size) return size.error();
  const geometry_check check{what,
                             kind,
                             magic,
                             version,
                             checksum_of(shape),
                             broken_limit(shape),
                             *size,
                             file_bytes(shape)};
  if (auto why = check.failed_by(shape)) return *why;
  return shape;
}

}  // namespace annulus::pipes
