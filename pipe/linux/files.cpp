#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <annulus/pipe/fifo.hpp>
#include <annulus/pipe/files.hpp>

namespace annulus::pipes {

using files::quoted;
using files::system_error;

namespace {

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

}  // namespace

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

// First only a handle, which has no effect on whatever it is.
result<descriptor> open_part(const std::string& path, part which, ownership owner,
                             const std::string& name) {
  descriptor handle = files::opened(path, O_PATH | O_NOFOLLOW);
  struct stat info {};
  if (!handle && errno == ENOENT) return failure{fault::not_found, quoted(path) + " is not there"};
  if (!handle || fstat(handle.number(), &info) != 0) {
    return system_error("cannot open " + quoted(path), errno);
  }
  if ((info.st_mode & S_IFMT) != (which == part::roles ? S_IFREG : S_IFIFO)) {
    return in_the_way(path, info.st_mode);
  }
  if (auto why = files::not_ours(info, owner, path)) return *why;
  return files::reopened(handle.number(), O_RDWR | O_NONBLOCK, name);
}

bool is_there(const std::string& path) noexcept {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0;
}

bool is_own(int file) noexcept {
  struct stat info {};
  return fstat(file, &info) == 0 && info.st_uid == geteuid();
}

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

bool is_written(int file, std::uint64_t from, std::uint64_t count) noexcept {
  const auto hole = lseek(file, static_cast<off_t>(from), SEEK_HOLE);
  return hole >= static_cast<off_t>(from + count);
}

// A file without a name where the file system has such, else under a passing one.
new_file make_file(const std::string& path, unsigned mode) {
  new_file made{files::opened(files::directory_of(path), O_TMPFILE | O_RDWR, mode), {}};
  if (!made.file && (errno == EOPNOTSUPP || errno == EISDIR)) {
    // Of its own: a process of another pid namespace may have the same number, and what died with
    // such a name is in nobody's way.
    made.passing = path + "." + std::to_string(files::random_word());
    made.file = files::opened(made.passing, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR, mode);
  }
  const int why = errno;
  if (made.file) fchmod(made.file.number(), static_cast<mode_t>(mode));  // whatever the umask
  errno = why;
  return made;
}

bool publish(const new_file& one, const std::string& path) {
  if (one.passing.empty()) return files::publish(one.file.number(), path);
  const bool done = linkat(AT_FDCWD, one.passing.c_str(), AT_FDCWD, path.c_str(), 0) == 0;
  const int why = errno;
  discard(one);
  errno = why;
  return done;
}

void discard(const new_file& one) noexcept {
  if (!one.passing.empty()) unlink(one.passing.c_str());
}

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

result<bool> prepare_fifo(int fifo, std::uint64_t capacity, const std::string&) {
  const auto now = kernel_bytes(fifo);
  std::uint64_t wanted = std::min(capacity, std::uint64_t{1} << 30);
  while (wanted != now && fcntl(fifo, F_SETPIPE_SZ, static_cast<int>(wanted)) < 0 &&
         wanted > 2 * now) {
    wanted /= 2;
  }
  return true;
}

result<bool> remove_fifo(const std::string& path) {
  struct stat info {};
  const bool is_seen = lstat(path.c_str(), &info) == 0;
  if (!is_seen && errno != ENOENT) return system_error("cannot look at " + quoted(path), errno);
  if (is_seen && !S_ISFIFO(info.st_mode)) return in_the_way(path, info.st_mode);
  if (unlink(path.c_str()) == 0 || (!is_seen && errno == ENOENT)) return true;
  return system_error("cannot remove " + quoted(path), errno);
}

}  // namespace annulus::pipes
