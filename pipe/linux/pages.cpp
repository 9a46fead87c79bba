#include <sys/mman.h>

#include <cerrno>
#include <string>

#include <annulus/channel/file.hpp>
#include <annulus/pipe/pages.hpp>

namespace annulus::pipes {

pages::~pages() {
  if (!bytes_.empty()) munmap(bytes_.data(), bytes_.size());
}

result<pages> pages::fresh(std::size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) {
    return files::system_error("cannot map " + std::to_string(bytes) + " bytes of memory", errno);
  }
  return pages({static_cast<std::byte*>(at), bytes});
}

pages pages::of_file(int file, std::size_t bytes, access how) noexcept {
  const int rights = how == access::read_only ? PROT_READ : PROT_READ | PROT_WRITE;
  void* const at = mmap(nullptr, bytes, rights, MAP_SHARED, file, 0);
  if (at == MAP_FAILED) return {};
  return pages({static_cast<std::byte*>(at), bytes});
}

}  // namespace annulus::pipes
