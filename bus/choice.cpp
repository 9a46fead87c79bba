#include <fcntl.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <annulus/bus/choice.hpp>

namespace annulus::bus {
namespace {

// A ring on a disk works, but its pages are written back while they are used.
bool is_of_memory(const struct statfs& mounted) noexcept {
  const auto kind = static_cast<std::uint64_t>(mounted.f_type);
  return kind == TMPFS_MAGIC || kind == RAMFS_MAGIC || kind == HUGETLBFS_MAGIC;
}

}  // namespace

const char* to_string(transport t) noexcept {
  return t == transport::shm ? "shm" : t == transport::pipe ? "pipe" : "auto";
}

choice choose(const needs& of) {
  if (of.portable) {
    return {transport::pipe, "it must work where shared memory does not, on this machine", false};
  }
  if (of.latency && *of.latency < low_latency) {
    return {transport::shm, std::string("less than ") + low_latency_words + " is needed", false};
  }
  if (of.rate && *of.rate > high_rate) {
    return {transport::shm, std::string("more than ") + high_rate_words + " are needed", false};
  }
  if (of.guarded) {
    return {
        transport::pipe,
        "the system is to guard it: a pipe keeps an audit log of who came, and a message is copied "
        "before it is read",
        false};
  }
  return {transport::pipe,
          std::string("nothing asks for more than a pipe gives: neither less than ") +
              low_latency_words + " nor more than " + high_rate_words,
          false};
}

choice choose(const needs& of, std::uint64_t bytes, const std::string& directory) {
  auto out = choose(of);
  if (out.transport != transport::shm) return out;
  const auto missing = shared_memory_is_missing(bytes, directory);
  if (missing.empty()) return out;
  return {transport::pipe, out.why + ", but " + missing + ": the pipe takes its place", true};
}

std::string shared_memory_is_missing(std::uint64_t bytes, const std::string& directory) {
  const int probe = open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (probe < 0) {
    return "no file can be made in " + directory + " (" + std::strerror(errno) + ")";
  }
  struct statfs mounted {};
  const bool is_in_memory = fstatfs(probe, &mounted) == 0 && is_of_memory(mounted);
  close(probe);
  if (!is_in_memory) return "files in " + directory + " are on a disk, not in memory";
  rlimit most{};
  if (getrlimit(RLIMIT_FSIZE, &most) == 0 && most.rlim_cur < bytes) {
    return "this process may make files of " + std::to_string(most.rlim_cur) + " bytes only, and " +
           std::to_string(bytes) + " are needed";
  }
  const auto left =
      static_cast<std::uint64_t>(mounted.f_bavail) * static_cast<std::uint64_t>(mounted.f_bsize);
  // A tmpfs without a limit says that it has 0 blocks.
  if (left >= bytes || mounted.f_blocks == 0) return {};
  return directory + " has " + std::to_string(left) + " bytes left, and " + std::to_string(bytes) +
         " are needed";
}

}  // namespace annulus::bus
