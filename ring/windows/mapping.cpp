#include <cerrno>
#include <cstdint>
#include <mutex>
#include <vector>

#include <annulus/channel/windows/handle.hpp>
#include <annulus/ring/mapping.hpp>
#include <annulus/ring/windows/mapped.hpp>

namespace annulus {
namespace windows {
namespace {

struct all_mapped {
  std::mutex mutex;
  std::vector<std::span<std::byte>> segments;
};
all_mapped& all() noexcept {
  static auto* const made = new all_mapped;  // outlives the last role that is destroyed at exit
  return *made;
}

}  // namespace

void add_mapped(std::span<std::byte> segment) noexcept {
  const std::lock_guard guard(all().mutex);
  all().segments.push_back(segment);
}

void drop_mapped(std::span<std::byte> segment) noexcept {
  const std::lock_guard guard(all().mutex);
  std::erase_if(all().segments, [&](const auto& one) { return one.data() == segment.data(); });
}

std::byte* mapped_around(const void* word) noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(word);
  const std::lock_guard guard(all().mutex);
  for (const auto& one : all().segments) {
    const auto from = reinterpret_cast<std::uintptr_t>(one.data());
    if (at >= from && at - from < one.size()) return one.data();
  }
  return nullptr;
}

}  // namespace windows

// Large pages take a right that users do not have: `huge_pages` changes nothing.
int mapping::map(int file, std::uint64_t bytes, access how, bool) noexcept {
  const bool is_writable = how == access::read_write;
  const auto size = static_cast<std::size_t>(bytes);
  base_ = windows::mapped(file, size, is_writable);
  if (base_ == nullptr) return errno;
  space_ = {base_, size};
  if (is_writable) windows::add_mapped(space_);
  return 0;
}

mapping::~mapping() {
  if (space_.empty()) return;
  windows::drop_mapped(space_);
  UnmapViewOfFile(space_.data());
}

}  // namespace annulus
