#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <annulus/channel/directory.hpp>
#include <annulus/channel/file.hpp>

namespace annulus::files {
namespace {

constexpr const char* shared_memory = "/dev/shm";

// Whether it is there, for whatever user: no right of ours is asked.
bool is_writable_place(const char* path) noexcept {
  struct stat info {};
  struct statvfs mounted {};
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode) && statvfs(path, &mounted) == 0 &&
         (mounted.f_flag & ST_RDONLY) == 0;
}

std::string another() {
  return std::string("choose another with ") + directory_variable +
         ", --dir, or the option dir= of "
         "a name";
}

failure unfit(fault kind, const std::string& path, const std::string& why) {
  return {kind, "the directory " + quoted(path) + " " + why + "; " + another()};
}

}  // namespace

std::string directory() {
  const char* const said = secure_getenv(directory_variable);
  if (said != nullptr && *said != '\0') return said;
  return is_writable_place(shared_memory) ? shared_memory : "/tmp";
}

result<bool> check_directory(const std::string& path, ownership owner) {
  if (!path.starts_with('/')) {
    return unfit(fault::bad_argument, path, "is no absolute path: it must start with '/'");
  }
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    const int why = errno;
    const bool is_wrong = why == ENOENT || why == ENOTDIR || why == ELOOP || why == ENAMETOOLONG;
    return unfit(is_wrong        ? fault::bad_argument
                 : why == EACCES ? fault::no_permission
                                 : fault::system,
                 path, std::string("cannot be used: ") + std::strerror(why));
  }
  if (!S_ISDIR(info.st_mode)) return unfit(fault::bad_argument, path, "is no directory");
  const bool is_sticky = (info.st_mode & S_ISVTX) != 0;
  if (is_sticky || owner == ownership::any) return true;
  if (not_ours(info, owner, path)) {
    return unfit(fault::no_permission, path,
                 "belongs to user " + std::to_string(info.st_uid) +
                     ", who can replace any file "
                     "in it");
  }
  if ((info.st_mode & S_IWOTH) != 0) {
    return unfit(fault::no_permission, path,
                 "may be written by everybody, and without a sticky bit everybody can replace any "
                 "file in it: chmod +t");
  }
  return true;
}

failure cannot_store(const std::string& what, int number) {
  auto why = system_error(what, number);
  const bool is_full = why.kind == fault::no_space;
  const bool is_closed =
      number == EROFS || number == EACCES || number == EPERM || number == EOPNOTSUPP;
  if (is_full) why.message += "; free some in its directory, or " + another();
  if (is_closed) why.message += "; its directory takes no file of ours: " + another();
  return why;
}

}  // namespace annulus::files
