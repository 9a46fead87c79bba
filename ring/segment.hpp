// A segment: the memory of one ring, by name, by file or given by the caller.
//
// create      the file gets its name only when it is whole, so a half-made segment is never seen
// attach      (ring.hpp) each role opens and maps the file for itself, and holds its own lock on it
// plain       memory that the caller gives and keeps: threads of one process, an arena, memory that
//             another tool maps. It has no locks, so no death can be detected
//
// A name is 1 to 200 letters, digits, '.', '_' and '-', and means annulus.NAME in the directory of
// channel/directory.hpp; a name that starts with '/' is a path, say on hugetlbfs.
//
// Trust      Only files of our own user, or of root, are opened, without following a link. A peer
//            that can write the segment can spoil its own messages, stop sending, or cut the file
//            off (then reading it raises SIGBUS): anonymous() is sealed and prevents the last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <annulus/channel/at_least_cxx20.hpp>
#include <annulus/channel/file.hpp>
#include <annulus/channel/lock_file.hpp>
#include <annulus/channel/ownership.hpp>
#include <annulus/channel/place.hpp>
#include <annulus/channel/process.hpp>
#include <annulus/channel/result.hpp>
#include <annulus/ring/atomics.hpp>
#include <annulus/ring/geometry.hpp>
#include <annulus/ring/mapping.hpp>
#include <annulus/ring/memory.hpp>

namespace annulus {

// The memory of a ring, mapped: under a name, anonymous, or in memory of yours.
class segment {
 public:
  // Makes a new one, with these permissions whatever the umask. Fails with already_exists if the
  // name is taken, bad_argument (a limit is broken), no_space or no_permission. O(capacity) if the
  // memory is reserved.
  [[nodiscard]] static result<segment> create(const std::string& name, const ring_options& = {});
  // Opens an existing one. Fails with not_found, not_a_channel, damaged, incompatible (another
  // version) or no_permission.
  [[nodiscard]] static result<segment> open(const std::string& name, access = access::read_write,
                                            ownership = ownership::own_or_root);
  // Creates the segment, or opens the existing one whatever its geometry. Fails as both do, and
  // with in_use if others make and remove the name for two seconds.
  [[nodiscard]] static result<segment> open_or_create(const std::string& name,
                                                      const ring_options& = {});

  // Has no name: pass its descriptor. Sealed against growing and shrinking. Fails like
  // create().
  [[nodiscard]] static result<segment> anonymous(const ring_options& = {});
  // Duplicates the descriptor. If its source is untrusted, check is_sealed() first. Fails like
  // open().
  [[nodiscard]] static result<segment> from_file(int file);

  // Removes the name: attached roles get `removed` from their next wait, and no role can attach.
  // Unless forced, fails with in_use (after two seconds, if another process removes it), damaged or
  // incompatible. Never removes a non-segment. The value is always true.
  [[nodiscard]] static result<bool> remove(const std::string& name, bool is_forced = false,
                                           ownership = ownership::own_or_root);

  // Creates a ring in `memory`, which is 128-byte aligned and outlives every role. Destroys what is
  // there. Fails with bad_argument.
  [[nodiscard]] static result<segment> format(std::span<std::byte> memory,
                                              const ring_options& = {});
  // Opens the ring in `memory`, also while roles are attached. Fails with bad_argument, and as
  // open() where the memory holds no ring.
  [[nodiscard]] static result<segment> over(std::span<std::byte> memory);
  // The bytes that format() needs.
  [[nodiscard]] static result<std::uint64_t> bytes_for(const ring_options&);

  segment(segment&&) noexcept;
  segment& operator=(segment&&) noexcept;

  // Its size and limits.
  [[nodiscard]] const annulus::geometry& geometry() const noexcept { return geometry_; }
  // The name that it was opened by.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  // Empty if it was not opened by name.
  [[nodiscard]] const std::string& path() const noexcept { return place_.path(); }
  [[nodiscard]] int file() const noexcept { return file_.number(); }  // -1: plain memory
  // The memory that format() or over() was given; else empty.
  [[nodiscard]] std::span<std::byte> plain() const noexcept { return plain_; }

  // Whether nobody can cut the file off, so that reading never raises SIGBUS.
  [[nodiscard]] bool is_sealed() const noexcept;

  // Whether the name it was opened by is gone, so nobody else can open it.
  [[nodiscard]] bool has_lost_name() const noexcept { return place_.is_lost_by(file()); }
  // Where its file is.
  [[nodiscard]] const files::place& place() const noexcept { return place_; }

  // Whether a process holds the role's lock. Always false for plain memory.
  [[nodiscard]] bool is_held(std::uint32_t role) const noexcept;

  // For a role whose object is lost with its thread (a leak, a thread that ended without
  // unwinding): releases its lock, so others treat it as dead and recover its claim. Returns false
  // if no object of this process holds it. Roles: 0 the consumer, 1 + i producer i. Requires: the
  // object is neither used nor destroyed any more.
  [[nodiscard]] bool abandon_role(std::uint32_t role) const noexcept;

 private:
  segment() = default;

  std::string name_;
  files::place place_;
  descriptor file_;
  std::span<std::byte> plain_;
  annulus::geometry geometry_;
};

// A role's own hold on a segment: its descriptor, which carries its lock, and its mapping. The
// mapping uses a second open file, because a child of fork() keeps a mapping and its file.
class attachment {
 public:
  // Opens and maps the segment once more.
  [[nodiscard]] static result<attachment> make(const segment&, access);
  attachment(attachment&&) noexcept;
  attachment& operator=(attachment&&) noexcept;

  // The words of the ring.
  [[nodiscard]] const ring_memory<std_atomics>& memory() const noexcept { return memory_; }
  // Whether this process made it. If not, do not use its descriptor.
  [[nodiscard]] bool is_here() const noexcept { return home_.is_here(); }
  // Whether the segment has lost its name; false in another process than it was made in.
  [[nodiscard]] bool has_lost_name() const noexcept {
    return is_here() && place_.is_lost_by(file_.number());
  }
  // Gives the lock back; the mapping stays.
  void unlock() noexcept;

 private:
  attachment() = default;

  lock_file file_;
  files::place place_;
  mapping mapped_;
  ring_memory<std_atomics> memory_;
  home home_ = home::here();
};

}  // namespace annulus
