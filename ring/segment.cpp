#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include <annulus/channel/directory.hpp>
#include <annulus/channel/file.hpp>
#include <annulus/channel/lock.hpp>
#include <annulus/channel/settled.hpp>
#include <annulus/ring/segment.hpp>

namespace annulus {

using files::quoted;
using files::system_error;

namespace {

// The file that a name stands for.
result<std::string> place_of(const std::string& name, ownership owner = ownership::own_or_root) {
  return files::place_of(name, {}, "segment", owner);
}

// Of what could not be made or mapped.
failure no_memory(const std::string& what, int number) {
  auto why = system_error(what, number);
  if (why.kind == fault::no_space) {
    why.message += "; free some, ask for less capacity, or create it with reserve off";
  }
  return why;
}

void sign(geometry& shape) noexcept {
  // Leaves the low bits of a position as they are.
  shape.key = files::random_word() & ~(record_align - 1);
  shape.created_at = static_cast<std::int64_t>(std::time(nullptr));
  shape.created_by = static_cast<std::int32_t>(process_id());
  finish_geometry(shape);
}

ring_memory<std_atomics> ring_at(std::byte* base, const geometry& shape, int file) {
  ring_memory<std_atomics> ring;
  ring.control = reinterpret_cast<control_words<std_atomics>*>(base + shape.control_offset);
  ring.producers = reinterpret_cast<producer_words<std_atomics>*>(base + shape.producers_offset);
  ring.data = std_atomics::area(base + shape.data_offset, file, shape.data_offset);
  ring.geometry = shape;
  ring.witness = lock_witness(file);
  return ring;
}

// Requires: the memory is all zero, and nobody else sees it yet.
void write_new_ring(std::byte* base, const geometry& shape) noexcept {
  const auto ring = ring_at(base, shape, -1);
  // [own] relaxed: nobody else sees the segment before it has its name.
  ring.control->consumer.read_pos.store<edge::own>(shape.first_pos, std::memory_order_relaxed);
  // [own] relaxed: nobody else sees the segment before it has its name.
  ring.control->freed.store<edge::own>(shape.first_pos, std::memory_order_relaxed);
  // [own] relaxed: nobody else sees the segment before it has its name.
  ring.control->consumer.releasing.store<edge::own>(shape.first_pos, std::memory_order_relaxed);
  // [own] relaxed: nobody else sees the segment before it has its name.
  ring.control->write_pos.store<edge::own>(shape.first_pos, std::memory_order_relaxed);
  // [own] relaxed: nobody else sees the segment before it has its name.
  ring.control->consumer.counters.counted_to.store<edge::own>(shape.first_pos,
                                                              std::memory_order_relaxed);
  // [own] relaxed: nobody else sees the segment before it has its name.
  ring.producers[0].counters.counted_to.store<edge::own>(shape.first_pos,
                                                         std::memory_order_relaxed);
  std::memcpy(base, &shape, sizeof shape);
}

// Sizes a new, empty file and lays the ring into it.
std::string fill_new_file(int file, const geometry& shape, bool reserve, int& number) {
  const std::size_t head = shape.data_offset;
  const auto reserved = reserve ? shape.segment_bytes : head;
  number = files::set_size(file, shape.segment_bytes, reserved);
  if (number != 0) {
    return "cannot size it to " + std::to_string(shape.segment_bytes) + " bytes and reserve " +
           std::to_string(reserved) + " of them";
  }
  // The consumer looks there before anybody has pushed.
  const auto first = head + (shape.first_pos & (shape.capacity - record_align));
  if (!kernel::provide(file, first, first + header_bytes)) {
    number = ENOSPC;
    return "cannot reserve its first page";
  }
  mapping made;
  number = made.map(file, head, access::read_write, false);
  if (number != 0) return "cannot map it";
  write_new_ring(made.base(), shape);
  return {};
}

result<geometry> read_geometry(int file, const std::string& name, ownership owner) {
  const auto size = files::size_of_ours(file, owner, name, "segment");
  if (!size) return size.error();
  geometry copy;
  const auto got = files::read_at(file, &copy, sizeof copy, 0);
  if (got < 0) return system_error("cannot read " + quoted(name), errno);
  if (got < static_cast<ssize_t>(sizeof copy)) {
    return too_short_for_a_geometry(quoted(name), segment_kind, got);
  }
  return check_geometry(copy, *size, name);
}

}  // namespace

segment::segment(segment&& other) noexcept
    : name_(std::move(other.name_)),
      place_(std::move(other.place_)),
      file_(std::move(other.file_)),
      plain_(std::exchange(other.plain_, {})),
      geometry_(other.geometry_) {}

segment& segment::operator=(segment&& other) noexcept {
  std::swap(name_, other.name_);
  std::swap(place_, other.place_);
  std::swap(file_, other.file_);
  std::swap(plain_, other.plain_);
  std::swap(geometry_, other.geometry_);
  return *this;
}

bool segment::is_sealed() const noexcept {
  return file_ && files::is_sealed(file(), geometry_.segment_bytes);
}

bool segment::abandon_role(std::uint32_t role) const noexcept {
  return file_ && lock_file::abandon(file(), role);
}

bool segment::is_held(std::uint32_t role) const noexcept {
  return file_ && lock_witness(file()).is_held(role);
}

result<segment> segment::create(const std::string& name, const ring_options& options) {
  auto place = place_of(name);
  if (!place) return place.error();
  const auto path = std::move(place).value();
  auto planned = plan_geometry(options);
  if (!planned) return planned.error();

  segment made;
  made.name_ = name;
  made.place_ = files::place(path);
  made.geometry_ = *planned;
  sign(made.geometry_);
  made.file_ = files::unnamed(path, options.mode);
  if (!made.file_) return files::cannot_store("cannot create " + quoted(name), errno);
  int number = 0;
  if (auto why = fill_new_file(made.file(), made.geometry_, options.reserve, number);
      !why.empty()) {
    return no_memory("cannot create " + quoted(name) + ": " + why, number);
  }
  if (!files::publish(made.file(), path)) {
    const int why = errno;
    if (why != EEXIST) return files::cannot_name(quoted(name), why);
    return failure{fault::already_exists,
                   quoted(name) + " exists already; attach to it, or remove it first"};
  }
  return made;
}

result<segment> segment::open(const std::string& name, access how, ownership owner) {
  auto place = place_of(name, owner);
  if (!place) return place.error();
  const auto path = std::move(place).value();
  segment found;
  found.name_ = name;
  found.place_ = files::place(path);
  found.file_ = files::existing(path, how);
  if (!found.file_) {
    if (errno == ENOENT) {
      return failure{fault::not_found,
                     "there is no segment " + quoted(name) + " (" + path + "); create it first"};
    }
    if (errno == ELOOP) {
      return failure{fault::not_a_channel, quoted(name) +
                                               " is a symbolic link, and links are not followed; "
                                               "remove it or choose another name"};
    }
    if (errno == EISDIR || errno == ENXIO) {  // a socket gives ENXIO
      return files::no_regular_file(name, "segment");
    }
    return system_error("cannot open " + quoted(name), errno);
  }
  auto shape = read_geometry(found.file(), name, owner);
  if (!shape) return shape.error();
  found.geometry_ = *shape;
  return found;
}

result<segment> segment::open_or_create(const std::string& name, const ring_options& options) {
  return files::opened_or_created<segment>(
      name, [&] { return open(name); }, [&] { return create(name, options); });
}

result<segment> segment::anonymous(const ring_options& options) {
  auto planned = plan_geometry(options);
  if (!planned) return planned.error();
  segment made;
  made.name_ = "anonymous";
  made.geometry_ = *planned;
  sign(made.geometry_);
  made.file_ = files::anonymous();
  if (!made.file_) return system_error("cannot create an anonymous segment", errno);
  int number = 0;
  if (auto why = fill_new_file(made.file(), made.geometry_, options.reserve, number);
      !why.empty()) {
    return no_memory("cannot create an anonymous segment: " + why, number);
  }
  if (!files::seal(made.file())) {
    return system_error("cannot seal an anonymous segment", errno);
  }
  return made;
}

result<segment> segment::from_file(int file) {
  segment found;
  found.name_ = "descriptor " + std::to_string(file);
  found.file_ = files::duplicate(file);
  if (!found.file_) return system_error("cannot use " + found.name_, errno);
  auto shape = read_geometry(found.file(), found.name_, ownership::any);
  if (!shape) return shape.error();
  found.geometry_ = *shape;
  return found;
}

result<bool> segment::remove(const std::string& name, bool is_forced, ownership owner) {
  auto place = place_of(name, owner);
  if (!place) return place.error();
  const auto path = std::move(place).value();
  auto found = open(name, access::read_write, owner);
  if (!found) {
    // Damaged, or of another version: ours, or it would not have been read.
    const auto& [kind, message] = found.error();
    if (kind != fault::damaged && kind != fault::incompatible) return found.error();
    if (!is_forced) {
      return failure{kind, message + std::string(files::takes_force)};
    }
  } else if (!is_forced) {
    // Whoever attaches meanwhile waits for that, and then for nobody.
    if (!locks::take(found->file(), locks::maker, within(files::patience))) {
      return files::maker_holds(quoted(name), "removes it", path);
    }
    auto taken = files::take_all_roles(found->file(), found->geometry().producers, name);
    if (!taken) return taken;
    if (!files::is_still_named(found->file(), path)) {
      return failure{fault::not_found, "there is no segment " + quoted(name) + " any more"};
    }
  }
  if (!files::remove(path)) return system_error("cannot remove " + quoted(name), errno);
  return true;
}

result<std::uint64_t> segment::bytes_for(const ring_options& options) {
  auto planned = plan_geometry(options);
  if (!planned) return planned.error();
  return planned->segment_bytes;
}

result<segment> segment::format(std::span<std::byte> memory, const ring_options& options) {
  auto planned = plan_geometry(options);
  if (!planned) return planned.error();
  if (reinterpret_cast<std::uintptr_t>(memory.data()) % line_bytes != 0) {
    return failure{fault::bad_argument, "the memory is not aligned to 128 bytes"};
  }
  if (memory.size() < planned->segment_bytes) {
    return failure{fault::bad_argument, "the memory has " + std::to_string(memory.size()) +
                                            " bytes, this ring takes " +
                                            std::to_string(planned->segment_bytes)};
  }
  segment made;
  made.name_ = "plain memory";
  made.plain_ = memory.first(static_cast<std::size_t>(planned->segment_bytes));
  made.geometry_ = *planned;
  sign(made.geometry_);
  std::memset(made.plain_.data(), 0, made.plain_.size());
  write_new_ring(made.plain_.data(), made.geometry_);
  return made;
}

result<segment> segment::over(std::span<std::byte> memory) {
  if (memory.size() < sizeof(annulus::geometry) ||
      reinterpret_cast<std::uintptr_t>(memory.data()) % line_bytes != 0) {
    return failure{fault::bad_argument,
                   "the memory is too small for a ring, or not aligned to 128"};
  }
  segment found;
  found.name_ = "plain memory";
  annulus::geometry copy;
  std::memcpy(&copy, memory.data(), sizeof copy);
  auto shape = check_geometry(copy, memory.size(), found.name_);
  if (!shape) return shape.error();
  found.geometry_ = *shape;
  found.plain_ = memory.first(static_cast<std::size_t>(shape->segment_bytes));
  return found;
}

result<attachment> attachment::make(const segment& from, access how) {
  attachment held;
  const auto& shape = from.geometry();
  if (from.file() < 0) {
    held.memory_ = ring_at(from.plain().data(), shape, -1);
    return held;
  }
  auto own = lock_file::reopened(from.file(), how, from.name());
  if (!own) return own.error();
  held.file_ = std::move(*own);
  held.place_ = from.place();
  auto mapped = files::reopened(from.file(), how, from.name());
  if (!mapped) return mapped.error();
  const int why =
      held.mapped_.map(mapped->number(), shape.segment_bytes, how, shape.huge_pages != 0);
  if (why != 0) return no_memory("cannot map " + quoted(from.name()), why);
  held.memory_ = ring_at(held.mapped_.base(), shape, held.file_.number());
  return held;
}

attachment::attachment(attachment&& other) noexcept
    : file_(std::move(other.file_)),
      place_(std::move(other.place_)),
      mapped_(std::move(other.mapped_)),
      memory_(other.memory_),
      home_(std::move(other.home_)) {}

attachment& attachment::operator=(attachment&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(place_, other.place_);
  std::swap(mapped_, other.mapped_);
  std::swap(memory_, other.memory_);
  std::swap(home_, other.home_);
  return *this;
}

void attachment::unlock() noexcept { lock_witness(file_.number()).give_back(); }

}  // namespace annulus
