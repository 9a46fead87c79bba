#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <annulus/pipe/system.hpp>

namespace annulus::pipes {

descriptor::~descriptor() {
  if (number_ >= 0) ::close(number_);
}

pages::~pages() {
  if (!bytes_.empty()) munmap(bytes_.data(), bytes_.size());
}

result<pages> pages::fresh(std::size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) {
    return system_error("cannot map " + std::to_string(bytes) + " bytes of memory", errno);
  }
  return pages({static_cast<std::byte*>(at), bytes});
}

std::string quoted(const std::string& name) { return "'" + name + "'"; }

failure system_error(const std::string& what, int number) {
  fault kind = fault::system;
  switch (number) {
    case ENOENT: kind = fault::not_found; break;
    case EEXIST: kind = fault::already_exists; break;
    case EACCES:
    case EPERM: kind = fault::no_permission; break;
    case ENOSPC:
    case ENOMEM: kind = fault::no_space; break;
    default: break;
  }
  return {kind, what + ": " + std::strerror(number)};
}

result<descriptor> reopened(int file, int flags, const std::string& name) {
  const auto link = "/proc/self/fd/" + std::to_string(file);
  descriptor again(::open(link.c_str(), flags | O_CLOEXEC));
  if (!again) return system_error("cannot open " + quoted(name), errno);
  return again;
}

}  // namespace annulus::pipes
