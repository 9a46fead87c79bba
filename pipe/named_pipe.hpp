// A named pipe: a FIFO by name, and beside it PATH.roles, which says who is at it (roles.hpp).
//
// create      the roles file gets its name only when it is whole, then the FIFO is made, under a
//             lock; a death in between leaves a roles file alone, and the next to open makes the
//             FIFO. So the two are seen both, or as a pipe that is being made
// attach      (pipe.hpp) each role opens the roles file for itself, and holds its own lock on it
// contents    live in the kernel as long as any role, or any named_pipe, has the FIFO open. When
//             all are gone, what was not read is gone: a pipe is no store
//
// A name is 1 to 200 letters, digits, '.', '_' and '-', and means annulus.NAME.pipe in the
// directory of channel/directory.hpp; a name that starts with '/' is a path.
//
// Trust       Only what belongs to our own user, or to root, and grants nobody more than was asked
//             for at its creation is opened, without following a link. A process that may open
//             the FIFO can take messages out of it, spoil them or fill it up; whatever is in it, no
//             role reads or writes out of bounds, loops for ever or dies
#pragma once

#include <cstdint>
#include <string>

#include <annulus/channel/at_least_cxx20.hpp>
#include <annulus/channel/ownership.hpp>
#include <annulus/channel/result.hpp>
#include <annulus/pipe/pages.hpp>
#include <annulus/pipe/roles.hpp>

namespace annulus {

// What a new pipe is like.
struct pipe_options {
  std::uint64_t capacity = std::uint64_t{1} << 20;  // bytes; a power of two, 4 KiB to 256 GiB
  std::uint64_t max_message = 0;                    // bytes; 0: capacity / 2, the most there is
  std::uint32_t producers = 16;                     // attached at once, 1 to 1024
  unsigned mode = 0600;                             // both files' permissions
  bool transient = false;                           // may be removed by the reader that ends it
};

// A FIFO and its roles file, opened.
class named_pipe {
 public:
  // Makes a new one, with these permissions whatever the umask. Fails with already_exists if the
  // name is taken, bad_argument (a limit is broken), no_space or no_permission.
  [[nodiscard]] static result<named_pipe> create(const std::string& name, const pipe_options& = {});
  // Opens an existing one, and makes its FIFO again if that is missing. Fails with not_found,
  // not_a_channel, damaged, incompatible (another version) or no_permission.
  [[nodiscard]] static result<named_pipe> open(const std::string& name,
                                               ownership = ownership::own_or_root);
  // Creates the pipe, or opens the existing one whatever its options. Fails as both do, and with
  // in_use if others make and remove the name for two seconds.
  [[nodiscard]] static result<named_pipe> open_or_create(const std::string& name,
                                                         const pipe_options& = {});
  // Removes the name: attached roles get `removed` from their next wait, and no role can attach.
  // Unless forced, fails with in_use (after two seconds, if another process removes it), damaged or
  // incompatible. The value is always true.
  [[nodiscard]] static result<bool> remove(const std::string& name, bool even_if_in_use = false,
                                           ownership = ownership::own_or_root);

  // The name that it was opened by.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  // The FIFO's path.
  [[nodiscard]] const std::string& path() const noexcept { return places_.fifo.path(); }
  // Where its FIFO and its roles file are.
  [[nodiscard]] const pipes::places& places() const noexcept { return places_; }
  // What it was made with.
  [[nodiscard]] pipe_options options() const noexcept;
  // Its size and limits.
  [[nodiscard]] const pipes::geometry& geometry() const noexcept { return geometry_; }
  // What the kernel grants for the FIFO now: less than the capacity where it refuses so much.
  [[nodiscard]] std::uint64_t kernel_bytes() const noexcept;

  // For a role whose object is lost with its thread (a leak, a thread that ended without
  // unwinding): releases its lock, so others treat it as dead. Returns false if no object of this
  // process holds it. Roles: 0 the consumer, 1 + i producer i. Requires: the object is neither used
  // nor destroyed any more.
  [[nodiscard]] bool abandon_role(std::uint32_t role) const noexcept;

  // The FIFO's descriptor, which stays this object's.
  [[nodiscard]] int file() const noexcept { return fifo_.number(); }
  // Its roles file's descriptor, which stays this object's.
  [[nodiscard]] int roles_file() const noexcept { return roles_.number(); }

 private:
  named_pipe() = default;

  std::string name_;
  pipes::places places_;
  descriptor roles_;
  descriptor fifo_;
  pipes::geometry geometry_;
};

}  // namespace annulus
