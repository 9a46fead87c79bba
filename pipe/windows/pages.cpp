#include <cerrno>
#include <string>

#include <annulus/channel/windows/handle.hpp>
#include <annulus/pipe/pages.hpp>

namespace annulus::pipes {

pages::~pages() {
  if (bytes_.empty()) return;
  MEMORY_BASIC_INFORMATION info{};
  VirtualQuery(bytes_.data(), &info, sizeof info);
  if (info.Type == MEM_MAPPED) {
    UnmapViewOfFile(bytes_.data());
  } else {
    VirtualFree(bytes_.data(), 0, MEM_RELEASE);
  }
}

// Windows promises the memory at once: pages that nobody touches count against what there is.
result<pages> pages::fresh(std::size_t bytes) {
  void* const at = VirtualAlloc(nullptr, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
  if (at == nullptr) {
    windows::set_errno();
    return files::system_error("cannot have " + std::to_string(bytes) + " bytes of memory", errno);
  }
  return pages({static_cast<std::byte*>(at), bytes});
}

pages pages::of_file(int file, std::size_t bytes, access how) noexcept {
  std::byte* const at = windows::mapped(file, bytes, how == access::read_write);
  if (at == nullptr) return {};
  return pages({at, bytes});
}

}  // namespace annulus::pipes
