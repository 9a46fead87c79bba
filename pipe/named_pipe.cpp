#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include <annulus/channel/directory.hpp>
#include <annulus/channel/file.hpp>
#include <annulus/channel/lock.hpp>
#include <annulus/channel/lock_file.hpp>
#include <annulus/channel/settled.hpp>
#include <annulus/pipe/fifo.hpp>
#include <annulus/pipe/geometry.hpp>
#include <annulus/pipe/named_pipe.hpp>

namespace annulus {

using files::quoted;
using files::reopened;
using files::system_error;

namespace {

// The FIFO that a name stands for.
result<std::string> place_of(const std::string& name, ownership owner = ownership::own_or_root) {
  return files::place_of(name, ".pipe", "pipe", owner);
}

std::string roles_path_of(const std::string& path) { return path + files::roles_ending; }

const char* kind_of(mode_t mode) noexcept {
  switch (mode & S_IFMT) {
    case S_IFREG: return "a plain file";
    case S_IFDIR: return "a directory";
    case S_IFLNK: return "a symbolic link, and links are not followed";
    case S_IFIFO: return "a FIFO";
    case S_IFSOCK: return "a socket";
    default: return "a device";
  }
}

failure in_the_way(const std::string& path, mode_t mode) {
  const bool is_fifo = S_ISFIFO(mode);
  return {fault::not_a_channel,
          quoted(path) + " is " + kind_of(mode) +
              (is_fifo ? ", but there is no roles file beside it, so something else made it"
                       : ", not a pipe of annulus") +
              "; remove it or choose another name"};
}

// There is no roles file: nothing at all, or something in the way. Empty: look again, for a pipe
// that is made just now gets its roles file first, and one that is removed loses it last.
std::optional<failure> missing(const std::string& name, const std::string& path) {
  struct stat seen {};
  struct stat other {};
  if (lstat(path.c_str(), &seen) != 0) {
    if (errno != ENOENT) return system_error("cannot look at " + quoted(path), errno);
    return failure{fault::not_found,
                   "there is no pipe " + quoted(name) + " (" + path + "); create it first"};
  }
  if (lstat(roles_path_of(path).c_str(), &other) == 0) return std::nullopt;
  if (lstat(path.c_str(), &other) != 0 || other.st_ino != seen.st_ino) return std::nullopt;
  return in_the_way(path, seen.st_mode);
}

// Opens what stands at a path, if it is of this kind, belongs to whom it should, and grants no more
// than `mode`. First only a handle, which has no effect on whatever it is.
result<descriptor> open_checked(const std::string& path, mode_t kind, ownership owner,
                                const std::string& name) {
  descriptor handle = files::opened(path, O_PATH | O_NOFOLLOW);
  struct stat info {};
  if (!handle && errno == ENOENT) return failure{fault::not_found, quoted(path) + " is not there"};
  if (!handle || fstat(handle.number(), &info) != 0) {
    return system_error("cannot open " + quoted(path), errno);
  }
  if ((info.st_mode & S_IFMT) != kind) return in_the_way(path, info.st_mode);
  if (auto why = files::not_ours(info, owner, path)) return *why;
  return reopened(handle.number(), O_RDWR | O_NONBLOCK, name);
}

// Whoever may come at a file may spoil what it carries.
result<bool> check_mode(int file, const std::string& path, unsigned asked) {
  struct stat info {};
  if (fstat(file, &info) != 0) return system_error("cannot look at " + quoted(path), errno);
  const unsigned found = info.st_mode & 0777;
  if ((found & ~asked) == 0) return true;
  return failure{fault::no_permission, quoted(path) + " has the permissions " +
                                           files::octal(found) + ", it was made with " +
                                           files::octal(asked) +
                                           "; chmod it back, or make the pipe anew"};
}

result<bool> take_maker(int file, const std::string& path) {
  if (locks::take(file, locks::maker, within(files::patience))) return true;
  return files::maker_holds(quoted(path), "makes or removes the pipe", path);
}

// Opened. Requires: the maker's lock is held.
result<descriptor> make_fifo(const std::string& path, unsigned mode) {
  if (mkfifo(path.c_str(), static_cast<mode_t>(mode)) != 0) {
    const int why = errno;
    struct stat info {};
    if (why == EEXIST && lstat(path.c_str(), &info) == 0) return in_the_way(path, info.st_mode);
    return system_error("cannot make the FIFO " + quoted(path), why);
  }
  descriptor fifo = files::opened(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW);
  if (!fifo || fchmod(fifo.number(), static_cast<mode_t>(mode)) != 0) {  // whatever the umask
    auto why = system_error("cannot open the FIFO " + quoted(path), errno);
    unlink(path.c_str());
    return why;
  }
  return fifo;
}

// A file without a name where the file system has such, else under a passing one.
descriptor new_file(const std::string& path, std::string& passing, unsigned mode) {
  descriptor made = files::opened(files::directory_of(path), O_TMPFILE | O_RDWR, mode);
  if (made || (errno != EOPNOTSUPP && errno != EISDIR)) return made;
  passing = path + "." + std::to_string(getpid());
  return files::opened(passing, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR, mode);
}

// Gives the file its name, at once and whole.
bool publish(const descriptor& file, const std::string& passing, const std::string& path) {
  if (passing.empty()) return files::publish(file.number(), path);
  const bool done = linkat(AT_FDCWD, passing.c_str(), AT_FDCWD, path.c_str(), 0) == 0;
  const int why = errno;
  unlink(passing.c_str());
  errno = why;
  return done;
}

// Asks the kernel for the capacity, and where it refuses so much, for the most that it grants.
void size_fifo(int fifo, std::uint64_t capacity) noexcept {
  const auto now = pipes::kernel_bytes(fifo);
  std::uint64_t wanted = std::min(capacity, std::uint64_t{1} << 30);
  while (wanted != now && fcntl(fifo, F_SETPIPE_SZ, static_cast<int>(wanted)) < 0 &&
         wanted > 2 * now) {
    wanted /= 2;
  }
}

// Takes both names away. Requires: the roles file, opened for this alone.
result<bool> remove_files(int file, const std::string& path, const std::string& name,
                          bool even_if_in_use) {
  const auto roles_path = roles_path_of(path);
  // By force after it was waited for, too: whoever holds it for so long is no maker.
  if (auto done = take_maker(file, roles_path); !done && !even_if_in_use) return done.error();
  auto shape = pipes::read_roles(file, name);
  // Damaged beyond use, or of another version: the file is ours, or it would not be open.
  const bool is_unreadable =
      !shape && (shape.error().kind == fault::damaged || shape.error().kind == fault::incompatible);
  if (is_unreadable && !even_if_in_use) {
    return failure{shape.error().kind, shape.error().message + std::string(files::takes_force)};
  }
  if (!shape && !is_unreadable) return shape.error();
  if (!even_if_in_use) {
    if (auto taken = files::take_all_roles(file, shape->producers, name); !taken) return taken;
  }
  if (!files::is_still_named(file, roles_path)) {
    return failure{fault::not_found, "there is no pipe " + quoted(name) + " any more"};
  }
  struct stat info {};
  if (lstat(path.c_str(), &info) == 0) {
    if (!S_ISFIFO(info.st_mode)) return in_the_way(path, info.st_mode);
    if (unlink(path.c_str()) != 0) return system_error("cannot remove " + quoted(path), errno);
  } else if (errno != ENOENT) {
    return system_error("cannot look at " + quoted(path), errno);
  }
  if (unlink(roles_path.c_str()) != 0) return system_error("cannot remove " + quoted(name), errno);
  return true;
}

}  // namespace

pipe_options named_pipe::options() const noexcept {
  return {geometry_.capacity, geometry_.max_message, geometry_.producers, geometry_.mode,
          geometry_.transient != 0};
}

bool named_pipe::abandon_role(std::uint32_t role) const noexcept {
  return lock_file::abandon(roles_file(), role);
}

std::uint64_t named_pipe::kernel_bytes() const noexcept { return pipes::kernel_bytes(file()); }

result<named_pipe> named_pipe::create(const std::string& name, const pipe_options& options) {
  auto place = place_of(name);
  if (!place) return place.error();
  const auto path = std::move(place).value();
  const auto roles_path = roles_path_of(path);
  auto planned = pipes::plan_geometry(options.capacity, options.max_message, options.producers,
                                      options.mode, options.transient);
  if (!planned) return planned.error();

  std::string passing;
  descriptor file = new_file(roles_path, passing, options.mode);
  if (!file) return files::cannot_store("cannot create " + quoted(name), errno);
  fchmod(file.number(), static_cast<mode_t>(options.mode));  // whatever the umask
  auto written = pipes::write_roles(file.number(), *planned, name);
  static_cast<void>(locks::take(file.number(), locks::maker));
  const bool is_named = written && publish(file, passing, roles_path);
  const int why = errno;
  if (!written) {
    if (!passing.empty()) unlink(passing.c_str());
    return written.error();
  }
  if (!is_named) {
    if (why != EEXIST) return files::cannot_name(quoted(name), why);
    return failure{fault::already_exists,
                   quoted(name) + " exists already; attach to it, or remove it first"};
  }
  auto fifo = make_fifo(path, options.mode);
  if (!fifo) {
    unlink(roles_path.c_str());
    return fifo.error();
  }
  locks::give_back(file.number());
  // Not opened by its name: whoever removes it meanwhile does not make this fail.
  named_pipe made;
  made.name_ = name;
  made.places_ = {files::place(path), files::place(roles_path)};
  made.roles_ = std::move(file);
  made.fifo_ = std::move(fifo).value();
  made.geometry_ = *planned;
  size_fifo(made.fifo_.number(), planned->capacity);
  return made;
}

result<named_pipe> named_pipe::open(const std::string& name, ownership owner) {
  auto place = place_of(name, owner);
  if (!place) return place.error();
  const auto path = std::move(place).value();
  const auto roles_path = roles_path_of(path);
  return files::settled<named_pipe>(name, [&]() -> std::optional<result<named_pipe>> {
    named_pipe found;
    found.name_ = name;
    found.places_ = {files::place(path), files::place(roles_path)};
    auto file = open_checked(roles_path, S_IFREG, owner, name);
    if (!file && file.error().kind == fault::not_found) {
      if (auto why = missing(name, path)) return *why;
      return std::nullopt;
    }
    if (!file) return file.error();
    found.roles_ = std::move(*file);
    auto shape = pipes::read_roles(found.roles_.number(), name);
    if (!shape) return shape.error();
    found.geometry_ = *shape;

    auto fifo = open_checked(path, S_IFIFO, owner, name);
    if (!fifo && fifo.error().kind == fault::not_found) {
      // It is being made or removed, or whoever did that died over it.
      if (auto done = take_maker(found.roles_.number(), roles_path); !done) return done.error();
      if (!files::is_still_named(found.roles_.number(), roles_path)) return std::nullopt;
      struct stat info {};
      if (lstat(path.c_str(), &info) == 0) return std::nullopt;
      if (fstat(found.roles_.number(), &info) != 0 || info.st_uid != geteuid()) return fifo.error();
      if (auto made = make_fifo(path, shape->mode); !made) return made.error();
      return std::nullopt;
    }
    if (!fifo) return fifo.error();
    found.fifo_ = std::move(*fifo);
    // Else the FIFO may be that of another pipe, which has the name now.
    if (!files::is_still_named(found.roles_.number(), roles_path)) return std::nullopt;
    if (auto is = check_mode(found.roles_.number(), roles_path, shape->mode); !is)
      return is.error();
    if (auto is = check_mode(found.fifo_.number(), path, shape->mode); !is) return is.error();
    size_fifo(found.fifo_.number(), shape->capacity);
    return result<named_pipe>(std::move(found));
  });
}

result<named_pipe> named_pipe::open_or_create(const std::string& name,
                                              const pipe_options& options) {
  return files::opened_or_created<named_pipe>(
      name, [&] { return open(name); }, [&] { return create(name, options); });
}

result<bool> named_pipe::remove(const std::string& name, bool even_if_in_use, ownership owner) {
  auto place = place_of(name, owner);
  if (!place) return place.error();
  const auto path = std::move(place).value();
  return files::settled<bool>(name, [&]() -> std::optional<result<bool>> {
    auto file = open_checked(roles_path_of(path), S_IFREG, owner, name);
    if (file) return remove_files(file->number(), path, name, even_if_in_use);
    if (file.error().kind != fault::not_found) return file.error();
    if (auto why = missing(name, path)) return *why;
    return std::nullopt;
  });
}

}  // namespace annulus
