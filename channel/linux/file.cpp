#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>

#include <annulus/channel/arithmetic.hpp>
#include <annulus/channel/file.hpp>
#include <annulus/channel/uncancelled.hpp>

namespace annulus {

descriptor::descriptor(int number) noexcept : number_(number) {
  if (number < 0 || number > STDERR_FILENO) return;
  number_ = fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);  // the same open file, and its locks
  const int why = errno;
  const uncancelled here;
  ::close(number);
  errno = why;
}

descriptor::~descriptor() {
  if (number_ < 0) return;
  const uncancelled here;
  ::close(number_);
}

namespace files {
namespace {

// A timer of 1 kHz interrupts a reservation of a GiB some hundred times.
constexpr int most_interruptions = 100'000;

// Every user whom our user namespace does not map is shown as one and the same number.
bool is_unmapped(uid_t user) {
  unsigned long long shown = 65534;
  if (std::ifstream of("/proc/sys/kernel/overflowuid"); !(of >> shown)) shown = 65534;
  if (user != shown) return false;
  std::ifstream map("/proc/self/uid_map");
  for (unsigned long long first = 0, outside = 0, count = 0; map >> first >> outside >> count;) {
    if (user >= first && user - first < count) return false;
  }
  return true;
}

// A call that EINTR ends is made again, and not for ever.
template <class Call>
auto again_after_signals(Call call) noexcept {
  auto done = call();
  for (int tries = 0; done < 0 && errno == EINTR && tries < most_interruptions; ++tries) {
    done = call();
  }
  return done;
}

int flags_of(access how) noexcept { return how == access::read_only ? O_RDONLY : O_RDWR; }

std::string link_of(int file) { return "/proc/self/fd/" + std::to_string(file); }

// Of a link that was not found.
std::string advice_without_proc(int number) {
  if (number != ENOENT || ::access("/proc/self/fd", F_OK) == 0) return {};
  return "; /proc is missing, by which a channel is made, and each role opens it anew: mount it";
}

}  // namespace

const char* const path_start = "/";

bool is_path(std::string_view name) noexcept { return name.size() > 1 && name.front() == '/'; }

failure system_error(const std::string& what, int number) {
  fault kind = fault::system;
  switch (number) {
    case EACCES:
    case EPERM: kind = fault::no_permission; break;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM: kind = fault::no_space; break;
    default: break;
  }
  const char* advice =
      number == EFBIG ? "; this process may not make files so large: see ulimit -f" : "";
  return {kind, what + ": " + std::strerror(number) + advice};
}

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

descriptor opened(const std::string& path, int flags, unsigned mode) noexcept {
  const uncancelled here;
  return descriptor(again_after_signals(
      [&] { return ::open(path.c_str(), flags | O_CLOEXEC, static_cast<mode_t>(mode)); }));
}

descriptor existing(const std::string& path, access how) noexcept {
  // Non-blocking: a named pipe in the way must not hold us up.
  return opened(path, flags_of(how) | O_NOFOLLOW | O_NONBLOCK);
}

descriptor unnamed(const std::string& path, unsigned mode) noexcept {
  descriptor made = opened(directory_of(path), O_TMPFILE | O_RDWR, mode);
  if (made) fchmod(made.number(), static_cast<mode_t>(mode));
  return made;
}

descriptor created(const std::string& path, unsigned mode) noexcept {
  return opened(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
}

descriptor anonymous() noexcept {
  return descriptor(memfd_create("annulus", MFD_CLOEXEC | MFD_ALLOW_SEALING));
}

descriptor duplicate(int file) noexcept { return descriptor(fcntl(file, F_DUPFD_CLOEXEC, 0)); }

bool remove(const std::string& path) noexcept { return unlink(path.c_str()) == 0; }

ssize_t read_at(int file, void* to, std::size_t bytes, std::uint64_t from) noexcept {
  const uncancelled here;
  return again_after_signals([&] { return pread(file, to, bytes, static_cast<off_t>(from)); });
}

ssize_t write_at(int file, const void* from, std::size_t bytes, std::uint64_t to) noexcept {
  const uncancelled here;
  return again_after_signals([&] { return pwrite(file, from, bytes, static_cast<off_t>(to)); });
}

result<descriptor> reopened(int file, int flags, const std::string& name) {
  descriptor again = opened(link_of(file), flags);
  if (again) return again;
  const int number = errno;
  auto why = system_error("cannot open " + quoted(name), number);
  why.message += advice_without_proc(number);
  return why;
}

result<descriptor> reopened(int file, access how, const std::string& name) {
  return reopened(file, flags_of(how), name);
}

int set_size(int file, std::uint64_t bytes, std::uint64_t reserved) noexcept {
  rlimit most{};
  if (getrlimit(RLIMIT_FSIZE, &most) == 0 && most.rlim_cur < bytes) return EFBIG;
  while (ftruncate(file, static_cast<off_t>(bytes)) != 0) {
    if (errno != EINTR) return errno;
  }
  // A signal ends it early on some systems: it goes on where it was.
  for (int tries = 0; fallocate(file, 0, 0, static_cast<off_t>(reserved)) != 0; ++tries) {
    if (errno == EOPNOTSUPP) return 0;
    if (errno != EINTR || tries == most_interruptions) return errno;
  }
  return 0;
}

bool publish(int file, const std::string& path) noexcept {
  return linkat(AT_FDCWD, link_of(file).c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

failure cannot_name(const std::string& name, int number) {
  auto why = system_error("cannot name " + name, number);
  why.message += advice_without_proc(number);
  return why;
}

bool seal(int file) noexcept {
  return fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
}

bool is_sealed(int file, std::uint64_t bytes) noexcept {
  // The seal first: from then on the size that is seen is the least there will be.
  const int seals = fcntl(file, F_GET_SEALS);
  struct stat info {};
  return seals >= 0 && (seals & F_SEAL_SHRINK) != 0 && fstat(file, &info) == 0 &&
         static_cast<std::uint64_t>(info.st_size) >= bytes;
}

bool is_same(int file, int other) noexcept {
  struct stat one {};
  struct stat two {};
  return fstat(file, &one) == 0 && fstat(other, &two) == 0 && one.st_dev == two.st_dev &&
         one.st_ino == two.st_ino;
}

bool lead_to_same(const std::string& path, const std::string& other) noexcept {
  struct stat one {};
  struct stat two {};
  return stat(path.c_str(), &one) == 0 && stat(other.c_str(), &two) == 0 &&
         one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

bool leads_to_one(const std::string& path) noexcept { return ::access(path.c_str(), F_OK) == 0; }

bool is_still_named(int file, const std::string& path) noexcept {
  struct stat held {};
  struct stat named {};
  return fstat(file, &held) == 0 && lstat(path.c_str(), &named) == 0 &&
         held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

result<std::uint64_t> size_of_ours(int file, ownership owner, const std::string& name,
                                   std::string_view kind) {
  struct stat info {};
  if (fstat(file, &info) != 0) return system_error("cannot look at " + quoted(name), errno);
  if (!S_ISREG(info.st_mode)) return no_regular_file(name, kind);
  if (auto why = not_ours(info, owner, name)) return *why;
  return static_cast<std::uint64_t>(info.st_size);
}

bool is_regular(int file) noexcept {
  struct stat info {};
  return fstat(file, &info) == 0 && S_ISREG(info.st_mode);
}

std::optional<failure> not_own(int file, const std::string& path) {
  struct stat info {};
  if (fstat(file, &info) != 0) return system_error("cannot look at " + path, errno);
  if (info.st_uid == geteuid()) return std::nullopt;
  return failure{fault::no_permission, path + " belongs to user " + std::to_string(info.st_uid) +
                                           ", we are user " + std::to_string(geteuid()) +
                                           "; he must remove it"};
}

std::string whose(int file) {
  struct stat info {};
  if (fstat(file, &info) != 0) return {};
  return "; each role opens the file anew, and user " + std::to_string(geteuid()) +
         " may not: it is of user " + std::to_string(info.st_uid) + ", mode " +
         octal(info.st_mode) +
         "; attach before the process gives up rights, or let that user open it (chown, mode=)";
}

std::optional<failure> not_ours(const struct stat& info, ownership owner, const std::string& name) {
  if (owner == ownership::any || info.st_uid == 0) return std::nullopt;
  if (is_unmapped(info.st_uid)) {
    return failure{fault::no_permission,
                   quoted(name) +
                       " belongs to a user whom this user namespace does not map, so nobody can "
                       "tell whether it is ours; map that user, or say owner=any, ownership::any "
                       "in C++, if anybody's is meant"};
  }
  if (info.st_uid == geteuid()) return std::nullopt;
  return failure{fault::no_permission,
                 quoted(name) + " belongs to user " + std::to_string(info.st_uid) +
                     ", we are user " + std::to_string(geteuid()) +
                     "; say owner=any, ownership::any in C++, if that is meant"};
}

std::uint64_t random_word() noexcept {
  std::uint64_t word = 0;
  if (getrandom(&word, sizeof word, GRND_NONBLOCK) != sizeof word) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    word = static_cast<std::uint64_t>(now.tv_nsec) * golden_ratio ^
           static_cast<std::uint64_t>(getpid());
  }
  return word;
}

}  // namespace files
}  // namespace annulus
